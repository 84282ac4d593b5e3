"""A level read in parts: the cells of where the map looks now, wherever it looked before."""

from __future__ import annotations

import json

import pytest
from driving import set_view, settled, until, value
from stub import County, Stub

pytestmark = pytest.mark.browser
PART = "/api/v1/layers/part-{}.geojson?v=1"


class Parted(County):
    """Its cells are villages, read by township, and finer lines are those of grids."""

    def map(self, shown, answers) -> dict:
        url = "/api/v1/layers/divisions-township.geojson?v=1"
        finer = [{"cover": url, "part": PART.format("CODE").replace("part-", "grid-")}]
        return super().map(shown, answers) | {"level": "village", "finer": finer, "marks": {},
                                              "cells": {"cover": url, "part": PART.format("CODE")}}

    def layer(self, name: str) -> bytes:
        kind, _, code = name.partition("-")
        if kind not in ("part", "grid"):
            return super().layer(name)
        level = 2 if kind == "part" else 3
        kept = [f for f in self.features if f["properties"]["level"] == level and self.below(f, code)]
        return json.dumps({"type": "FeatureCollection", "features": kept}).encode()

    def below(self, feature: dict, code: str) -> bool:
        return code in [above for above, _ in self.chain(feature["properties"]["code"])]


@pytest.fixture(scope="module")
def parted():
    found = Stub(Parted())
    found.dash.bundles.warm()
    found.start()
    yield found
    found.stop()


# Townships in the map's window of which no cell is drawn.
MISSING = """async () => { const map = yiping.map.leaflet(), told = yiping.view.last().map.cells;
  const cover = await yiping.geo.load(told.cover, 'polygons'), b = map.getBounds(), drawn = new Set(%s);
  const box = [yiping.geo.planeX(b.getWest()), yiping.geo.planeY(b.getNorth()), yiping.geo.planeX(b.getEast()),
    yiping.geo.planeY(b.getSouth())];
  return cover.cells.filter((c) => c.box[0] < box[2] && box[0] < c.box[2] && c.box[1] < box[3] && box[1] < c.box[3])
    .map((c) => c.code).filter((code) => !drawn.has(code)); }"""
DRAWN = "Array.from(yiping.map.state.level ? yiping.map.state.level.cells.map((cell) => cell.parent) : [])"


def towns(county: County) -> list[str]:
    return sorted(code for code, row in county.rows.items() if row["level"] == 1)


def test_a_division_and_then_another_have_their_own_cells(parted, pages):
    codes = towns(parted.county)
    page = pages.open(parted.url + f"/?division={codes[0]}", size=(1366, 768))
    assert value(page, MISSING % DRAWN) == [], "opened at a part"
    set_view(page, {"division": codes[-1]})
    until(page, "(code) => yiping.view.last().map.division === code", codes[-1])
    settled(page)
    assert value(page, MISSING % DRAWN) == [], "gone to another"


def test_a_pan_while_an_answer_is_drawn_ends_with_its_cells(parted, pages):
    codes = towns(parted.county)
    page = pages.open(parted.url + f"/?division={codes[0]}", size=(1366, 768))
    value(page, """async (code) => { const held = yiping.loads.ground, told = yiping.view.last().map.cells;
      let once = true;
      const heart = (await yiping.geo.load(told.cover, 'polygons')).byCode.get(code).heart;
      const [lng, lat] = yiping.geo.lonLat(heart.x, heart.y);
      yiping.loads.ground = async (...all) => { const found = await held(...all);
        if (once) { once = false; yiping.map.touched(); yiping.map.leaflet().panTo([lat, lng], {animate: false}); }
        return found; }; }""", codes[-1])
    before = value(page, "() => yiping.view.last().stamp")
    parted.push()
    until(page, "(n) => yiping.view.last().stamp > n", before)
    settled(page)
    until(page, f"async () => (await ({MISSING % DRAWN})()).length === 0")


def test_finer_lines_follow_the_map_and_outlive_an_answer(parted, pages):
    codes = towns(parted.county)
    page = pages.open(parted.url + f"/?division={codes[0]}", size=(1366, 768))
    value(page, "() => yiping.map.leaflet().setZoom(yiping.map.base() + 1.5, {animate: false})")
    until(page, "() => yiping.map.state.finer.length === 1")
    first = value(page, "() => yiping.map.state.finer[0].cells.length")
    value(page, "() => yiping.map.leaflet().panBy([2500, 1800], {animate: false})")
    until(page, "(n) => yiping.map.state.finer[0] && yiping.map.state.finer[0].cells.length !== n", first)
    before = value(page, "() => yiping.view.last().stamp")
    parted.push()
    until(page, "(n) => yiping.view.last().stamp > n", before)
    settled(page)
    assert value(page, "() => yiping.map.state.finer.length") == 1
