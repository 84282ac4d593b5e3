"""The player by hand and by keyboard: plays, stops at marks, drops steps, is shared, and leads back to now."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from driving import settled, until, value
from served import ROOT
from stub import County, Stub

from briefing import png
from briefing.strip import Strip, sheet_size, take_strip
from briefing.target import Size
from data.settings import Settings
from data.timeline import interval

pytestmark = pytest.mark.browser
FIRST, LAST = "2026-11-20T02:00:00Z", "2026-11-20T14:00:00Z"
WARNED = "2026-11-20T03:17:42Z"
LOST = "2026-11-20T09:30:00Z"
ADDRESS = f"/?tool=replay&replay={FIRST}~{LAST}&at={FIRST}"
AT = "() => yiping.state.at.at"
KEEP = """() => { window.told = []; document.addEventListener('yiping:answer', () => {
    if (window.told.at(-1) !== yiping.state.at.at) window.told.push(yiping.state.at.at); }); }"""


class Told(County):
    """The county with a warning, a lost feed and an event in every interval that holds them."""

    def answer(self, question, view, now: datetime):
        found = super().answer(question, view, now)
        if question.kind != "timeline":
            return found
        span = interval(question.name, now, self.place.timezone)
        first, last = (int(moment.timestamp() * 1e6) for moment in (span.start, span.end))
        rows = [{"kind": kind, "us": int(datetime.fromisoformat(at).timestamp() * 1e6), "until_us": 0, "state": state,
                 "text": text} for kind, at, state, text in (("warning", WARNED, "red", "暴雨红色预警"),
                                                             ("loss", LOST, "", "停车泊位"),
                                                             ("event", "2026-11-20T11:00:00Z", "", "路面积水"))]
        rows = [row for row in rows if first <= row["us"] < last]
        return replace(found, rows=tuple(rows), parts={"from_us": first, "to_us": last, "cells": [1, 0], "events": 1})


@pytest.fixture(scope="module")
def told():
    found = Stub(Told())
    found.dash.bundles.warm()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def page(told, pages):
    told.county.delay_s = 0.0
    found = pages.open(told.url + ADDRESS)
    value(found, KEEP)
    return found


def at(page) -> datetime:
    return datetime.fromisoformat(value(page, AT))


def came_to(page, instant: str) -> None:
    until(page, "(t) => yiping.state.at.at === t", instant)
    settled(page)


def test_it_plays_on_stops_at_a_warning_and_pauses(page):
    length = value(page, "() => history.length")
    page.click(".ps[data-kind='3600']")
    page.click(".pb-play")
    until(page, "(t) => yiping.state.at.at > t", "2026-11-20T05:00:00Z")
    shown = value(page, "() => window.told")
    assert WARNED in shown, "never past the start of a warning"
    assert value(page, "() => history.length") == length, "playing leaves no steps in the way back"
    page.keyboard.press("Space")                    # the button that pauses has the focus
    until(page, "() => !yiping.player.playing()")
    settled(page)
    stood = at(page)
    assert page.locator(".pb-play").is_visible()
    assert not page.locator(".pb-pause").is_visible()
    assert "回放" in page.locator("#r-situation").inner_text()
    assert "is-replay" in (page.locator("body").get_attribute("class") or "")
    # Longer than a beat: nothing may come.
    until(page, "(t) => performance.now() > t", value(page, "() => performance.now() + 1300"))
    assert at(page) == stood


def test_once_a_second_at_the_pace_of_the_clock(page):
    page.click(".ps[data-kind='1']")
    page.click(".pb-play")
    until(page, "() => window.told.length >= 4")
    shown = [datetime.fromisoformat(text) for text in value(page, "() => window.told")]
    assert {later - one for one, later in itertools.pairwise(shown)} <= {
        timedelta(seconds=1), timedelta(seconds=2)}
    value(page, "() => document.querySelector('.pb-pause').click()")


def test_the_keys_step_and_jump(page):
    page.click(".ps[data-kind='600']")
    page.locator("body").focus()
    value(page, "() => document.activeElement.blur()")
    for key, instant in (("ArrowRight", "2026-11-20T02:10:00Z"), ("ArrowRight", "2026-11-20T02:20:00Z"),
                         ("ArrowLeft", "2026-11-20T02:10:00Z"), ("PageDown", WARNED), ("PageDown", LOST),
                         ("PageUp", WARNED), ("End", LAST), ("Home", FIRST)):
        page.keyboard.press(key)
        came_to(page, instant)
        if key.startswith("Page"):
            told = "红色预警：暴雨红色预警" if instant == WARNED else "数据源中断：停车泊位"
            until(page, "(t) => document.querySelector('.player-mark').textContent.endsWith(t)", told)
    page.keyboard.press("Space")
    until(page, "() => yiping.player.playing()")
    page.keyboard.press("Escape")                   # closes the bar: what has no bar does not run on
    until(page, "() => !yiping.state.at.tool")
    until(page, "() => !yiping.player.playing()")
    page.keyboard.press("r")
    until(page, "() => yiping.state.at.tool === 'replay'")


def test_the_slider_is_dragged_and_a_mark_is_touched(page):
    slider = page.locator(".player-at")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=6)
    told_ahead = page.locator(".player-now b").inner_text()
    asked = value(page, AT)
    page.mouse.up()
    until(page, "(t) => yiping.state.at.at !== t", FIRST)
    assert asked == FIRST, "asked when the hand is lifted"
    assert abs(at(page) - datetime.fromisoformat("2026-11-20T08:00:00Z")) < timedelta(minutes=20)
    settled(page)
    assert page.locator(".player-now b").inner_text() == told_ahead
    page.click(".pt-loss")
    came_to(page, LOST)
    page.go_back()
    until(page, "(t) => yiping.state.at.at !== t", LOST)


def test_the_address_is_the_link_and_one_act_leads_back_to_now(page, pages, told):
    page.click(".pt-warning")
    came_to(page, WARNED)
    other = pages.open(page.url)
    assert value(other, AT) == WARNED
    assert other.locator(".player-now").inner_text() == page.locator(".player-now").inner_text()
    other.click(".player-live")
    until(other, "() => !yiping.state.at.at && !location.search.includes('replay')")
    settled(other)
    until(other, "() => !document.body.classList.contains('is-replay')")
    assert "回放" not in other.locator("#r-situation").inner_text()


def test_a_hidden_tab_does_not_play(page):
    page.click(".pb-play")
    until(page, "() => yiping.player.playing()")
    value(page, """() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});
                          document.dispatchEvent(new Event('visibilitychange')); }""")
    until(page, "() => !yiping.player.playing()")


def test_a_slow_answer_drops_steps_and_nothing_piles_up(page, told):
    page.click(".ps[data-kind='60']")
    told.county.delay_s = 1.6
    told.county.asked.clear()
    page.click(".pb-play")
    until(page, "() => window.told.length >= 3", seconds=25)
    shown = [datetime.fromisoformat(text) for text in value(page, "() => window.told")]
    value(page, "() => document.querySelector('.pb-pause').click()")
    assert len(told.county.asked) <= 2 * len(shown) + 2
    assert shown == sorted(shown)
    told.county.delay_s = 0.0


def test_what_happens_now_does_not_disturb_the_past(page, told):
    settled(page)
    told.county.asked.clear()
    heard = value(page, "() => yiping.answers.tick()")
    told.push(("events",))
    until(page, "(n) => yiping.answers.tick() > n", heard)
    assert value(page, "() => yiping.view.stale()") is False
    assert told.county.asked == []


def test_an_interval_is_chosen_by_dates(page):
    page.click(".player-choice summary")
    page.fill("[name='replay-from']", "2026-11-20T11:00")
    until(page, "() => yiping.state.at.replay.startsWith('2026-11-20T11:00~')")
    assert value(page, AT) == "2026-11-20T11:00"


def test_a_strip_of_the_same_past_is_the_same_picture(county, tmp_path):
    now = datetime.fromisoformat(county.clock())
    span = "~".join((now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (2, 1))
    settings = Settings(port=county.port, place=ROOT / "places" / "yudu", state=tmp_path, capture_no_sandbox=True)
    taken = []
    for name in ("a.png", "b.png"):
        wish = Strip("/", Size(1366, 768), tmp_path / name, span, 2)
        with ThreadPoolExecutor(1) as pool:         # two Playwrights do not share a thread
            done = pool.submit(take_strip, settings, wish).result(180)
        taken.append(wish.out.read_bytes())
        assert done.wish.size == sheet_size(wish.size, 2)
    assert taken[0] == taken[1]
    said = png.text_of(taken[0])
    assert (said["Comment"], said["Replay"], "回放" in said["Title"]) == ("演示数据", span, True)
