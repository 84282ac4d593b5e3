"""Comparing by hand and keyboard on the real server: two maps that move as one, the handle, divisions in a table."""

from __future__ import annotations

import re

import pytest
from driving import settled
from driving import until as wait

pytestmark = pytest.mark.browser
TOWN, OTHER, THIRD = "360731100000", "360731104000", "360731102000"
WINDOWS = "/?compare=window:previous&metric=received_events"
# How far the second map looks beside the first, in pixels, and the difference of their zooms.
APART = """() => { const a = yiping.map.leaflet(), b = yiping.compare.second().leaflet();
    const p = b.latLngToContainerPoint(a.getCenter()).subtract(b.getSize().divideBy(2));
    return Math.max(Math.abs(p.x), Math.abs(p.y), Math.abs(a.getZoom() - b.getZoom())); }"""
CENTER = "() => { const c = yiping.map.leaflet().getCenter(); return [c.lng, c.lat, yiping.map.leaflet().getZoom()]; }"
SPOT = """([code, second]) => { const face = second ? yiping.compare.second() : yiping.map.face;
    const heart = face.state.level.byCode.get(code).heart, map = face.leaflet(), from = yiping.geo.origin;
    const k = 2 ** (map.getZoom() - yiping.geo.ZOOM), box = map.getContainer().getBoundingClientRect();
    const spot = L.point((heart.x + from.x) * k, (heart.y + from.y) * k).subtract(map.getPixelOrigin());
    const at = map.layerPointToContainerPoint(spot);
    return [box.left + at.x, box.top + at.y]; }"""
# Where the accent of a marked division stands on either map.
MARKED = """() => [yiping.map.face, yiping.compare.second()].map((face) => {
    const sheet = face.sheets().find((one) => one.canvas.className === 'sheet-chosen'), c = sheet.canvas;
    if (sheet.idle() || !c.width) return 0;
    const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let n = 0;
    for (let k = 3; k < data.length; k += 4) n += data[k] > 0;
    return n; })"""
PAINTED = """() => [yiping.map.face, yiping.compare.second()].map((face) => {
    const c = face.sheet('ground').canvas, data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let n = 0;
    for (let k = 3; k < data.length; k += 400) n += data[k] > 0;
    return n; })"""


def shown(page, script: str, arg=None) -> None:
    wait(page, script, arg)
    settled(page)


def test_two_maps_side_by_side_move_hover_and_drill_as_one(quiet, pages):
    page = pages.open(quiet.url + WINDOWS, size=(1366, 1000))
    assert all(n > 100 for n in page.evaluate(PAINTED)), "ready means that both are painted"
    assert page.evaluate(APART) <= 1
    sizes = page.evaluate("() => [yiping.map.face, yiping.compare.second()].map((f) => f.leaflet().getSize().x)")
    assert abs(sizes[0] - sizes[1]) <= 2
    before = page.evaluate(CENTER)
    x, y = page.evaluate(SPOT, [TOWN, True])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 90, y - 40, steps=4)
    assert page.evaluate(APART) <= 1, "while the hand is still moving"
    page.mouse.up()
    assert page.evaluate(CENTER) != before
    assert page.evaluate(APART) <= 1
    page.mouse.wheel(0, -240)
    wait(page, "(z) => yiping.map.leaflet().getZoom() > z", before[2])
    assert page.evaluate(APART) <= 1
    wait(page, "() => location.search.includes('bbox=')")
    x, y = page.evaluate(SPOT, [TOWN, False])
    page.mouse.move(x, y + 40)
    wait(page, "() => !document.querySelector('.maptip').hidden")
    told = page.locator(".maptip").inner_text()
    assert re.fullmatch(r"贡江镇\n近 24 小时：.+ 件\n前一时段：.+\n差值：.+", told), told
    wait(page, f"() => ({MARKED})().every((n) => n > 50)")
    x, y = page.evaluate(SPOT, [TOWN, True])
    page.mouse.click(x, y + 40)
    shown(page, "(code) => yiping.state.at.division === code && yiping.view.last().map.division === code", TOWN)
    assert page.evaluate("() => yiping.compare.second().state.focus.map((cell) => cell.code)") == [TOWN]
    assert page.evaluate(APART) <= 1
    page.locator(".sides a", has_text="结束对比").click()
    shown(page, "() => !yiping.state.at.compare && !yiping.compare.second()")
    assert f"division={TOWN}" in page.url
    assert page.locator(".ground").count() == 1


def test_entering_a_comparison_is_no_touch_of_the_hand(quiet, pages):
    page = pages.open(quiet.url, size=(1366, 1000))
    wide = page.evaluate("() => yiping.map.base()")
    page.evaluate("() => yiping.view.set({compare: 'window:previous', metric: 'received_events'})")
    shown(page, "() => yiping.compare.second() && yiping.view.last().map.compare")
    assert page.evaluate("() => yiping.map.base()") < wide, "the division fills its half, not the room of before"
    assert page.evaluate("() => yiping.map.leaflet().getZoom() === yiping.map.base()")
    page.set_viewport_size({"width": 1500, "height": 900})
    wait(page, f"() => ({APART})() <= 1 && yiping.map.leaflet().getZoom() === yiping.map.base()")
    assert "bbox=" not in page.url, "nobody has moved the map"


def test_the_handle_obeys_mouse_and_keyboard_and_says_where_it_stands(quiet, pages):
    page = pages.open(quiet.url + WINDOWS + "&split=slider", size=(1920, 1080))
    handle, at = page.locator(".cut"), "() => yiping.compare.at()"
    assert page.evaluate(APART) <= 1
    clip = page.evaluate("() => getComputedStyle(document.querySelector('.ground-b')).clipPath")
    assert clip == "inset(0px 0px 0px 50%)"
    box = handle.bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, 600)
    page.mouse.down()
    page.mouse.move(middle - 150, 610, steps=4)
    page.mouse.up()
    assert 30 < page.evaluate(at) < 42
    page.mouse.move(middle, 620)
    assert 30 < page.evaluate(at) < 42, "let go is let go"
    page.keyboard.press("Home")
    for key, stands in (("ArrowRight", 2), ("PageUp", 12), ("ArrowLeft", 10), ("Shift+ArrowRight", 20), ("End", 100),
                        ("ArrowUp", 100), ("PageDown", 90)):
        page.keyboard.press(key)
        assert page.evaluate(at) == stands, key
    names = ("role", "aria-valuenow", "aria-valuetext", "aria-orientation")
    told = {name: handle.get_attribute(name) for name in names}
    assert told == {"role": "slider", "aria-valuenow": "90", "aria-orientation": "horizontal",
                    "aria-valuetext": "左侧 近 24 小时 占 90%，右侧 前一时段"}
    wait(page, "() => new URLSearchParams(location.search).get('cut') === '90'")
    page.mouse.move(*page.evaluate(SPOT, [TOWN, False]))
    wait(page, "() => document.querySelector('.maptip').textContent.includes('差值')")
    other = pages.open(page.url, size=(1366, 768))
    wait(other, "() => yiping.compare.at() === 90")
    other.evaluate("() => yiping.view.set({split: null})")
    wait(other, "() => !location.search.includes('cut=')")


def test_the_handle_obeys_a_finger(quiet, pages):
    page = pages.open(quiet.url + WINDOWS + "&split=slider", size=(390, 844), has_touch=True, is_mobile=True)
    page.locator(".cut").scroll_into_view_if_needed()
    grip = page.locator(".cut-grip").bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    finger = page.context.new_cdp_session(page)
    before = page.evaluate("() => scrollY")
    for kind, step in (("touchStart", 0), ("touchMove", 30), ("touchMove", 60), ("touchMove", 90), ("touchEnd", None)):
        points = [] if step is None else [{"x": x + step, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wait(page, "() => yiping.compare.at() > 65")
    assert page.evaluate("() => scrollY") == before, "the page stays under the finger"


# How much of each map's density is drawn, and of how many places it is made.
HEATED = """() => [yiping.map.face, yiping.compare.second()].map((face) => {
    const sheet = face && face.sheet('heat');
    if (!sheet || sheet.idle()) return 0;
    const c = sheet.canvas, data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let n = 0;
    for (let k = 3; k < data.length; k += 4) n += data[k] > 0;
    return n; })"""


def test_each_side_has_the_density_of_its_own_points(quiet, pages):
    page = pages.open(quiet.url + WINDOWS + "&layers=heat.events", size=(1366, 1000))
    wait(page, f"() => ({HEATED})().every((n) => n > 500)")
    here, there = page.evaluate("""() => {
        const map = yiping.view.last().map; return [map.overlays.heat, map.other.overlays.heat]; }""")
    assert here["url"] != there["url"], "the other window's events"
    assert (here["limits"], here["bandwidth"]) == (there["limits"], there["bandwidth"]), "one legend for both"
    left, right = page.evaluate(HEATED)
    assert left != right
    page.evaluate("() => yiping.view.set({split: 'difference'})")
    shown(page, "() => !yiping.compare.second() && yiping.view.last().map.compare")
    assert page.evaluate("() => yiping.map.face.sheet('heat').idle()"), "the difference has no legend for it"
    page.evaluate("() => yiping.view.set({split: null})")
    shown(page, "() => Boolean(yiping.compare.second())")
    wait(page, f"() => ({HEATED})().every((n) => n > 500)")
    page.evaluate("() => yiping.view.set({layers: 'none'})")
    wait(page, "() => !(yiping.view.last().map.overlays || {}).heat && yiping.compare.second().sheet('heat').idle()")


def drag(page, start, end) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def test_an_area_is_drawn_and_dragged_on_the_second_map_too(quiet, pages):
    page = pages.open(quiet.url + WINDOWS + "&tool=area", size=(1920, 1080))
    center = page.evaluate(CENTER)
    page.click('.tool-area [data-kind="circle"]')
    x, y = page.evaluate(SPOT, [OTHER, True])
    lon, lat = page.evaluate("""(code) => { const heart = yiping.map.face.state.level.byCode.get(code).heart;
        return yiping.geo.lonLat(heart.x, heart.y); }""", OTHER)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=3)
    for face in ("yiping.map.face", "yiping.compare.second()"):
        drawn = page.evaluate(f"() => !{face}.sheet('area').idle() && {face}.sheet('area').canvas.width > 1")
        assert drawn, face
    page.mouse.up()
    shown(page, "() => /^circle:/.test(yiping.state.at.area || '') && yiping.area.told()")
    found = [float(word) for word in page.evaluate("() => yiping.state.at.area").removeprefix("circle:").split(",")]
    assert found[:2] == pytest.approx([lon, lat], abs=0.01), "where the hand was, on the map under it"
    assert page.evaluate(CENTER) == center, "the map stands while the hand draws"
    drag(page, (x + 40, y), (x + 90, y))
    shown(page, "(was) => Number(yiping.state.at.area.split(',')[2]) > 1.5 * was", found[2])
    assert page.evaluate(CENTER) == center
    before = page.evaluate("() => yiping.state.at.area")
    drag(page, (x, y), (x + 30, y + 30))
    shown(page, "(was) => yiping.state.at.area !== was", before)
    assert page.evaluate(CENTER) == center
    assert page.evaluate(APART) <= 1
    drag(page, (x - 60, y - 200), (x, y - 260))
    assert page.evaluate(CENTER) != center, "and beside it the map follows the hand again"


def test_the_difference_colors_one_map_and_lists_what_moved(quiet, pages):
    page = pages.open(quiet.url + WINDOWS, size=(1366, 1000))
    page.locator(".sides a", has_text="差值").click()
    shown(page, "() => document.body.classList.contains('look-difference') && !yiping.compare.second()")
    assert "split=difference" in page.url
    legend = page.locator("#r-legends").inner_text()
    counts = [int(n) for n in re.search(r"升 (\d+)·降 (\d+)·平 (\d+)·未知 (\d+)", legend).groups()]
    assert sum(counts) == len(page.evaluate("() => yiping.map.state.level.cells"))
    page.keyboard.press("c")
    shown(page, "() => document.querySelector('.tool-compare')")
    assert page.locator(".tool-compare .moves").count() == sum(n > 0 for n in counts[:2])
    page.locator(".tool-compare a", has_text="上周同期").click()
    shown(page, "() => yiping.view.last().query.includes('last_week')")
    assert "上周同期" in page.locator("#r-sides").inner_text()


def test_another_metric_has_a_legend_of_its_own(quiet, pages):
    page = pages.open(quiet.url + "/?compare=metric:aqi&tool=compare", size=(1920, 1080))
    assert page.locator("#r-legends .legend h3", has_text="空气质量指数").count() == 1
    page.set_viewport_size({"width": 1366, "height": 1000})
    boxes = [one.bounding_box() for one in page.locator("#r-legends .legend:has(.sw)").all()]
    assert len(boxes) == 2
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"], "neither lies over the other"
    assert "不能相减" in page.locator("#r-tool").inner_text()
    assert page.locator("#r-sides a", has_text="差值").count() == 0


def test_divisions_are_chosen_on_the_map_by_search_and_taken_out_again(quiet, pages):
    page = pages.open(quiet.url, size=(1366, 1000))
    page.keyboard.press("c")
    shown(page, "() => document.querySelector('.tool-compare')")
    page.locator(".tool-compare a", has_text="选 2 至 4 个区划").click()
    shown(page, "() => yiping.state.at.compare === 'divisions:' && document.querySelector('[data-compare-add]')")
    for codes in ([TOWN], [TOWN, OTHER]):
        page.mouse.click(*page.evaluate(SPOT, [codes[-1], False]))
        shown(page, "(codes) => String((yiping.view.last().map.compare || {}).chosen) === codes", ",".join(codes))
    assert "division=" not in page.url.replace("divisions", ""), "a click chooses, it does not drill"
    field = page.locator("[data-compare-add]")
    name = page.evaluate("(code) => yiping.map.state.level.byCode.get(code).name", THIRD)
    field.press_sequentially(name)
    shown(page, "(n) => document.querySelectorAll('.versus thead th').length === n", 4)
    heads = page.locator(".versus thead th").all_inner_texts()
    assert heads[1] == "贡江镇"
    assert heads[3] == name
    rows = page.locator(".versus tbody th").all_inner_texts()
    assert rows[:2] == ["常住人口（人）", "面积（km²）"]
    assert "在办事件（件）" in rows
    assert page.locator(".versus svg.spark").count() > 3
    assert {"最好", "最差"} <= set(page.locator(".versus .rank").all_inner_texts())
    page.locator(".tool-compare .chip", has_text="贡江镇").click()
    shown(page, "() => document.querySelectorAll('.versus thead th').length === 3")
    assert TOWN not in page.url
    again = pages.open(page.url, size=(1366, 1000))
    assert again.locator(".versus thead th").all_inner_texts() == page.locator(".versus thead th").all_inner_texts()


@pytest.mark.parametrize(("compare", "told"), [
    ("at:2099-01-01", "在将来"), ("metric:nothing", "没有指标"), ("window:24h", "同一时段"), ("<img src=x>", "不认识"),
    ("divisions:1,2,3,4,5", "最多同时对比 4 个区划")])
def test_what_cannot_be_compared_is_said_in_the_drawer_and_the_rest_works(quiet, pages, compare, told):
    page = pages.open(f"{quiet.url}/?tool=compare&compare={compare}", size=(1366, 1000))
    assert told in page.locator("#r-tool .banner").inner_text()
    assert page.locator("#r-figures .kpi").count() == 6
    assert page.evaluate("() => yiping.compare.second()") is None
    page.locator("#r-tool .banner a").click()
    shown(page, "() => !yiping.state.at.compare && !document.querySelector('#r-tool .banner')")
