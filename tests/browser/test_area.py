"""Drawing an area on the real server: by mouse, by finger, by keyboard; edited, shared, taken away, cleared."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from served import until

pytestmark = pytest.mark.browser
MIDDLE = (115.45, 25.97)
# Where a place of the map is on the page, and the shape under the hand.
SPOT = """([lon, lat]) => { const map = yiping.map.leaflet(), box = map.getContainer().getBoundingClientRect();
    const at = map.latLngToContainerPoint([lat, lon]); return [box.left + at.x, box.top + at.y]; }"""
AREA = "() => yiping.state.at.area || ''"
RIM = "() => yiping.area.handles(yiping.area.current()).find((one) => one.kind === 'rim').at"


@pytest.fixture
def quiet(county):
    """The county with its simulator standing still: nothing changes but what the test does."""
    until(county.whole, 60, "a whole server")
    county.hold("simulator", still=True)
    yield county
    county.hold("simulator", still=False)


def settled(page, form: str) -> str:
    """The area of the address, once an area of that form has been answered and drawn."""
    page.wait_for_function("(form) => (yiping.state.at.area || '').startsWith(form)", arg=form)
    page.wait_for_selector('html[data-ready="true"]', state="attached")
    page.wait_for_function("() => yiping.area.told() && yiping.area.told().text.split(':')[0] === "
                           "yiping.state.at.area.split(':')[0]")
    return str(page.evaluate(AREA))


def spot(page, lon: float, lat: float) -> tuple[float, float]:
    return tuple(page.evaluate(SPOT, [lon, lat]))


def drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def test_a_circle_by_mouse_is_edited_shared_and_taken_away(quiet, pages):
    page = pages.open(quiet.url, size=(1920, 1080))
    division = page.evaluate("() => yiping.state.at.division || ''")
    page.keyboard.press("a")
    page.click('.tool-area [data-kind="circle"]')
    assert "按住圆心" in page.inner_text(".draw-says")
    middle = spot(page, *MIDDLE)
    drag(page, middle, (middle[0] + 60, middle[1]))
    first = settled(page, "circle:")
    lon, lat, radius = map(float, first.removeprefix("circle:").split(","))
    assert (lon, lat) == pytest.approx(MIDDLE, abs=0.003)
    assert 3000 < radius < 30_000
    assert page.evaluate("() => yiping.state.at.division || ''") == division
    assert re.search(r"半径 [\d.]+ 公里的圆", page.inner_text(".area-head h3"))
    rim = spot(page, *page.evaluate(RIM))
    drag(page, rim, (rim[0] - 25, rim[1]))
    page.wait_for_function("(was) => yiping.state.at.area !== was", arg=first)
    smaller = settled(page, "circle:")
    assert float(smaller.rsplit(",")[-1]) < radius
    heading = page.inner_text(".area-head h3")
    page.mouse.move(5, 5)                     # what the pointer shows is closed first
    page.keyboard.press("Escape")
    page.wait_for_function("() => !yiping.state.at.tool")
    assert page.evaluate(AREA) == smaller
    page.go_back()
    page.wait_for_selector(".area-head")
    other = pages.open(page.url, size=(1920, 1080))
    assert other.inner_text(".area-head h3") == heading
    assert other.evaluate("() => yiping.area.told().text") == page.evaluate("() => yiping.area.told().text")
    with other.expect_download() as taken:
        other.click(".files a >> nth=0")
    assert re.match(r"区域_半径[\d.]+公里的圆_\d{8}-\d{4}_演示数据\.xlsx", taken.value.suggested_filename)
    book = openpyxl.load_workbook(io.BytesIO(taken.value.path().read_bytes()))
    assert book["在办事件"].max_row > 1
    other.click('.draw >> text="清除"')
    other.wait_for_function("() => !yiping.state.at.area")
    assert "在地图上画一个区域" in other.inner_text(".tool-area")


def test_a_row_is_pinned_and_the_nearest_are_sought_from_there(quiet, pages):
    page = pages.open(f"{quiet.url}/?tool=area&area=circle:115.41,25.955,4000", size=(1366, 768))
    page.click("#area-hazard summary")
    name = page.locator("#area-hazard li a").first
    name.click()
    page.wait_for_function("() => yiping.state.at.pin")
    page.wait_for_selector('html[data-ready="true"]', state="attached")
    page.wait_for_selector('#area-hazard[open] li a[aria-current="true"]')
    assert "从定位点算起" in page.inner_text(".drawer-body")
    lon, lat = map(float, page.evaluate("() => yiping.state.at.pin").split(","))
    near = quiet.get("/api/v1/area", area="circle:115.41,25.955,4000", near=f"{lon},{lat}")["nearest"]["rows"]
    team = next(row for row in near if row["layer"] == "team")
    assert team["name"] in page.inner_text(".drawer-body")


def test_a_polygon_by_finger_on_a_phone(quiet, pages):
    page = pages.open(f"{quiet.url}/?tool=area", size=(390, 844), has_touch=True, is_mobile=True)
    page.tap('.tool-area [data-kind="polygon"]')
    page.wait_for_function("() => document.querySelector('.ground').classList.contains('drawing')")
    corners = [(115.38, 25.99), (115.5, 25.99), (115.5, 25.9), (115.38, 25.9)]
    for corner in [*corners, corners[0]]:
        page.touchscreen.tap(*spot(page, *corner))
    text = settled(page, "polygon:")
    points = [tuple(map(float, part.split(","))) for part in text.removeprefix("polygon:").split(";")]
    assert len(points) == 4
    assert points[2] == pytest.approx(corners[2], abs=0.01)
    page.wait_for_selector(".area-head")
    assert "4 个顶点的多边形" in page.inner_text(".area-head")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_river_and_a_circle_by_the_keyboard_alone(quiet, pages):
    page = pages.open(quiet.url, size=(1366, 768))
    page.keyboard.press("a")
    page.wait_for_selector(".tool-area")
    page.focus(".byhand summary")
    page.keyboard.press("Enter")
    page.focus('form[data-kind="river"] select')
    page.keyboard.type("梅江")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("800")
    page.keyboard.press("Enter")
    assert settled(page, "river:") == "river:梅江,800"
    assert "梅江两侧各 800 米" in page.inner_text(".area-head")
    page.focus('form[data-kind="circle"] [name="center"]')
    page.keyboard.type("115.45，25.97")
    page.keyboard.press("Enter")
    assert settled(page, "circle:") == "circle:115.45,25.97,2000"
    page.focus('form[data-kind="circle"] [name="center"]')
    page.keyboard.press("Control+A")
    page.keyboard.type("115.45")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.tool-area').innerText.includes('圆写成')")


def test_escape_gives_up_the_drawing_before_it_closes_the_drawer(quiet, pages):
    page = pages.open(f"{quiet.url}/?tool=area", size=(1366, 768))
    page.click('.tool-area [data-kind="line"]')
    page.mouse.click(*spot(page, 115.4, 25.95))
    page.mouse.click(*spot(page, 115.5, 25.95))
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    assert page.evaluate("() => ['tool', 'area', 'division'].map((name) => yiping.state.at[name] || '')") == [
        "area", "", ""]
    page.click('.tool-area [data-kind="line"]')
    for lon in (115.4, 115.45, 115.5):
        page.mouse.click(*spot(page, lon, 25.95))
    page.keyboard.press("Enter")
    assert settled(page, "line:500;").count(";") == 3
    page.mouse.move(5, 5)                     # what the pointer shows is closed first
    page.keyboard.press("Escape")
    page.wait_for_function("() => !yiping.state.at.tool")


def test_a_circle_is_drawn_and_widened_on_the_second_map_of_a_comparison(quiet, pages):
    page = pages.open(f"{quiet.url}/?tool=area&compare=window:7d", size=(1920, 1080))
    page.wait_for_function("() => yiping.compare.second()")
    second = """([lon, lat]) => { const map = yiping.compare.second().leaflet();
        const at = map.latLngToContainerPoint([lat, lon]);
        const box = map.getContainer().getBoundingClientRect(); return [box.left + at.x, box.top + at.y]; }"""
    center = "() => yiping.map.leaflet().getCenter().toString()"
    stood = page.evaluate(center)
    page.click('.tool-area [data-kind="circle"]')
    middle = page.evaluate(second, list(MIDDLE))
    drag(page, middle, (middle[0] + 30, middle[1]))
    first = settled(page, "circle:")
    assert tuple(map(float, first.removeprefix("circle:").split(",")))[:2] == pytest.approx(MIDDLE, abs=0.005)
    rim = page.evaluate(second, page.evaluate(RIM))
    drag(page, rim, (rim[0] + 20, rim[1]))
    page.wait_for_function("(was) => yiping.state.at.area !== was", arg=first)
    assert float(settled(page, "circle:").rsplit(",")[-1]) > float(first.rsplit(",")[-1])
    assert page.evaluate(center) == stood


def test_every_form_is_drawn_by_the_keyboard_alone(quiet, pages):
    page = pages.open(f"{quiet.url}/?tool=area", size=(1366, 768))
    center = "() => { const c = yiping.map.leaflet().getCenter(); return [c.lng, c.lat]; }"

    def go(*keys: str) -> list[float]:
        for key in keys:
            page.keyboard.press(key)
        return page.evaluate(center)

    def begin(form: str) -> None:
        page.focus(f'.tool-area [data-kind="{form}"]')
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.activeElement === yiping.map.leaflet().getContainer()")

    begin("polygon")
    corners = [go("Space"), go("ArrowRight", "+", "Space"), go("ArrowDown", "Shift+ArrowLeft", "Space")]
    spoken = page.inner_text(".draw-says")
    assert spoken.startswith(f"第 3 点 {corners[2][0]:.5f},{corners[2][1]:.5f}")
    assert "空格" in spoken
    go("ArrowDown", "Space", "Backspace", "Enter")
    drawn = settled(page, "polygon:").removeprefix("polygon:")
    assert [tuple(map(float, part.split(","))) for part in drawn.split(";")] == [
        pytest.approx(corner, abs=2e-5) for corner in corners]
    page.wait_for_function("() => document.querySelector('.area-head').innerText.includes('3 个顶点的多边形')")
    begin("line")
    go("Space", "Enter")
    assert "还差 1 个点" in page.inner_text(".draw-says")
    go("ArrowUp", "Space", "Enter")
    assert settled(page, "line:500;").count(";") == 2
    begin("circle")
    first = go("Space", "Space")
    assert "十字还在圆心上" in page.inner_text(".draw-says")
    go("ArrowRight", "Space")
    lon, lat, radius = map(float, settled(page, "circle:").removeprefix("circle:").split(","))
    assert (lon, lat) == pytest.approx(tuple(first), abs=2e-5)
    assert radius > 100
    begin("line")
    go("Space", "Escape")
    assert page.evaluate(AREA).startswith("circle:")
    assert page.evaluate("() => yiping.hand.drawing()") is False
