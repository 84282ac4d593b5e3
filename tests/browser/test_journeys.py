"""Three people at work on the real server: a leader at the wall, an analyst at a desk, a duty officer live."""

from __future__ import annotations

import re
import statistics
from datetime import datetime, timedelta

import pytest
from served import event

pytestmark = pytest.mark.browser
TOWN, TOWN_NAME = "360731100000", "贡江镇"
HOSTILE = "<img src=x onerror=window.__x=1>"
LIVE_LIMIT_MS = 1000
SPOT = """(code) => {
    const heart = yiping.map.state.level.byCode.get(code).heart, map = yiping.map.leaflet(), from = yiping.geo.origin;
    const k = 2 ** (map.getZoom() - yiping.geo.ZOOM), box = map.getContainer().getBoundingClientRect();
    const spot = L.point((heart.x + from.x) * k, (heart.y + from.y) * k).subtract(map.getPixelOrigin());
    const at = map.layerPointToContainerPoint(spot);
    return [box.left + at.x, box.top + at.y]; }"""
FIGURE = "() => Number(document.querySelector('#r-figures .fig').firstChild.textContent.replaceAll(',', ''))"


def wait(page, script: str, arg=None, seconds: float = 20.0) -> None:
    page.wait_for_function(script, arg=arg, timeout=seconds * 1000)


def shown(page, division: str) -> None:
    """The view of a division stands on the page: address, answer and map."""
    wait(page, "(code) => yiping.state.at.division === code && yiping.view.last().query.includes(code)", division)
    page.wait_for_selector('html[data-ready="true"]', state="attached")


def picture(page) -> dict[str, str]:
    """What a reader sees of a view."""
    regions = ("figures", "crumb", "maphead", "legends", "lead")
    return {name: page.locator(f"#r-{name}").inner_text() for name in regions}


def test_a_leader_sees_the_sentence_and_goes_into_a_township_and_back(quiet, pages):
    page = pages.open(quiet.url, size=(1920, 1080))
    assert len(page.locator("#r-lead h1").inner_text()) >= 6
    assert page.locator("#r-figures .kpi").count() == 6
    assert page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    before = picture(page)
    page.mouse.click(*page.evaluate(SPOT, TOWN))
    shown(page, TOWN)
    after = picture(page)
    assert f"division={TOWN}" in page.url
    assert TOWN_NAME in after["crumb"]
    assert TOWN_NAME not in before["crumb"]
    assert after["figures"] != before["figures"]
    page.go_back()
    wait(page, "(town) => !location.search && yiping.view.last().map.division !== town", TOWN)
    page.wait_for_selector('html[data-ready="true"]', state="attached")
    assert picture(page) == before


def down(page) -> str:
    """One level down by keyboard alone: opens the list of children and takes the first; its code."""
    page.locator("#r-crumb details.kids > summary").focus()
    page.keyboard.press("Enter")
    wait(page, "() => document.querySelector('#r-crumb details.kids').open")
    page.keyboard.press("Tab")
    code = page.evaluate("() => JSON.parse(document.activeElement.dataset.set).division")
    page.keyboard.press("Enter")
    shown(page, code)
    return code


def test_an_analyst_filters_chooses_drills_by_keyboard_and_hands_the_address_on(quiet, pages):
    page = pages.open(quiet.url + "/events", size=(1366, 768))
    page.locator("#r-filters a", has_text="近 7 天").click()
    wait(page, "() => yiping.state.at.window === '7d' && yiping.view.last().query.includes('window=7d')")
    page.locator("#r-maphead details.metrics > summary").click()
    choice = page.locator("#r-maphead details.metrics .drop a:not(.on)").first
    metric = re.search(r'"metric":\s*"(\w+)"', choice.get_attribute("data-set"))[1]
    choice.click()
    wait(page, "(m) => yiping.state.at.metric === m && yiping.view.last().map.metric === m", metric)
    codes = [down(page) for _ in range(3)]
    assert [len(code) for code in codes] == [12, 12, 15]
    assert page.locator("#r-crumb a").count() >= 3
    assert all(piece in page.url for piece in ("window=7d", f"metric={metric}", f"division={codes[-1]}"))
    again = pages.open(page.url, size=(1366, 768))
    assert picture(again) == picture(page)


def test_a_panel_opens_as_a_chart_and_as_a_table(quiet, pages):
    page = pages.open(quiet.url, size=(1366, 768))
    panel = page.locator("section.panel.k-trend, section.panel.k-air").first
    panel.locator("details.menu > summary").click()
    panel.locator("[data-act=enlarge]").click()
    page.wait_for_selector("#dialog[open] .js-plotly-plot .main-svg", timeout=30000)
    assert page.locator("#dialog td").count() >= 2
    page.keyboard.press("Escape")
    wait(page, "() => !document.querySelector('#dialog').open")


def test_a_new_event_is_on_the_open_page_within_a_second(quiet, pages, tmp_path):
    page = pages.open(quiet.url, size=(1920, 1080))
    wait(page, "() => yiping.live.streaming() && !yiping.answers.busy()")
    page.evaluate("""() => { window.kept = true; window.seen = 0;
        new MutationObserver(() => { window.seen = Date.now(); })
            .observe(document.querySelector('#r-figures'), {childList: true, subtree: true, characterData: true}); }""")
    took = []
    for turn in range(5):
        wait(page, "() => Date.now() - window.seen > 1300")         # a page asks at most once a second
        before = page.evaluate(FIGURE)
        sent = page.evaluate("() => Date.now()")
        assert quiet.push(event(f"LIVE-{turn}", quiet.clock(), TOWN))["accepted"] == 1
        wait(page, f"(n) => ({FIGURE})() === n", before + 1, 15)
        took.append(page.evaluate("() => window.seen") - sent)
    assert page.evaluate("() => window.kept") is True
    (tmp_path / "push_to_page_ms.txt").write_text(str(sorted(took)))
    assert statistics.median(took) <= LIVE_LIMIT_MS, took


def test_a_hostile_title_is_text_everywhere(quiet, pages):
    at = quiet.clock()
    soon = (datetime.fromisoformat(at) + timedelta(minutes=30)).isoformat()     # first in the list of what falls due
    quiet.push(event("HOSTILE-1", at, TOWN, title=HOSTILE, due=soon))
    for path in ("/", "/events", f"/events?division={TOWN}"):
        page = pages.open(quiet.url + path, size=(1920, 1080))
        wait(page, "(t) => document.body.innerText.includes(t)", HOSTILE[:10])
        assert page.evaluate("() => window.__x") is None
        assert page.locator("#page img").count() == 0
    page.evaluate("() => document.querySelector('[data-act=enlarge][data-panel=s6]').click()")
    page.wait_for_selector("#dialog td")
    assert HOSTILE in page.locator("#dialog").inner_text()
    assert page.locator("#dialog img").count() == 0
    listed = quiet.get("/api/v1/events", division=TOWN)["events"]
    assert listed[0]["title"] == HOSTILE
