"""The player's bar: its interval, its marks, and how a page of the past says that it is one."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qsl

import pytest

import app
from briefing.target import page
from data.errors import WrongInput
from data.timeline import interval
from layouts.regions import body_class, regions
from layouts.screens import BY_KEY
from layouts.tools.replay import SPEEDS, address_of
from layouts.view import ViewState
from tests.fixtures.answers import NOW_US, ROOT, answers, context

SCREEN = BY_KEY["overview"]
NOW = datetime(2026, 11, 22, 6, 30, 41, tzinfo=UTC)
ZONE = "Asia/Shanghai"
HOUR = 3_600_000_000


def bar(mood: str = "full", **told: str) -> str:
    view = ViewState(division=ROOT, tool="replay", **told)
    return regions(SCREEN, answers(SCREEN, mood, view), context(SCREEN, view))["tool"]


@pytest.mark.parametrize(("text", "first", "last"), [
    ("2026-11-20~2026-11-21", "2026-11-19T16:00", "2026-11-20T16:00"),
    ("2026-11-20T08:00:00Z~2026-11-20T09:30:00+08:00", None, None),
    ("2026-11-20T01:00:00Z~2026-11-20T09:30:00+08:00", "2026-11-20T01:00", "2026-11-20T01:30"),
    ("", "2026-11-21T06:30", "2026-11-22T06:30"),
    ("@2026-11-20T08:00:00Z", "2026-11-19T20:00", "2026-11-20T20:00"),
    ("@2026-11-22T06:00:00Z", "2026-11-21T18:00", "2026-11-22T06:30")])
def test_an_interval_of_an_address(text: str, first: str | None, last: str | None) -> None:
    if first is None:
        with pytest.raises(WrongInput, match="起点必须早于终点"):
            interval(text, NOW, ZONE)
        return
    found = interval(text, NOW, ZONE)
    assert [moment.strftime("%Y-%m-%dT%H:%M") for moment in (found.start, found.end)] == [first, last]


@pytest.mark.parametrize("text", ["nonsense", "2026-11-20", "~", "a~b", "2026-11-21~2026-11-20", "@", "<img>~<img>",
                                  "2020-01-01~2026-01-01", "0001-01-01~9999-12-31"])
def test_what_is_no_interval_says_so(text: str) -> None:
    with pytest.raises(WrongInput):
        interval(text, NOW, ZONE)


def test_marks_stand_where_they_happened() -> None:
    found = re.findall(r'data-kind="(\w+)" data-us="(\d+)" style="left:([\d.]+)%" title="([^"]+)"', bar())
    assert [(kind, round(float(left))) for kind, _, left, _ in found] == [
        ("warning", 25), ("event", 42), ("loss", 58), ("event", 83)]
    assert found[0][3].endswith("橙色预警：警")


def test_every_button_has_a_name_and_every_speed_is_there() -> None:
    drawn = bar(at=address_of(NOW_US - 3 * HOUR))
    buttons = re.findall(r"<button[^>]*>(.*?)</button>", drawn)
    assert len(buttons) > 10
    for head, inside in re.findall(r"<button([^>]*)>(.*?)</button>", drawn):
        assert "aria-label=" in head or re.sub("<[^>]+>", "", inside)
    assert [int(kind) for kind in re.findall(r'data-act="replay-speed" data-kind="(\d+)"', drawn)] == list(SPEEDS)
    assert 'aria-valuetext="' in drawn


def test_the_command_for_a_strip_is_one_that_runs() -> None:
    """What stands on the bar is taken by the command line as it is, and shows the view's own interval."""
    view = dict(at=address_of(NOW_US - 3 * HOUR), known="now", area="circle:115.4,25.9,3000")
    drawn = bar(**view)
    [command] = re.findall('data-copy="([^"]+)" data-copies="命令"', drawn)
    assert f"<code>{command}</code>" in drawn
    words = shlex.split(unescape(command))
    args = app.build_parser("capture")[0].parse_args(words[1:])
    assert words[0] == "./yiping"
    assert (words[1], args.frames, str(args.out)) == ("capture", 12, "strip.png")
    first, last = re.findall('data-(?:from|to)="([0-9]+)"', drawn)
    assert args.strip == f"{address_of(int(first))}~{address_of(int(last))}"
    interval(args.strip, NOW, ZONE)
    asked = dict(parse_qsl(page(args.path).partition("?")[2]))
    assert (asked["known"], asked["area"]) == ("now", view["area"])
    assert not {"at", "replay", "tool"} & asked.keys()


def test_hostile_names_are_words() -> None:
    drawn = bar("hostile")
    assert "<img" not in drawn
    assert "<script" not in drawn


def test_without_an_answer_the_bar_says_so() -> None:
    assert "player-none" in bar("absent")


def test_a_page_of_the_past_says_so_everywhere() -> None:
    for key in ("overview", "feeds"):
        screen, view = BY_KEY[key], ViewState(screen=key, division=ROOT, at=address_of(NOW_US - 3 * HOUR))
        made = regions(screen, answers(screen, view=view), context(screen, view))["situation"]
        assert "is-replay" in body_class(screen, view)
        assert '<span class="then" role="status"><b>回放</b>' in made
        assert "data-clock" not in made
        assert "回到实时" in made
    live = regions(SCREEN, answers(SCREEN), context(SCREEN))["situation"]
    assert ("回放" in live, "data-clock" in live) == (False, True)
    assert "is-replay" not in body_class(SCREEN, ViewState())


def test_with_later_corrections_the_page_says_that_too() -> None:
    view = ViewState(division=ROOT, at=address_of(NOW_US - 3 * HOUR), known="now", tool="replay")
    made = regions(SCREEN, answers(SCREEN, view=view), context(SCREEN, view))
    assert "按现有数据" in made["situation"]
    assert "改按当时所知" in made["tool"]
