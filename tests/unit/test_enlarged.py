"""A panel in full: every panel of every screen has words and numbers, with source, time and freshness."""

from __future__ import annotations

import re

import pytest

from data.answers import FRESHNESS_WORDS
from layouts.enlarged import enlarged
from layouts.panels.profile import render
from layouts.screens import BY_KEY, SCREENS
from tests.fixtures import answers as invented

PANELS = [(screen.key, panel.key) for screen in SCREENS for panel in screen.panels]
KEY = re.compile(r"[a-z]+(_[a-z]+)*")


def opened(screen_key: str, panel_key: str, mood: str = "full"):
    screen = BY_KEY[screen_key]
    panel = next(panel for panel in screen.panels if panel.key == panel_key)
    found = {name: invented.invent(question, mood) for name, question in panel.asks.items()}
    return enlarged(panel, found, invented.context(screen))


@pytest.mark.parametrize(("screen", "panel"), PANELS)
def test_every_panel_has_numbers_under_words(screen: str, panel: str) -> None:
    shown = opened(screen, panel)
    assert shown["rows"], "an empty dialog"
    assert not [head for head in shown["columns"] if KEY.fullmatch(head)], shown["columns"]
    assert all(len(row) == len(shown["columns"]) for row in shown["rows"])
    assert not [cell for row in shown["rows"] for cell in row if cell in ("orange", "live", "alarm", "True", "None")]


@pytest.mark.parametrize(("screen", "panel"), [pair for pair in PANELS if pair[0] not in ("feeds", "topics")])
def test_source_time_and_freshness_stand_beside_the_numbers(screen: str, panel: str) -> None:
    shown = opened(screen, panel)
    told = shown["note"] + "".join("".join(row) for row in shown["rows"])
    assert any(word in told for word in FRESHNESS_WORDS.values())
    assert re.search(r"\d\d-\d\d \d\d:\d\d|·\d{4}\b", told)


def test_two_lines_of_a_trend_stand_side_by_side_and_months_carry_their_year() -> None:
    shown = opened("economy", "p5")
    assert [head[:4] for head in shown["columns"]] == ["时间", "新设经营", "注销经营"]
    assert re.fullmatch(r"\d{4}-\d\d", shown["rows"][0][0])


def test_figures_of_many_units_are_a_table_not_one_axis() -> None:
    shown = opened("overview", "p1")
    assert shown["figure"] is None
    assert len(shown["rows"]) == 8


@pytest.mark.parametrize("mood", ["empty", "down", "hostile", "huge"])
def test_no_mood_breaks_it(mood: str) -> None:
    for screen, panel in PANELS:
        assert opened(screen, panel, mood)["title"]


def test_the_card_of_a_division_says_whose_count_it_is_and_of_when() -> None:
    screen = BY_KEY["overview"]
    panel = next(panel for panel in screen.panels if panel.kind == "profile")
    html = str(render(panel, {"card": invented.invent(panel.asks["card"])}, invented.context(screen)))
    assert "县统计局" in html
    assert "定期" in html
    assert ">·2025<" in html


def test_dates_and_numbers_of_the_large_chart_are_not_english() -> None:
    months, hours = opened("economy", "p2")["figure"], opened("overview", "p5")["figure"]
    assert months["layout"]["xaxis"]["tickformat"] == "%Y-%m"
    assert hours["layout"]["xaxis"]["hoverformat"] == "%m-%d %H:%M"
    assert months["layout"]["yaxis"]["tickformat"] == ","
    assert "tickformat" not in opened("events", "p3")["figure"]["layout"]["xaxis"]
