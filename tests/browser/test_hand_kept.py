"""What the reader's hand had hold of stays: focus, a slider, a newer view, the pin in sight, two maps while drawing."""

from __future__ import annotations

import pytest
from driving import set_view, settled, stub, until, value

__all__ = ["stub"]
pytestmark = pytest.mark.browser


def test_a_tool_opened_and_closed_by_keyboard_keeps_the_focus(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    page.locator(".tools [data-key='c']").focus()
    held = "(key) => (document.activeElement.dataset || {}).key === key"
    page.keyboard.press("Enter")
    until(page, "() => yiping.state.at.tool === 'compare' && document.querySelector('.drawer')")
    settled(page)
    until(page, held, "c")
    page.locator(".drawer-close").focus()
    page.keyboard.press("Enter")
    until(page, "() => !yiping.state.at.tool && !document.querySelector('.drawer')")
    until(page, held, "c")


def test_a_retry_draws_what_is_wanted_now(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    code = next(code for code, row in stub.county.rows.items() if row["level"] == 1)
    value(page, """() => { const held = yiping.loads.ground;
      window.gate = new Promise((done) => { window.letGo = done; });
      yiping.loads.ground = async (...all) => { await window.gate; return held(...all); }; }""")
    set_view(page, {"division": code})
    until(page, "(code) => yiping.view.last().map.division === code", code)
    value(page, """async () => { await yiping.view.painted(); await yiping.view.painted();
      yiping.map.again(); window.letGo(); }""")
    settled(page)
    until(page, "(code) => yiping.map.state.focus.length && yiping.map.state.focus[0].code === code", code)


def test_both_maps_are_drawn_on_while_they_stand(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    zooming = """() => { const box = document.createElement('div'), main = yiping.map.leaflet();
      const other = yiping.face(yiping.map.face);
      box.style.cssText = 'width:300px;height:300px';
      document.body.append(box);
      other.install(new L.Map(box, {second: true, center: main.getCenter(), zoom: main.getZoom()}));
      const maps = [main, other.leaflet()], told = [];
      const how = (m) => [m.getContainer().classList.contains('drawing'), m.doubleClickZoom.enabled()];
      const look = () => told.push(maps.map(how));
      yiping.hand.mode({});
      look();
      yiping.hand.use(other.leaflet(), other.state);
      yiping.hand.mode(null);
      look();
      yiping.hand.use(main, yiping.map.state);
      other.end();
      other.leaflet().remove();
      box.remove();
      yiping.hand.mode({});
      yiping.hand.mode(null);
      return told; }"""
    assert value(page, zooming) == [[[True, False]] * 2, [[False, True]] * 2]


def test_a_new_pin_outside_the_window_is_gone_to(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    seen = """([lon, lat]) => { const pin = yiping.map.added.find((one) => one.name === 'pin');
      pin.take({lon, lat});
      return yiping.map.leaflet().getBounds().contains([lat, lon]); }"""
    inside = value(page, "() => { const c = yiping.map.leaflet().getCenter(); return [c.lng, c.lat]; }")
    value(page, "() => yiping.map.leaflet().setZoom(yiping.map.base() + 2, {animate: false})")
    before = value(page, "() => yiping.map.leaflet().getCenter().lng")
    assert value(page, seen, [inside[0] + 0.0001, inside[1]])
    assert value(page, "() => yiping.map.leaflet().getCenter().lng") == before, "seen already: the map stays"
    assert value(page, seen, [inside[0] + 0.6, inside[1]])


def test_nothing_is_laid_for_sheets_that_hold_nothing(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    idle = value(page, "() => yiping.map.sheets().filter((s) => s.idle()).map((s) => s.canvas.className.slice(6))")
    assert {"tiles", "graticule", "area", "grips", "measure", "pin", "heat", "lines"} <= set(idle)


def test_lines_that_are_under_way_survive_an_answer_of_the_same_address(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    drawn = """async () => { const lines = yiping.map.added.find((one) => one.name === 'lines');
      const held = yiping.loads.quietly;
      let done;
      yiping.loads.quietly = () => new Promise((found) => { done = found; });
      const told = () => [{url: '/probe', name: '路'}];
      lines.take(told());
      lines.take(told());
      yiping.loads.quietly = held;
      done({path: new Path2D(), named: []});
      await new Promise((next) => setTimeout(next));
      const drawn = !lines.idle();
      lines.take(null);
      return drawn; }"""
    assert value(page, drawn)


def test_a_slider_that_is_replaced_under_the_hand_is_not_lost(stub, pages):
    page = pages.open(stub.url, size=(1366, 768))
    value(page, """() => { const box = document.querySelector('.toolbox');
      const bar = () => { box.innerHTML =
        '<div class="player" data-from="1700000000000000" data-to="1700086400000000" ' +
        'data-at="1700000000000000"><input type="range" class="player-at" min="1700000000" max="1700086400"></div>'; };
      yiping.state.at.tool = 'replay';
      bar();
      const slider = box.querySelector('.player-at');
      slider.value = '1700043200';
      slider.dispatchEvent(new Event('input', {bubbles: true}));
      bar(); }""")
    until(page, "() => yiping.state.at.at && Date.parse(yiping.state.at.at) === 1700043200000")
