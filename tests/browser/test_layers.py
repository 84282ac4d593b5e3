"""Layers of the map in a browser: the catalogue by mouse and by keyboard, classes, grids, density, crowds of marks."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from served import until

pytestmark = pytest.mark.browser
INKED = """(name) => { const c = yiping.map.sheets().map((s) => s.canvas).find((c) => c.className === 'sheet-' + name);
    const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
    for (let k = 3; k < d.length; k += 4) if (d[k]) n += 1; return n; }"""


def wait(page, script: str, arg=None, seconds: float = 20.0) -> None:
    page.wait_for_function(script, arg=arg, timeout=seconds * 1000)


def settled(page) -> None:
    page.wait_for_selector('html[data-ready="true"]', state="attached")


def at(page) -> dict[str, str]:
    return page.evaluate("() => yiping.state.at")


def held(page, name: str, word: str) -> None:
    """The address holds a word, and the view that it asks for stands on the page."""
    wait(page, "([name, word]) => (yiping.state.at[name] || '').includes(word)", [name, word])
    wait(page, "(word) => decodeURIComponent(yiping.view.last().query).includes(word)", word)
    settled(page)


@pytest.fixture
def quiet(county):
    """The county with its simulator standing still."""
    until(county.whole, 60, "a whole server")
    county.hold("simulator", still=True)
    yield county
    # One that stood still too long has been replaced by its supervisor, and runs.
    with suppress(ProcessLookupError):
        county.hold("simulator", still=False)


def test_by_mouse_a_layer_is_found_switched_on_and_stays_in_the_address(quiet, pages):
    page = pages.open(quiet.url, size=(1920, 1080))
    page.locator("#r-tools a", has_text="图层").click()
    held(page, "tool", "layers")
    page.locator(".tool-layers input.find").fill("消防")
    rows = page.locator(".tool-layers li:visible")
    assert rows.all_inner_texts()[0].startswith("消防栓")
    assert rows.count() == 1
    before = page.evaluate(INKED, "points")
    rows.locator("a.sw1").click()
    held(page, "layers", "hydrant")
    wait(page, "() => yiping.map.state.points.some((p) => p.layer === 'hydrant' && p.points.length > 300)")
    assert page.evaluate(INKED, "points") > before
    # What was typed outlives the drawer's new HTML; the legend and the card on the map name the layer.
    wait(page, "() => document.querySelector('.tool-layers li:not([hidden])').classList.contains('on')")
    assert page.locator(".tool-layers li:visible").count() == 1
    assert page.locator(".tool-layers input.find").input_value() == "消防"
    assert re.search("消防栓\\s*400 处", page.locator("#r-legends").inner_text())
    other = pages.open(page.url, size=(1920, 1080))
    assert other.locator(".tool-layers li.on", has_text="消防栓").count() == 1
    assert other.locator("#r-layers a.on", has_text="消防栓").count() == 1
    wait(other, "() => yiping.map.state.points.some((p) => p.layer === 'hydrant')")
    assert other.locator("#r-legends").inner_text() == page.locator("#r-legends").inner_text()


def test_by_keyboard_alone_a_metric_and_its_classes_are_chosen(quiet, pages):
    page = pages.open(quiet.url, size=(1366, 768))
    page.keyboard.press("l")
    held(page, "tool", "layers")
    wait(page, "() => document.activeElement.matches('.tool-layers input.find')")
    page.keyboard.type("受威胁")
    page.keyboard.press("ArrowDown")
    assert "受威胁人口" in page.evaluate("() => document.activeElement.textContent")
    page.keyboard.press("Enter")
    held(page, "metric", "hazard_people")
    # The focus stays on the entry, though the drawer is new and a touch now would do the reverse.
    wait(page, "() => (document.activeElement.dataset || {}).own === 'hazard_people'")
    assert "受威胁人口" in page.locator("#r-legends").inner_text()
    page.locator(".pick[aria-label='分级方法'] a", has_text="自然断点").focus()
    page.keyboard.press("Enter")
    held(page, "classes", "natural")
    told = page.locator("#r-legends .legend").first.inner_text()
    assert "自然断点" in told
    counts = [int(n) for n in re.findall(r"(\d+) 个\s*$", told, re.MULTILINE)]
    assert sum(counts[:-1]) == counts[-1] == 24
    page.keyboard.press("Escape")
    wait(page, "() => !yiping.state.at.tool")
    assert at(page)["metric"] == "hazard_people"


def test_grids_of_the_whole_place_read_their_values_once_and_the_legend_counts_them(quiet, pages):
    asked: list[str] = []
    page = pages.open(size=(1920, 1080))
    page.on("request", lambda request: asked.append(request.url) if "by=grid" in request.url else None)
    page.goto(f"{quiet.url}/?metric=open_events&level=grid&classes=natural&layers=none")
    settled(page)
    wait(page, "() => Object.keys(yiping.map.state.values).length === 2600")
    told = page.locator("#r-legends .legend").first.inner_text().replace(",", "")
    rows = re.findall(r"(\S+)\s*(\d+) 个\s*$", told, re.MULTILINE)
    assert int(rows[-1][1]) == 2600 == sum(int(n) for _, n in rows[:-1])
    drawn = page.evaluate("""() => { const n = yiping.map.state.classes.map(() => 0);
        for (const [at] of Object.values(yiping.map.state.values)) n[at] += 1; return n.reverse(); }""")
    assert [n for n in drawn if n] == [int(n) for _, n in rows[:-1] if int(n)]
    assert len(asked) == 1
    assert len(page.evaluate("() => JSON.stringify(yiping.view.last().map)")) < 5000
    code = page.evaluate("""() => Object.entries(yiping.map.state.values).find(([, v]) => v[0] === 3)[0]""")
    figure = quiet.get("/api/v1/metrics/open_events", division=code)["value"]
    assert page.evaluate("(code) => yiping.map.state.values[code][1]", code) == f"{figure:.0f} 件"


def test_below_the_published_level_cells_take_the_figure_above_them_and_say_so(quiet, pages):
    page = pages.open(f"{quiet.url}/?metric=pm25&level=grid&layers=none", size=(1920, 1080))
    assert "网格未发布，按所属乡镇着色" in page.locator("#r-legends").inner_text()
    told = page.evaluate("""() => { const s = yiping.map.state;
        return s.level.cells.map((cell) => yiping.values.of(s.values, cell)).map((v) => v && v[1]); }""")
    assert len(told) == 2600
    assert all(told)
    assert {text.partition("级 ")[0] for text in told} == {
        row["name"] for row in quiet.get("/api/v1/divisions/360731000000")["children"]}


def test_a_township_seen_by_its_grids_stands_out_however_the_page_was_reached(quiet, pages):
    town = quiet.get("/api/v1/divisions/360731000000")["children"][0]["code"]
    page = pages.open(f"{quiet.url}/?division={town}&metric=open_events&level=grid", size=(1920, 1080))
    rows = quiet.get("/api/v1/metrics/open_events", division=town, by="grid")["rows"]
    focus = page.evaluate("() => [yiping.map.state.focus.map((cell) => cell.code), [...yiping.map.state.focusCodes]]")
    assert set(focus[0]) == set(rows) == set(focus[1])
    legend = page.locator("#r-legends .legend").first.inner_text()
    assert f"共 {len(rows)} 个" in legend


def test_density_is_drawn_in_the_classes_that_its_legend_names(quiet, pages):
    page = pages.open(f"{quiet.url}/?layers=heat.events", size=(1920, 1080))
    legend = page.locator("#r-legends").inner_text()
    assert "城市事件热力（件/平方千米）" in legend
    assert re.search("高斯核，带宽 [0-9]+ 米", legend)
    limits = [float(n) for n in re.findall("≥ ([0-9.]+)$", legend, re.MULTILINE)][-4:]
    assert limits == sorted(limits, reverse=True)
    wait(page, f"() => ({INKED})('heat') > 1000")
    told = page.evaluate("() => yiping.view.last().map.overlays.heat")
    assert sorted(limits) == told["limits"]
    peak = page.evaluate("""async () => { const t = yiping.view.last().map.overlays.heat, o = yiping.geo.origin;
        const points = await yiping.geo.load(t.url, 'points'), k = 0.2;
        const lat = Math.PI * (1 - 2 * o.y / yiping.geo.SIZE);
        const meters = 40075016.686 / yiping.geo.SIZE / Math.cosh(lat) / k;
        const xs = points.map((p) => p.x * k), ys = points.map((p) => p.y * k);
        const x0 = Math.min(...xs) - 200, y0 = Math.min(...ys) - 200;
        const grid = {w: Math.ceil(Math.max(...xs) - x0) + 200, h: Math.ceil(Math.max(...ys) - y0) + 200, meters,
            sigma: t.bandwidth / meters};
        return yiping.heat.density(points.map((p, n) => [xs[n] - x0, ys[n] - y0, p.n]), grid)
            .reduce((a, b) => Math.max(a, b)); }""")
    # The server chose the highest limit as 70 % of the peak, rounded down by at most a fifth.
    assert 0.5 * peak < limits[0] <= 0.75 * peak
    page.locator("#r-layers a.on", has_text="热力").click()
    wait(page, "() => !yiping.view.last().map.overlays.heat")
    wait(page, """() => { const s = yiping.map.sheets().find((s) => s.canvas.className === 'sheet-heat');
        return s.idle(); }""")


def test_crowded_sensors_stand_together_and_break_up_closer_in(quiet, pages):
    page = pages.open(f"{quiet.url}/?layers=sensor_lamp,camera", size=(1920, 1080))
    wait(page, "() => yiping.map.state.hits.some((hit) => hit.kind === 'cluster')")
    hits = page.evaluate("() => yiping.map.state.hits.map((h) => [h.kind, h.n, h.kinds || ''])")
    total = page.evaluate("() => yiping.map.state.points.reduce((n, p) => n + p.points.length, 0)")
    assert sum(n for _, n, _ in hits) == total == 650
    assert len(hits) < total / 3
    assert any("视频点位" in kinds and "智慧路灯" in kinds for _, _, kinds in hits)
    assert "密集处合为一个圈" in page.locator("#r-legends").inner_text()
    page.evaluate("""() => { const p = yiping.map.state.points[0].points[0], [lon, lat] = yiping.geo.lonLat(p.x, p.y);
        yiping.map.leaflet().setView([lat, lon], 16, {animate: false}); }""")
    wait(page, "() => yiping.map.state.hits.length && yiping.map.state.hits.every((hit) => hit.kind === 'asset')")


def test_station_marks_take_the_state_of_their_reading(quiet, pages):
    page = pages.open(f"{quiet.url}/emergency?layers=station_river,reservoir", size=(1920, 1080))
    wait(page, "() => yiping.map.state.points.length === 2")
    told = page.evaluate("() => yiping.map.state.points.flatMap((l) => l.points.map((p) => [p.state, p.text]))")
    assert {state for state, _ in told} <= {"ok", "att", "warn", "alarm", "unknown"}
    river = [text for _, text in told if text.startswith("河道水位较警戒")]
    assert river
    assert all(re.fullmatch(r"河道水位较警戒 [+−]?\d+\.\d\d m", text) for text in river)


def test_a_layer_whose_source_is_down_is_grey_and_lines_lie_under_the_marks(quiet, pages):
    page = pages.open(f"{quiet.url}/?layers=station_river", size=(1920, 1080))

    def spoiled(route) -> None:
        answer = route.fetch()
        found = answer.json()
        for layer in found["map"]["points"]:
            layer["old"] = True
        found["map"]["overlays"]["lines"] = [{"layer": "roads", "url": found["map"]["rivers"]}]
        route.fulfill(response=answer, json=found)

    wait(page, "() => yiping.map.state.hits.some((hit) => hit.layer === 'station_river')")
    assert not page.evaluate("() => yiping.map.state.hits.some((hit) => hit.state === 'unknown')")
    page.route("**/api/v1/view?**", spoiled)
    page.evaluate("() => yiping.view.set({window: '7d'})")
    wait(page, "() => yiping.map.state.hits.length && yiping.map.state.hits.every((hit) => hit.state === 'unknown')")
    wait(page, f"() => ({INKED})('lines') > 500")


def test_the_levels_below_are_read_while_their_drawer_is_looked_at(quiet, pages):
    page = pages.open(f"{quiet.url}/?metric=open_events&tool=layers", size=(1920, 1080))
    asked = """() => performance.getEntriesByType('resource')
        .filter((entry) => entry.name.includes('divisions-grid.geojson')).length"""
    wait(page, f"() => ({asked})() === 1")
    page.locator(".drawer a[data-set*='\"level\": \"grid\"']").first.click()
    held(page, "level", "grid")
    wait(page, "() => yiping.map.state.level.cells.length === 2600 && yiping.map.state.paths.some(Boolean)")
    assert page.evaluate(asked) == 1


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_however_many_layers_are_on_their_list_ends_above_the_tools(quiet, pages, size):
    on = "events,station_rain,hospital,care,vehicle,school,shelter,team,supply"
    page = pages.open(f"{quiet.url}/?layers={on}", size=size)
    low, high = (page.locator(name).bounding_box() for name in (".over.layers", ".over.tools"))
    assert low["y"] + low["height"] <= high["y"]
    last = page.locator(".over.layers a").last
    last.click()                                   # what is longer is scrolled
    held(page, "layers", "team")
    assert "supply" not in at(page)["layers"]


def test_marks_that_say_of_themselves_what_no_map_knows_are_drawn(quiet, pages):
    page = pages.open(f"{quiet.url}/?layers=hydrant&bbox=115.38,25.94,115.43,25.98", size=(1366, 768))
    wait(page, "() => yiping.map.face.state.hits.some((one) => one.layer === 'hydrant' && one.kind === 'asset')")
    told = quiet.get("/api/v1/layers/hydrant.geojson", bbox="115.3,25.9,115.5,26.05")["features"]
    assert {one["properties"]["state"] for one in told} == {""}
    assert {one["properties"]["text"] for one in told} <= {"完好", "待修"}


def test_a_mouse_that_rests_reads_no_level_that_its_click_would_not_draw(quiet, pages):
    page = pages.open(quiet.url, size=(1920, 1080))
    page.locator("details.windows summary").first.click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response(re.compile("/view.*window=7d")):
        page.locator("details.windows a[data-set*='7d']").first.hover()
    for _ in range(5):
        page.evaluate("() => new Promise((done) => requestIdleCallback(done))")
    assert [url for url in asked if re.search("divisions-(village|grid)", url)] == []
