"""What lies over the map, beside it and at its edges leaves the county, its names and the way back in sight."""

from __future__ import annotations

import pytest
from driving import settled, stub, value
from stub import Stub

__all__ = ["stub"]
pytestmark = pytest.mark.browser
# Divisions of a map that show whose heart lies under a card or beyond the map.
HIDDEN = """(second) => { const y = yiping, face = second ? y.compare.second() : y.map.face, map = face.leaflet();
  const room = map.getContainer().getBoundingClientRect(), o = y.geo.origin, k = 2 ** (map.getZoom() - y.geo.ZOOM);
  const over = ['legends', 'layers', 'tools', 'sides'].map((name) => '.over.' + name + ' > *').join();
  const cards = Array.from(document.querySelectorAll(over))
    .map((node) => node.getBoundingClientRect()).filter((r) => r.width && r.height);
  return face.state.level.cells.filter((cell) => {
    const spot = L.point((cell.heart.x + o.x) * k, (cell.heart.y + o.y) * k).subtract(map.getPixelOrigin());
    const at = map.layerPointToContainerPoint(spot);
    const x = room.left + at.x, y = room.top + at.y;
    return at.x < 0 || at.y < 0 || at.x > room.width || at.y > room.height ||
      cards.some((r) => x > r.left && x < r.right && y > r.top && y < r.bottom);
  }).map((cell) => cell.name); }"""
MEET = """() => {
  const there = document.querySelectorAll('.over.layers a, .over.tools a, .leaflet-control-zoom');
  const boxes = Array.from(there).map((node) => [node.textContent.trim(), node.getBoundingClientRect()])
    .filter(([, r]) => r.width && r.height);
  const along = (p, q) => p.left < q.right - 1 && q.left < p.right - 1;
  const meet = (p, q) => along(p, q) && p.top < q.bottom - 1 && q.top < p.bottom - 1;
  return boxes.flatMap(([a, p], k) => boxes.slice(k + 1).filter(([, q]) => meet(p, q))
    .map(([b]) => a + ' / ' + b)); }"""
CUT = """() => { const y = yiping, stack = y.map.sheet('names').stack, pad = stack.pad, size = stack.map.getSize();
  const across = (from, to, rim) => from < rim && to > rim;
  const beside = ({box}) => across(box[0], box[2], pad.x) || across(box[0], box[2], pad.x + size.x);
  return y.map.state.written.filter((one) => beside(one) ||
    across(one.box[1], one.box[3], pad.y + size.y)).map(({text}) => text); }"""
OUT = """() => Array.from(document.querySelectorAll('.head .then, .head .then-back, .head .nav a, .head .brand'))
  .map((node) => [node.textContent, node.getBoundingClientRect()])
  .filter(([, r]) => r.right > innerWidth + 1 || r.left < 0).map(([text]) => text)"""
SIDE = "/?compare=window:previous&metric=received_events"


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (3840, 2160), (7680, 2160)])
def test_beside_each_other_neither_map_is_hidden_by_its_cards(quiet, pages, size):
    page = pages.open(quiet.url + SIDE, size=size)
    settled(page)
    assert value(page, HIDDEN, True) == []
    assert value(page, MEET) == []
    if size == (1366, 768):
        return                   # a desk's legends lie over the first map, which is set so that they hide little of it
    assert value(page, HIDDEN, False) == []
    legends = page.locator(".over.legends").bounding_box()
    assert page.locator(".over.legends .legend").count() == 2, "classes, and what the numbers mean"
    for row in page.locator(".over.legends .legend > *").all():
        box = row.bounding_box()
        assert box is None or box["y"] + box["height"] <= legends["y"] + legends["height"] + 1


def test_legends_of_two_metrics_have_room_on_a_wall(quiet, pages):
    page = pages.open(quiet.url + "/?compare=metric:aqi", size=(1920, 1080))
    settled(page)
    over = "() => { const b = document.querySelector('.over.legends'); return b.scrollHeight - b.clientHeight; }"
    assert value(page, over) <= 1
    assert page.locator(".over.legends .legend").count() == 3


@pytest.mark.parametrize("look", ["side", "slider"])
def test_tools_and_layers_do_not_meet_while_two_maps_are_compared(quiet, pages, look):
    page = pages.open(f"{quiet.url}{SIDE}&split={look}&tool=compare", size=(1366, 768))
    settled(page)
    assert value(page, MEET) == []
    strip = page.locator(".over.sides").bounding_box()
    for told in page.locator(".side-cap > *").all():
        box = told.bounding_box()
        assert box["y"] + box["height"] <= strip["y"] + strip["height"] + 1


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (3840, 2160)])
def test_a_name_at_the_edge_is_whole_or_not_there(quiet, pages, size):
    page = pages.open(quiet.url + SIDE, size=size)
    settled(page)
    assert value(page, CUT) == []
    value(page, "() => { yiping.map.leaflet().panBy([230, 40], {animate: false}); }")
    page.wait_for_function("() => !yiping.map.sheet('names').stack.frame")
    assert value(page, CUT) == []


@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (900, 700), (390, 844)])
def test_the_way_back_from_the_past_is_never_cut_off(stub: Stub, pages, size):
    page = pages.open(stub.url + "/?at=2026-11-20T02:00:00Z&known=now", size=size)
    settled(page)
    value(page, """() => document.querySelector('.sit').insertAdjacentHTML('afterbegin',
        '<span class="chip chip-red">红色预警</span><span class="chip chip-plain">历史装入 10%</span>')""")
    if size[0] < 701:
        value(page, "() => { document.querySelector('.nav').remove(); }")     # a phone's scrolls by itself
    assert value(page, OUT) == []
    assert value(page, "() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("path", "maps"), [("/", 1), (SIDE, 2)])
def test_the_map_that_has_the_keyboard_is_framed_and_named(quiet, pages, path, maps):
    page = pages.open(quiet.url + path, size=(1366, 768))
    settled(page)
    framed = """() => { const at = document.activeElement, s = getComputedStyle(at, '::after');
      const told = [s.borderTopStyle, parseFloat(s.borderTopWidth) > 1.5, s.zIndex > 800];
      return at.classList.contains('ground') && told; }"""
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        found = value(page, framed)
        if found:
            seen.append(found)
    assert seen == [["solid", True, True]] * maps
    name = page.locator(".ground").first.get_attribute("aria-label")
    assert "最高，" in name
    assert "换指标" not in name


def test_on_paper_a_drawer_covers_no_panel(quiet, pages):
    page = pages.open(quiet.url + "/?tool=area&area=circle:115.41,25.955,4000", size=(1500, 1000))
    settled(page)
    page.emulate_media(media="print")
    drawer, shown = page.locator(".drawer").bounding_box(), page.locator(".stage .panel:visible, .kpis, .canvas").all()
    assert len(shown) >= 8
    for panel in shown:
        box = panel.bounding_box()
        assert box["y"] + box["height"] <= drawer["y"] + 1 or box["y"] >= drawer["y"] + drawer["height"] - 1
    assert value(page, "() => getComputedStyle(document.querySelector('.panel.p1')).visibility") == "visible"
    assert not page.locator(".over.tools").is_visible()
