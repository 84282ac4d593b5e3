"""The map without a mouse: by keyboard alone, by a finger, and by ear."""

from __future__ import annotations

import pytest
from driving import settled, stub, until, value

__all__ = ["stub"]
pytestmark = pytest.mark.browser
SAID = "() => document.querySelector('.ground .unseen').textContent"
WALKED = "() => yiping.walk.at() && yiping.walk.at().code"
# touchable things that a screen reader could only call "link" or "button"
NAMELESS = """() => Array.from(document.querySelectorAll('a[href],button,summary,select,input,[tabindex]'))
  .filter((n) => n.getClientRects().length && !n.closest('[aria-hidden="true"]'))
  .filter((n) => !(n.textContent.trim() || n.getAttribute('aria-label') || n.title || n.querySelector('[aria-label]') ||
    (n.labels && n.labels.length)))
  .map((n) => n.outerHTML.slice(0, 120))"""
SMALL = """() => Array.from(document.querySelectorAll('.over.layers a, .over.tools a, .leaflet-bar a, .nav a'))
  .map((n) => [n.textContent, n.getBoundingClientRect()])
  .filter(([, r]) => r.width && r.height && (r.height < 28 || r.width < 28))
  .map(([text, r]) => [text, Math.round(r.width), Math.round(r.height)])"""


def walked(page, key: str) -> str:
    before = value(page, WALKED)
    page.keyboard.press(key)
    until(page, "(before) => yiping.walk.at() && yiping.walk.at().code !== before", before)
    return value(page, WALKED)


def test_a_division_is_reached_entered_and_left_by_keys_alone(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    for _ in range(80):
        page.keyboard.press("Tab")
        if value(page, "() => document.activeElement.classList.contains('ground')"):
            break
    else:
        pytest.fail("the map is not reached by Tab")
    first = walked(page, "ArrowDown")
    right = walked(page, "ArrowRight")
    place = "([a, b]) => { const of = (c) => yiping.map.state.level.byCode.get(c).heart; return of(b).x > of(a).x; }"
    assert value(page, place, [first, right])
    name = value(page, "(code) => yiping.map.state.level.byCode.get(code).name", right)
    assert value(page, SAID).startswith(name)
    assert any(sign.isdigit() for sign in value(page, SAID)), "its figure is told"
    assert name in page.locator(".maptip").inner_text()
    page.keyboard.press("Enter")
    until(page, "(code) => yiping.state.at.division === code", right)
    settled(page)
    until(page, f"() => ({SAID})().includes('现在看')")
    inner = walked(page, "ArrowUp")
    assert value(page, "([a, b]) => yiping.map.state.level.byCode.get(a).parent === b", [inner, right])
    page.keyboard.press("Escape")
    assert value(page, WALKED) is None
    assert value(page, "() => yiping.state.at.division") == right, "the first Escape leaves the walk, not the division"
    page.keyboard.press("Backspace")
    until(page, "() => !yiping.state.at.division")


def test_every_division_can_be_walked_to(stub, pages):
    page = pages.open(stub.url, size=(1920, 1080))
    missed = value(page, """() => { const cells = yiping.map.state.level.cells, seen = new Set([cells[0]]);
      const open = [cells[0]];
      while (open.length) { const from = open.pop(); for (const way of [[0, -1], [0, 1], [-1, 0], [1, 0]]) {
        const to = yiping.walk.next(from.heart, way, cells);
        if (to && !seen.has(to)) { seen.add(to); open.push(to); } } }
      return cells.filter((cell) => !seen.has(cell)).map((cell) => cell.name); }""")
    assert missed == []


def test_the_keyboard_zooms_and_moves_the_map(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    page.locator(".ground").focus()
    zoom = value(page, "() => yiping.map.leaflet().getZoom()")
    page.keyboard.press("+")
    until(page, "(zoom) => yiping.map.leaflet().getZoom() > zoom", zoom)
    west = value(page, "() => yiping.map.leaflet().getCenter().lng")
    page.keyboard.press("Shift+ArrowRight")
    until(page, "(west) => yiping.map.leaflet().getCenter().lng > west", west)
    near = value(page, "() => yiping.map.leaflet().getZoom()")
    page.keyboard.press("-")
    until(page, "(near) => yiping.map.leaflet().getZoom() < near", near)


@pytest.mark.parametrize("path", ["/", "/?tool=profile", "/events"])
def test_whatever_can_be_touched_has_a_name(stub, pages, path):
    page = pages.open(stub.url + path, size=(1366, 768))
    assert value(page, NAMELESS) == []
    ground = page.locator(".ground")
    assert ground.get_attribute("role") == "application"
    assert "地图" in ground.get_attribute("aria-label")


def test_a_finger_drills_and_finds_targets_large_enough(stub, pages):
    page = pages.open(stub.url, size=(1920, 1080), has_touch=True)
    assert value(page, SMALL) == []
    spot = value(page, """() => { const map = yiping.map.leaflet(), box = map.getContainer().getBoundingClientRect();
      for (const cell of yiping.map.state.level.cells) {
        const [lng, lat] = yiping.geo.lonLat(cell.heart.x, cell.heart.y);
        const at = map.latLngToContainerPoint([lat, lng]), x = box.left + at.x, y = box.top + at.y;
        const top = document.elementFromPoint(x, y), found = yiping.hand.under(map.containerPointToLatLng(at));
        if (found.cell === cell && map.getContainer().contains(top)) return {x, y, code: cell.code}; }
      return null; }""")
    page.touchscreen.tap(spot["x"], spot["y"])
    until(page, "(code) => yiping.state.at.division === code", spot["code"])
