"""An open page while parts of the server die, hang or fail: never blank, it says so and comes back by itself."""

from __future__ import annotations

import json

import pytest
from outage import PARTS, markdown, outage
from served import until
from stub import County

from layouts.panels import KINDS

pytestmark = pytest.mark.browser
MARK_S, RECOVERY_S, HELD_S = 10.0, 15.0, 13.0
LOST = "() => document.querySelector('#notice').textContent.startsWith('连接中断')"
NETWORK = ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "net::ERR", "Failed to load resource"]


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_said_and_the_page_comes_back_by_itself(county, pages, part, tmp_path):
    pages.allow = NETWORK
    page = pages.open(county.url, size=(1920, 1080))
    page.wait_for_function("() => yiping.live.streaming()")
    story = outage(county, page, part, HELD_S)
    (tmp_path / "story.json").write_text(json.dumps(story.__dict__, ensure_ascii=False))
    (tmp_path / "story.md").write_text(markdown([story]), encoding="utf-8")
    assert story.blanks == []
    assert all(row["map"] and len(row["figures"]) == 6 for row in story.diary)
    marked = story.marked_after_s()
    assert marked is not None, "no sign"
    assert marked <= MARK_S
    assert story.recovered - story.back <= RECOVERY_S * 1000
    assert story.refused in (0, 503)


def test_marks_turn_worse_by_the_pages_own_clock_when_the_server_is_dead(county, pages):
    pages.allow = NETWORK
    page = pages.open()
    page.clock.install()
    page.goto(county.url)
    page.wait_for_selector('html[data-ready="true"]', state="attached", timeout=30000)
    ageing = "() => document.querySelectorAll('.panel .fr-live[data-time]:not([data-scheduled=\"1\"])').length"
    assert page.evaluate(ageing) > 0
    county.hold("web", still=True)
    try:
        page.clock.fast_forward(100 * 3600 * 1000)
        page.wait_for_function(f"() => ({ageing})() === 0", timeout=15000)
        assert page.locator(".panel .fr-live[data-time]:not([data-scheduled='1'])").count() == 0
        assert page.locator(".panel .fr-late, .panel .fr-down").count() > 0
        assert page.locator("#r-figures .fig").count() == 6
        page.wait_for_function(LOST, timeout=15000)
    finally:
        county.hold("web", still=False)
    until(county.whole, 60, "a whole server")


def test_a_server_that_hangs_is_said_and_the_page_resumes(county, pages):
    """As a network that swallows everything: connections stand and nothing comes."""
    pages.allow = NETWORK
    page = pages.open(county.url)
    page.wait_for_function("() => yiping.live.streaming()")
    began = page.evaluate("() => Date.now()")
    county.hold("web", still=True)
    try:
        page.wait_for_function(LOST, timeout=30000)
        assert page.evaluate("() => Date.now()") - began <= MARK_S * 1000
        assert page.locator("#r-figures .fig").count() == 6
    finally:
        county.hold("web", still=False)
    page.wait_for_function("() => !document.querySelector('#notice').textContent", timeout=RECOVERY_S * 1000)
    until(county.whole, 60, "a whole server")


def test_a_failing_panel_shows_one_error_tile_and_the_others_stand(stubs, pages, monkeypatch):
    def broken(*_):
        raise RuntimeError("planted")

    monkeypatch.setitem(KINDS, "air", broken)
    page = pages.open(stubs(County()).url, size=(1920, 1080))
    tile = page.locator(".panel.is-error")
    assert tile.count() == 1
    assert "此面板暂时无法显示" in tile.inner_text()
    others = page.locator(".panel:visible:not(.is-error) .body")
    assert others.count() >= 5
    assert all(text.strip() for text in others.all_inner_texts())
