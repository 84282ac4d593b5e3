"""Tiles and layers on the map: what comes is where it belongs, what does not come is told in place, all else works."""

from __future__ import annotations

import json
import re
import socket

import numpy as np
import pyproj
import pytest
from driving import settled, until, value
from ground_site import GroundCounty, go, opened, tile_site

from briefing.capture import ready
from geo import crs, measuring

pytestmark = pytest.mark.browser
TOLD = "() => Object.fromEntries(yiping.told.lines())"
HALF = "20037508.342789244"


@pytest.fixture
def site():
    with tile_site() as found:
        yield found


@pytest.fixture
def tiled(stubs, site):
    """A county with layers of tiles: one of the site, one shifted, one of a host that the policy does not name."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{line.getsockname()[1]}"
    county = GroundCounty()
    county.pictures = (site.origin, closed)
    county.tiles = [site.told("good", "影像"), site.told("shifted", "偏移图", shifted=True),
                    site.told("closed", "关着的图") | {"urls": [closed + "/{z}/{x}/{y}"]},
                    site.told("foreign", "外来的图") | {"urls": ["http://localhost:9/{z}/{x}/{y}"]},
                    site.told("wms", "服务图", "/wms?BBOX={bbox}"),
                    site.told("none", "缺的图", trouble="缺的图：没有瓦片文件")]
    return stubs(county)


def works(page, url):
    """Everything else goes on: the figures stand, and a click on a division opens it."""
    assert page.locator("#r-figures .kpi").count() == 6
    value(page, "() => yiping.view.set({division: '360731104000'})")
    settled(page)
    assert value(page, "() => yiping.state.at.division") == "360731104000"


def test_without_tiles_nothing_leaves_the_machine_and_the_ground_is_whole(tiled, site, pages):
    page = pages.open()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    go(page, tiled.url)
    assert [url for url in asked if not url.startswith((tiled.url, "data:", "blob:"))] == []
    assert (site.asked, value(page, "() => Boolean(yiping.map.state.tiled)")) == ([], False)


def test_tiles_lie_below_a_translucent_ground(tiled, site, pages):
    page = opened(pages, tiled.url + "/?layers=events,good")
    until(page, "() => yiping.map.state.tiled && document.querySelectorAll('.leaflet-tile-loaded').length > 3")
    assert all(re.fullmatch(r"/\d+/\d+/\d+\.png", path) for path in site.asked)
    assert value(page, TOLD) == {}
    value(page, "() => yiping.view.set({layers: 'events'})")
    until(page, "() => !yiping.map.state.tiled && !document.querySelector('.leaflet-tile')")


def test_a_picture_waits_for_tiles_that_come_and_no_longer_than_the_map_does(tiled, site, pages):
    site.mood = "slow"
    page = pages.open()
    ready(page, tiled.url + "/?layers=events,good", "/", 60.0)
    shown = value(page, "() => Array.from(document.querySelectorAll('.leaflet-tile'), (tile) => tile.style.opacity)")
    assert len(shown) > 3
    assert {float(one or 1) for one in shown} == {1.0}
    assert value(page, "() => yiping.map.state.tiled")
    site.mood = "hang"
    other = pages.open()
    ready(other, tiled.url + "/?layers=events,good", "/", 60.0)
    assert value(other, TOLD) == {"tiles:good": "影像：瓦片服务没有回应，仍在等"}


def test_a_wms_is_asked_for_the_tile_s_own_metres(tiled, site, pages):
    page = opened(pages, tiled.url + "/?layers=wms")
    until(page, "() => yiping.map.state.tiled")
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    boxes = [list(map(float, path.partition("BBOX=")[2].split(","))) for path in site.asked]
    x, y = to_metres.transform(115.4, 25.95)
    assert any(box[0] <= x <= box[2] and box[1] <= y <= box[3] for box in boxes)
    assert all(box[2] - box[0] == pytest.approx(box[3] - box[1]) for box in boxes)
    assert value(page, "() => yiping.tiles.bbox({x: 0, y: 0, z: 0})") == ",".join([f"-{HALF}"] * 2 + [HALF] * 2)


def test_shifted_tiles_are_brought_back_to_below_a_pixel(tiled, pages):
    page = opened(pages, tiled.url + "/?layers=shifted&bbox=115.40,25.94,115.42,25.96")
    until(page, "() => document.querySelectorAll('.leaflet-tile-loaded').length > 3")
    spots = value(page, """() => { const layer = yiping.tiles.held.get('shifted').parts[0], map = yiping.map.leaflet();
      const b = map.getContainer().getBoundingClientRect();
      return Object.values(layer._tiles).map(({el, coords}) => { const r = el.getBoundingClientRect();
        const at = (x, y) => { const p = map.containerPointToLatLng([x - b.left, y - b.top]); return [p.lng, p.lat]; };
        const {z, x, y} = coords, px = r.width / 256;
        return {z, x, y, px, nw: at(r.left, r.top), se: at(r.right, r.bottom)}; }) }""")
    for spot in spots:
        n = 2 ** spot["z"]
        for corner, dx, dy in (("nw", 0, 0), ("se", 1, 1)):
            lon = (spot["x"] + dx) / n * 360 - 180
            lat = float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (spot["y"] + dy) / n)))))
            back = tuple(map(float, crs.gcj02_to_wgs84(lon, lat)))
            pixel_m = 40075016.7 * np.cos(np.radians(lat)) / (256 * n) / spot["px"]
            assert measuring.length_m([back, tuple(spot[corner])]) < 2.2 * pixel_m
    assert measuring.length_m([back, (lon, lat)]) > 400           # as far as it would be off without


@pytest.mark.parametrize(("mood", "layer", "words", "said"), [
    ("hang", "good", "没有回应", ()), ("no", "good", "出错或拒绝", ("500",)),
    ("ok", "closed", "出错或拒绝", ("ERR_CONNECTION_REFUSED",)),
    ("ok", "foreign", "出错或拒绝", ("CSP", "Content Security")),
    ("ok", "none", "没有瓦片文件", ())])
def test_tiles_that_do_not_come_are_told_in_place_and_all_else_works(tiled, site, pages, mood, layer, words, said):
    pages.allow += said
    site.mood = mood
    page = opened(pages, f"{tiled.url}/?layers=events,{layer}")
    until(page, "(words) => yiping.told.lines().some(([, text]) => text.includes(words))", words, seconds=8)
    name = next(tiles["name"] for tiles in tiled.county.tiles if tiles["key"] == layer)
    line = page.locator(".maptold p", has_text=words)
    assert line.text_content().startswith(name)
    assert line.locator("button").inner_text() == "重试"
    assert not value(page, "() => Boolean(yiping.map.state.tiled)")
    works(page, tiled.url)


def test_a_retry_brings_the_tiles(tiled, site, pages):
    pages.allow.append("500")
    site.mood = "no"
    page = opened(pages, tiled.url + "/?layers=good")
    page.locator(".maptold button").click()
    page.locator(".maptold p").wait_for()
    site.mood = "ok"
    page.locator(".maptold button").focus()
    page.keyboard.press("Enter")
    until(page, "() => yiping.map.state.tiled && !yiping.told.lines().length")


# --- layers that cannot be had ---

def test_a_layer_that_cannot_be_had_says_so_on_the_map_and_a_retry_brings_it(stubs, pages):
    pages.allow += ["404", "503"]
    county = GroundCounty()
    whole, broken = county.layer, {"rivers": b"{not json", "neighbours": b"[]", "sensor": b'{"features": 7}'}
    county.layer = lambda name: broken.get(name) or whole(name)
    found = stubs(county)
    page = opened(pages, found.url)
    until(page, "() => yiping.told.lines().length >= 1")
    told = value(page, TOLD)
    assert told["layer:/api/v1/layers/rivers.geojson"] == "河流：内容读不懂"
    assert value(page, "() => yiping.map.state.level.cells.length") > 20
    broken.clear()
    page.locator(".maptold p", has_text="河流").locator("button").click()
    until(page, "() => yiping.map.state.rivers && !yiping.told.lines().length")


def test_a_layer_of_a_silent_feed_shows_what_was_known_and_says_so(stubs, pages):
    county = GroundCounty()
    whole = county.layer
    silent = json.dumps(json.loads(whole("events")) | {"freshness": "down"}).encode()
    county.layer = lambda name: silent if name == "events" else whole(name)
    page = opened(pages, stubs(county).url + "/?division=360731104000")
    until(page, "() => yiping.told.lines().some(([, text]) => text.includes('数据源不可用'))")
    assert value(page, "() => yiping.map.state.points[0].points.length") == 1286


def feature(at, **properties):
    geometry = {"type": "Point", "coordinates": at}
    return {"type": "Feature", "geometry": geometry, "properties": {"state": "alarm", **properties}}


HOSTILE = ("<img src=x onerror=alert(1)>",
           "\u202e反着写的名字", "长" * 10_000, "第一行\n第二行\t第三", "\u0000\ufffe", "")


def test_hostile_names_and_places_in_layers_are_text_or_left_out(stubs, pages):
    county = GroundCounty(hostile=HOSTILE[0])
    good = [feature([115.4, 25.9 + k / 100], id=f"h{k}", name=name, text=name)
            for k, name in enumerate(HOSTILE)]
    bad = [feature(at, id="bad", name="坏")
           for at in ([1e9, 25], [25.9, 115.4], [None, 25], ["115", "x"], [], [115.4], None, {"a": 1})]
    whole = county.layer
    hostile = json.dumps({"features": [*good, *bad, None, 7, {}]}).encode()
    county.layer = lambda name: hostile if name == "events" else whole(name)
    page = opened(pages, stubs(county).url + "/?division=360731104000")
    until(page, "() => yiping.map.state.points.length")
    kept = value(page, "() => yiping.map.state.points[0].points.map((p) => p.name)")
    assert len(kept) == len(HOSTILE)
    value(page, "() => mapAt(4)")
    for k in range(len(HOSTILE)):
        text, wide, high = value(page, """(k) => {
          const map = yiping.map.leaflet(), p = yiping.map.state.points[0].points[k];
          const at = yiping.geo.lonLat(p.x, p.y), latlng = L.latLng(at[1], at[0]);
          map.setView(latlng, map.getZoom(), {animate: false});
          map.fire('click', {latlng, containerPoint: map.latLngToContainerPoint(latlng)});
          const tip = document.querySelector('.maptip'), r = tip.getBoundingClientRect();
          return [tip.textContent, r.width, r.height] }""", k)
        assert len(text) < 400
        assert "\u202e" not in text
        assert "\n" not in text
        assert (wide, high) < (400, 400)
    assert page.locator("img[src=x]").count() == 0
