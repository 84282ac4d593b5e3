"""The map's ground: names never on names, measures on the ellipsoid, the grid of degrees."""

from __future__ import annotations

import re

import numpy as np
import pyproj
import pytest
from driving import until, value
from ground_site import GroundCounty, go, opened
from stub import Stub

from geo import crs, measuring

pytestmark = pytest.mark.browser
GEOD = pyproj.Geod(a=6378137.0, rf=298.257222101)
SIZES = ((1366, 768), (1920, 1080), (390, 844))


@pytest.fixture(scope="module")
def stub():
    found = Stub(GroundCounty())
    found.dash.bundles.warm()
    yield found.start()
    found.stop()


# --- formulas of the client against pyproj ---

def test_lengths_and_areas_of_the_client_are_those_of_the_ellipsoid(stub, pages):
    page = pages.open(stub.url)
    chooser = np.random.default_rng(20261122)
    for spread in (0.001, 0.4, 5.0):
        ring = np.array([115.5, 26.0]) + chooser.uniform(-spread, spread, (300, 2))
        legs = value(page, "(p) => p.slice(1).map((b, k) => yiping.geodesy.metres(p[k], b))", ring.tolist())
        assert np.allclose(legs, measuring.legs_m(ring.tolist()), rtol=1e-9, atol=1e-5)
        angle = np.sort(chooser.uniform(0, 2 * np.pi, 12))
        star = np.array([115.5, 26.0]) + spread * np.stack([np.cos(angle), np.sin(angle)], 1)
        area = value(page, "(p) => yiping.geodesy.area(p)", star.tolist())
        assert area == pytest.approx(measuring.area_m2(star.tolist()), rel=1e-4)
    assert value(page, "() => yiping.geodesy.metres([1, 2], [1, 2])") == 0


def test_the_shift_of_the_client_is_that_of_the_program(stub, pages):
    page = pages.open(stub.url)
    chooser = np.random.default_rng(7)
    points = np.stack([chooser.uniform(75, 134, 300), chooser.uniform(4, 53, 300)], 1)
    there = np.stack(crs.wgs84_to_gcj02(points[:, 0], points[:, 1]), 1)
    assert np.abs(np.array(value(page, "(p) => p.map(yiping.geodesy.gcj)", points.tolist())) - there).max() < 1e-11
    assert np.abs(np.array(value(page, "(p) => p.map(yiping.geodesy.ungcj)", there.tolist())) - points).max() < 1e-9


def test_the_scale_bar_is_true_at_the_middle_of_the_map(stub, pages):
    page = opened(pages, stub.url)
    for zoom in (-1, 0, 1.5, 4, 7):
        value(page, "(z) => mapAt(z)", zoom)
        west, east, lat, metres = value(page, """() => {
          const bar = document.querySelector('.scalebar .bar'), map = yiping.map.leaflet(), size = map.getSize();
          const half = parseFloat(bar.style.width) / 2;
          const at = (dx) => map.containerPointToLatLng([size.x / 2 + dx, size.y / 2]);
          return [at(-half).lng, at(half).lng, map.getCenter().lat, Number(bar.dataset.metres)] }""")
        assert GEOD.inv(west, lat, east, lat)[2] == pytest.approx(metres, rel=1e-3)
        assert "北" in page.locator(".scalebar").text_content()


# --- names ---

@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_name_stands_on_another_or_behind_a_card_at_any_zoom(stub, pages, size):
    page = opened(pages, stub.url, size)
    seen = 0
    town = "/?division=360731104000"
    for path in ("/", town, "/?level=village&layers=graticule", f"{town}&layers=camera"):
        go(page, stub.url + path)
        for zoom in (0, -1, 0.5, 1, 1.75, 3, 5):
            value(page, "(z) => mapAt(z)", zoom)
            words, met = value(page, "() => wordsMet()")
            assert met == [], (path, zoom)
            seen += words
    assert seen > 300


def test_the_look_at_names_can_fail(stub, pages):
    page = opened(pages, stub.url)
    value(page, "() => { yiping.names.Taken.prototype.free = () => true; yiping.map.restyle(); }")
    value(page, "() => mapAt(-1)")
    assert value(page, "() => wordsMet()")[1] != []


def test_what_fits_is_named_and_the_largest_before_the_small(stub, pages):
    """At the county's own zoom hardly a township is without its name, and none of the larger half."""
    page = opened(pages, stub.url, (1920, 1080))
    lost, every = value(page, """() => { const s = yiping.map.state, named = new Set(s.written.map((one) => one.text));
      const area = (c) => (c.box[2] - c.box[0]) * (c.box[3] - c.box[1]), cells = s.level.cells;
      const gone = cells.filter((c) => !named.has(c.name) && !named.has(c.short));
      return [gone.map(area), cells.map(area)] }""")
    assert len(lost) <= 2
    assert max(lost, default=0) < np.median(every)
    # a cell whose heart is out of sight is named where it is seen
    go(page, stub.url + "/?division=360731104000")
    value(page, "() => mapAt(1)")
    value(page, "() => { yiping.map.leaflet().panBy([180, 120], {animate: false}); }")
    value(page, "() => mapAt(1)")
    assert value(page, """() => { const s = yiping.map.state, m = yiping.map.leaflet();
      return s.written.some(({text}) => s.level.cells.some((c) => c.name === text &&
        !m.getBounds().contains(yiping.geo.lonLat(c.heart.x, c.heart.y).slice().reverse()))) }""")


# --- the grid of degrees ---

def test_the_grid_of_degrees_is_off_until_asked_for_and_labelled_in_degrees_and_minutes(stub, pages):
    page = opened(pages, stub.url)
    written = "() => yiping.map.state.written.filter((one) => one.kind === 'graticule').map((one) => one.text)"
    assert value(page, written) == []
    go(page, stub.url + "/?layers=events,graticule")
    steps = set()
    for zoom in (-2, 0, 2, 4, 6, 8):
        value(page, "(z) => mapAt(z)", zoom)
        texts = value(page, written)
        assert any(text.endswith("E") for text in texts), zoom
        assert any(text.endswith("N") for text in texts), zoom
        assert all(re.fullmatch(r"\d{1,3}°[0-5]\d(\.\d)?′[NE]", text) for text in texts)
        steps.add(value(page, "() => yiping.graticule.step(2 ** yiping.map.leaflet().getZoom() * 256 / 360)"))
    assert len(steps) == 6
    words = "([v, size]) => yiping.graticule.words(v, size, ['E', 'W'])"
    assert value(page, words, [115.5, 0.5]) == "115°30′E"
    assert value(page, words, [115.9999999, 1 / 60]) == "116°00′E"
    assert value(page, words, [-0.0016667, 0.1 / 60]) == "0°00.1′W"


# --- measuring by hand ---

def path_of(page):
    kind, _, rest = value(page, "() => yiping.state.at.measure").partition(":")
    return kind, [tuple(map(float, piece.split(","))) for piece in rest.split(";")]


def test_a_length_is_measured_with_the_mouse(stub, pages):
    page = opened(pages, stub.url, (1920, 1080))
    page.keyboard.press("m")
    until(page, "() => yiping.measure.active()")
    box = page.locator(".ground").bounding_box()
    shares = ((.4, .5), (.5, .6), (.6, .45))
    spots = [(box["x"] + box["width"] * across, box["y"] + box["height"] * down) for across, down in shares]
    for x, y in spots[:2]:
        page.mouse.click(x, y)
    page.mouse.dblclick(*spots[2])
    until(page, "() => !yiping.measure.active() && (yiping.state.at.measure || '').split(';').length === 3")
    kind, points = path_of(page)
    assert kind == "line"
    said = f"{measuring.length_m(points) / 1000:,.3f} 千米"
    until(page, "(said) => document.querySelector('.measure .total b')?.textContent === said", said)
    assert value(page, "() => yiping.state.at.division || ''") == ""        # clicks set points, they open no division
    page.locator(".measure .choice a", has_text="面积").click()
    area = f"{measuring.area_m2(points) / 1e6:,.1f}"
    until(page, "(said) => document.querySelector('.measure .total b')?.textContent.startsWith(said)", area)
    go(page, page.url)                                                       # the address is the whole of it
    assert page.locator(".measure .total b").text_content().startswith(area)


def test_a_length_is_measured_with_the_keyboard_alone(stub, pages):
    page = opened(pages, stub.url, (1920, 1080))
    page.keyboard.press("m")
    until(page, "() => yiping.measure.active()")
    for keys in (" ", "ArrowRight", " ", "ArrowDown", " ", " ", "Backspace", "Enter"):
        page.keyboard.press(keys)
        value(page, "async () => { await yiping.view.painted(); await yiping.view.painted(); }")
    until(page, "() => !yiping.measure.active()")
    _, points = path_of(page)
    assert len(points) == 3
    assert points[1][0] > points[0][0]
    assert points[2][1] < points[1][1]
    said = f"{measuring.length_m(points) / 1000:,.3f} 千米"
    until(page, "(said) => document.querySelector('.measure .total b')?.textContent === said", said)
    page.keyboard.press("Escape")
    until(page, "() => !yiping.state.at.tool")
