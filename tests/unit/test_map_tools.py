"""The map's tools: the address names the open one, its questions come with the view, its drawer stands in a region."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from layouts import ids
from layouts.mapcards import claim
from layouts.regions import body_class, questions, regions
from layouts.screens import BY_KEY
from layouts.tools.registry import TOOLS
from layouts.view import ViewState, from_query, to_query
from tests.fixtures.answers import answers, context

ADDRESS = {"division": "360731104000", "at": "2026-11-20T08:00:00+08:00", "pin": "115.41,25.95", "tool": "profile",
           "area": "circle:115.4,25.9,2000", "compare": "window:7d", "split": "slider", "classes": "natural",
           "replay": "2026-11-20T00:00~2026-11-20T08:00", "level": "grid", "layers": "events,camera"}


def test_an_address_comes_back_as_it_was_read():
    written = dict(pair.split("=") for pair in to_query(from_query("overview", ADDRESS)).split("&"))
    assert set(written) == set(ADDRESS)
    assert from_query("overview", ADDRESS).map.classes == "natural"


def test_keys_and_words_of_tools_are_their_own():
    for name in ("key", "name", "hotkey"):
        held = [getattr(tool, name) for tool in TOOLS]
        assert len(set(held)) == len(held), name
    assert all(re.fullmatch("[a-z/]", tool.hotkey) and tool.place in ("side", "bar") for tool in TOOLS)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_an_open_tool_asks_and_draws_with_the_view(tool):
    screen = BY_KEY["overview"]
    view = ViewState(tool=tool.key)
    asked = {name for name, _ in questions(screen, view)} - {name for name, _ in questions(screen)}
    assert asked == {f"tool.{tool.key}.{name}" for name in tool.asks(screen, view)}
    made = regions(screen, answers(screen, view=view), context(screen, view))
    assert f"drawer tool-{tool.key}" in made["tool"]
    assert "&#34;tool&#34;: null" in made["tool"]
    assert f"has-{tool.place} has-{tool.key}" in body_class(screen, view)


def test_a_closed_drawer_is_an_empty_region():
    screen = BY_KEY["overview"]
    made = regions(screen, answers(screen), context(screen))
    assert made["tool"] == ""
    assert made["tools"].count("data-key=") == len(TOOLS)
    assert body_class(screen, ViewState()) == "screen-overview"
    assert {"tools", "tool"} <= set(ids.LATER_REGIONS)


@pytest.mark.parametrize("word", ["nothing", "<img>", "profile "])
def test_a_tool_that_does_not_exist_is_none(word):
    screen = BY_KEY["overview"]
    assert questions(screen, ViewState(tool=word)) == questions(screen)
    assert body_class(screen, ViewState(tool=word)) == "screen-overview"


def test_a_page_without_a_map_has_no_tools():
    screen = next(screen for screen in BY_KEY.values() if screen.plain)
    assert body_class(screen, ViewState(tool=TOOLS[0].key)) == f"screen-{screen.key} is-plain"


def test_a_screen_without_a_second_layer_says_so_in_its_class():
    screen = BY_KEY["overview"]
    few = replace(screen, panels=tuple(panel for panel in screen.panels if not panel.slot.startswith("s")))
    assert body_class(few, ViewState()) == "screen-overview no-far"


@pytest.mark.parametrize(("official", "number"), [
    (False, ""), (False, "GS(2026)1"), (True, ""), (True, "审图号：GS(2026)1"), (False, "<img src=x>")])
def test_the_map_says_whether_its_borders_are_official_and_its_number(official, number):
    screen = BY_KEY["overview"]
    held = context(screen)
    told = str(claim(replace(held, place=replace(held.place, official=official, licence_no=number))))
    assert ("<b>示意边界</b>" in told) is not official
    assert told.count("审图号") == (1 if number else 0)
    assert ("审图号：GS(2026)1" in told) is ("GS" in number)
    assert "<img" not in told


def test_no_style_needs_a_selector_that_older_browsers_drop():
    sheets = sorted((Path(__file__).parents[2] / "assets").glob("*.css"))
    assert sheets
    assert [sheet.name for sheet in sheets if ":has(" in sheet.read_text(encoding="utf-8")] == []
