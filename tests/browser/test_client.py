"""The client in a browser over an invented county: first paint, one state, live, map, dialog, and the dead server."""

from __future__ import annotations

import re

import pytest
from driving import set_view, settled, stub, until, value
from stub import County, Stub

__all__ = ["stub"]
pytestmark = pytest.mark.browser
TOWN, NAME = "360731104000", None


def test_figures_are_there_before_any_script(stub, pages):
    page = pages.open(stub.url, ready=False, java_script_enabled=False)
    assert page.locator("#first-paint .kpi").count() == 6
    assert "运行平稳" in page.locator("#first-paint .lead").inner_text()
    assert page.locator("#first-paint .nav a").count() >= 5
    href = page.locator("#first-paint .nav a").nth(1).get_attribute("href")
    assert href.startswith("/economy")


def test_every_own_component_mounts_and_takes_the_first_paint_over(stub, pages):
    page = pages.open(stub.url, size=(1920, 1080))
    assert page.locator("#first-paint").count() == 0
    wanted = ["r-lead", "r-figures", "r-nav", "r-p1", "brand", "notice", "dialog"]
    assert value(page, "(ids) => ids.filter(id => !document.getElementById(id))", wanted) == []
    assert page.locator("#r-figures .kpi").count() == 6
    assert page.locator("#brand").inner_text().startswith("于都县")
    assert page.title().startswith("总览·于都县")
    order = value(page, "() => yiping.map.sheets().map((sheet) => sheet.canvas.className)")
    painted = value(page, """() => [document.querySelector('canvas.sheet'),
        ...yiping.map.sheets().map((sheet) => sheet.canvas)].map(c => {
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
        for (let k = 3; k < d.length; k += 400) if (d[k]) n += 1; return n; })""")
    laid, ground, names = painted[0], painted[1 + order.index("sheet-ground")], painted[1 + order.index("sheet-names")]
    assert ground > 500
    assert names > 20
    assert laid >= max(ground, names)


def test_a_drill_changes_address_figures_map_and_back_returns(stub, pages):
    page = pages.open(stub.url)
    before = page.locator("#r-figures").inner_html()
    set_view(page, {"division": TOWN})
    until(page, "(old) => document.querySelector('#r-figures').innerHTML !== old", before)
    settled(page)
    assert f"division={TOWN}" in page.url
    assert value(page, "() => yiping.map.state.focus.map(c => c.code)") == [TOWN]
    assert value(page, "() => yiping.map.state.level.cells.length") == 401
    page.keyboard.press("Backspace")
    until(page, "() => !location.search.includes('division')")
    page.go_back()
    until(page, "(t) => yiping.state.at.division === t", TOWN)
    settled(page)
    assert page.locator("#r-crumb b").inner_text() == stub.county.rows[TOWN]["name"]


def test_a_click_on_the_map_drills_into_the_cell_under_it(stub, pages):
    page = pages.open(stub.url, size=(1920, 1080))
    spot = value(page, """(code) => { const c = yiping.map.state.level.byCode.get(code), h = c.heart;
        const m = yiping.map.leaflet(), k = 2 ** (m.getZoom() - yiping.geo.ZOOM), o = yiping.geo.origin;
        const p = m.layerPointToContainerPoint(L.point((h.x + o.x) * k, (h.y + o.y) * k).subtract(m.getPixelOrigin()));
        const r = m.getContainer().getBoundingClientRect(); return [r.left + p.x, r.top + p.y]; }""", TOWN)
    page.mouse.move(*spot)
    until(page, "() => !document.querySelector('.maptip').hidden")
    assert stub.county.rows[TOWN]["name"] in page.locator(".maptip").inner_text()
    page.mouse.click(*spot)
    until(page, "(t) => yiping.state.at.division === t", TOWN)
    settled(page)


def test_the_newer_click_wins(stub, pages):
    page = pages.open(stub.url)
    stub.county.delay_s = 0.6
    try:
        set_view(page, {"division": "360731100000"})
        page.wait_for_timeout(50)
        set_view(page, {"division": TOWN})
        settled(page)
    finally:
        stub.county.delay_s = 0.0
    assert page.locator("#r-crumb b").inner_text() == stub.county.rows[TOWN]["name"]
    assert value(page, "() => yiping.view.last().map.division") == TOWN


def test_a_long_life_leaves_nothing_behind(stub, pages):
    page = pages.open(stub.url)
    for code in (TOWN, "360731100000") * 8:
        set_view(page, {"division": code})
        settled(page)
    kept = value(page, "() => window.dash_stores.map((store) => store.getState().history.past.length)")
    assert kept
    assert max(kept) <= 3


def test_a_kept_answer_is_not_asked_for_again(stub, pages):
    page = pages.open(stub.url)
    set_view(page, {"window": "7d"})
    settled(page)
    page.go_back()
    settled(page)
    page.go_forward()
    settled(page)
    asked = [q for q in stub.county.asked if "window=7d" in q]
    set_view(page, {"window": None})
    settled(page)
    assert len([q for q in stub.county.asked if "window=7d" in q]) == len(asked)


def test_a_push_reaches_the_page_without_a_reload(stub, pages):
    page = pages.open(stub.url)
    until(page, "() => yiping.live.streaming()")
    value(page, "() => { window.kept = true; window.old = document.querySelector('#r-figures').innerHTML }")
    stub.county.bias += 1
    stub.push(("events",))
    until(page, "() => document.querySelector('#r-figures').innerHTML !== window.old", seconds=3)
    assert value(page, "() => window.kept") is True


def test_a_feed_the_view_does_not_show_asks_nothing(stub, pages):
    page = pages.open(stub.url)
    until(page, "() => yiping.live.streaming() && !yiping.answers.busy()")
    asked = len(stub.county.asked)
    stub.push(("feed_of_another_screen",))
    until(page, "(v) => yiping.answers.version() === v", str(stub.county.seq))
    page.wait_for_timeout(400)
    assert len(stub.county.asked) == asked


def test_an_address_that_does_not_exist_says_so_and_keeps_the_picture(stub, pages):
    pages.allow = ["404"]
    page = pages.open(stub.url)
    set_view(page, {"division": "999999999999"})
    until(page, "() => document.querySelector('#notice').textContent.includes('没有区划')")
    assert "999999999999" not in page.url
    assert page.locator("#r-figures .kpi").count() == 6
    assert page.goto(f"{stub.url}/nowhere").status == 404


def test_names_from_feeds_are_text(stubs, pages):
    hostile = '<img src=x onerror="window.hacked=1">'
    found = stubs(County(hostile))
    page = pages.open(found.url, size=(1920, 1080))
    value(page, """(code) => { const m = yiping.map.leaflet(), c = yiping.map.state.level.byCode.get(code);
        c.name = '<img src=x onerror="window.hacked=1">';
        const h = c.heart, k = 2 ** (m.getZoom() - yiping.geo.ZOOM), o = yiping.geo.origin;
        const at = m.unproject(L.point((h.x + o.x) * k, (h.y + o.y) * k));
        m.fire('mousemove', {latlng: at, containerPoint: L.point(100, 100)}); }""", TOWN)
    until(page, "() => !document.querySelector('.maptip').hidden")
    assert "<img" in page.locator(".maptip").inner_text()
    set_view(page, {"division": TOWN})
    settled(page)
    assert value(page, "() => window.hacked") is None
    assert page.locator("#page img").count() == 0


def test_inline_scripts_are_refused(stub, pages):
    pages.allow = ["CSP", "Content Security Policy"]
    page = pages.open(stub.url)
    value(page, """() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 1';
                   document.body.append(s) }""")
    until(page, "() => true")
    assert value(page, "() => window.hacked") is None
    assert any(text.startswith("CSP script-src") for text in pages.said)


def test_a_panel_opens_in_full_and_escape_closes_it(stub, pages):
    page = pages.open(stub.url)
    assert value(page, "() => typeof window.Plotly") == "undefined"
    value(page, "() => document.querySelector('#r-p1 [data-act=enlarge]').click()")
    page.wait_for_selector("#dialog .js-plotly-plot .bars", state="attached", timeout=20000)
    assert page.locator("#dialog table td").count() == 4
    page.keyboard.press("Escape")
    until(page, "() => !document.querySelector('#dialog').open")
    asked = {"act": "enlarge", "panel": "nothing", "query": "screen=overview", "n": 99}
    value(page, "(data) => dash_clientside.set_props('control', {data})", asked)
    page.wait_for_selector("#dialog .say")
    assert page.locator("#dialog .say").inner_text() == "没有面板 nothing，请刷新页面。"


def test_the_theme_turns_and_the_address_keeps_it(stub, pages):
    page = pages.open(stub.url)
    value(page, "() => document.querySelector('[data-act=theme]').click()")
    assert value(page, "() => document.documentElement.dataset.theme") == "light"
    assert "theme=light" in page.url
    assert page.locator("[data-act=theme]").first.inner_text() == "深色"
    again = pages.open(page.url)
    assert value(again, "() => document.documentElement.dataset.theme") == "light"


def test_the_way_back_keeps_the_theme_and_the_address_says_it(stub, pages):
    page = pages.open(stub.url)
    set_view(page, {"division": TOWN})
    settled(page)
    value(page, "() => document.querySelector('[data-act=theme]').click()")
    page.go_back()
    until(page, "() => !yiping.state.at.division")
    settled(page)
    assert value(page, "() => document.documentElement.dataset.theme") == "light"
    assert "theme=light" in page.url
    assert "division" not in page.url


def test_screens_change_without_a_reload(stub, pages):
    page = pages.open(stub.url)
    value(page, "() => { window.kept = true }")
    page.locator("#r-nav a", has_text="城市事件").click()
    settled(page)
    assert page.url.endswith("/events")
    assert page.title().startswith("城市事件·")
    assert value(page, "() => window.kept") is True
    page.locator("#r-nav a", has_text="数据汇聚").click()
    until(page, "() => document.body.classList.contains('is-plain')")
    settled(page)


@pytest.mark.slow
def test_a_dead_server_is_said_and_the_page_comes_back_by_itself(pages):
    pages.allow = ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "net::ERR", "Failed to load resource"]
    county = County()
    found = Stub(county).start()
    page = pages.open(found.url)
    until(page, "() => yiping.live.streaming()")
    old = page.locator("#r-figures").inner_html()
    found.stop()
    until(page, "() => document.querySelector('#notice').textContent.startsWith('连接中断')", seconds=30)
    assert page.locator("#r-figures").inner_html() == old
    assert page.locator("#r-feeds .lost-word").is_visible()
    assert "连接中断" in page.locator("#r-feeds").inner_text()
    county.bias += 5
    county.seq += 1
    back = Stub(county)
    back.port = found.port
    back.start()
    try:
        until(page, "() => document.querySelector('#notice').textContent === ''", seconds=30)
        assert page.locator("#r-feeds .lost-word").is_hidden()
        until(page, "(old) => document.querySelector('#r-figures').innerHTML !== old", old, seconds=20)
    finally:
        back.stop()


def test_a_page_that_never_came_up_loads_itself_again(stub, pages):
    pages.allow = ["500", "Error", "error"]
    page = pages.open()
    broken = {"n": 0}

    def layout(route):
        broken["n"] += 1
        route.fulfill(status=500, body="") if broken["n"] == 1 else route.continue_()

    page.clock.install()
    page.route(re.compile("_dash-layout"), layout)
    page.goto(stub.url)
    page.wait_for_function("() => document.readyState === 'complete'")
    page.clock.run_for(21000)
    page.wait_for_function("() => sessionStorage.getItem('yiping-reloads') !== null", timeout=15000)
    for _ in range(100):
        if broken["n"] > 1:
            break
        page.clock.run_for(1000)
        page.wait_for_timeout(50)
    assert broken["n"] > 1


def test_a_new_event_repaints_its_own_sheet_only_and_moves_nothing(stub, pages):
    page = pages.open(f"{stub.url}/?division={TOWN}")
    until(page, "() => yiping.live.streaming() && yiping.map.state.points.length === 1")
    page.wait_for_timeout(300)
    value(page, """() => { window.drawn = []; const P = yiping.canvas.Sheet.prototype, draw = P.draw;
        P.draw = function (...a) { window.drawn.push(this.canvas.className.split('-')[1]); return draw.apply(this, a) };
        window.at = yiping.map.leaflet().getCenter().toString() + yiping.map.leaflet().getZoom() }""")
    stamp = value(page, "() => yiping.view.last().stamp")
    stub.push(("events",))
    until(page, "(n) => yiping.view.last().stamp > n && document.documentElement.dataset.ready === 'true'", stamp)
    drawn = value(page, "() => window.drawn")
    assert "points" in drawn
    assert "names" not in drawn
    assert value(page, "() => yiping.map.leaflet().getCenter().toString() + yiping.map.leaflet().getZoom()") == \
        value(page, "() => window.at")


def test_finer_lines_come_with_the_zoom_and_the_address_keeps_the_place(stub, pages):
    page = pages.open(stub.url)
    assert value(page, "() => yiping.map.state.finer.length") == 0
    value(page, "() => { const m = yiping.map.leaflet(); m.setZoom(m.getZoom() + 1.5, {animate: false}) }")
    until(page, "() => yiping.map.state.finer.length === 1")
    until(page, "() => location.search.includes('bbox=')")
    again = pages.open(page.url)
    zooms = [value(p, "() => yiping.map.leaflet().getZoom()") for p in (page, again)]
    assert abs(zooms[0] - zooms[1]) < 0.3
