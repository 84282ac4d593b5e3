"""Coordinates of a feed's own system: converted once, before anything is told from them, alike by row and by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from data.mapped_columns import canonical_schema
from data.shifting import Shift, shifted
from geo.crs import gcj02_to_bd09, wgs84_to_gcj02

LON, LAT = 115.4150, 25.9550


def came(crs: str, lon: float = LON, lat: float = LAT) -> tuple[float, float]:
    east, north = wgs84_to_gcj02(lon, lat)
    if crs == "BD-09":
        east, north = gcj02_to_bd09(east, north)
    return float(east), float(north)


@pytest.mark.parametrize("crs", ["GCJ-02", "BD-09"])
def test_shifted_places_come_back_to_a_centimeter(crs: str) -> None:
    lon, lat = came(crs)
    assert abs(lon - LON) > 0.001, "the shift is there"
    row = Shift(crs).rows([{"id": "a", "lon": lon, "lat": str(lat)}])[0]
    assert (row["lon"], row["lat"]) == pytest.approx((LON, LAT), abs=2e-7)


def test_a_projected_system() -> None:
    pyproj = pytest.importorskip("pyproj")
    east, north = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4547", always_xy=True).transform(LON, LAT)
    row = Shift("EPSG:4547").rows([{"lon": east, "lat": north}])[0]
    assert (row["lon"], row["lat"]) == pytest.approx((LON, LAT), abs=2e-7)


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4326"])
def test_the_places_own_system_is_left_alone(crs: str) -> None:
    raws = [{"lon": 1.123456789012, "lat": 2}]
    assert Shift(crs).rows(raws) is raws


def test_what_is_no_place_is_left_for_the_checks() -> None:
    raws: list[Any] = [7, {"id": "a"}, {"lon": "x", "lat": 1}, {"lon": None, "lat": None, "division": "1"},
                       {"geometry": {"type": "Point"}}, {"geometry": {"type": "Point", "coordinates": ["a", "b"]}}]
    assert Shift("GCJ-02").rows(raws) == raws
    assert raws[0] == 7


def test_an_asset_says_what_it_came_as_and_its_geometry_follows() -> None:
    lon, lat = came("GCJ-02")
    line = [list(came("GCJ-02", LON + i / 100, LAT)) for i in range(3)]
    raw = {"id": "a", "lon": lon, "lat": lat, "properties": {"k": 1},
           "geometry": {"type": "Polygon", "coordinates": [line]}}
    before = orjson.dumps(raw)
    row = Shift("GCJ-02").rows([raw])[0]
    assert row["properties"] == {"k": 1, "came": {"crs": "GCJ-02", "lon": lon, "lat": lat}}
    assert np.asarray(row["geometry"]["coordinates"][0]) == pytest.approx(
        np.asarray([[LON + i / 100, LAT] for i in range(3)]), abs=2e-7)
    assert orjson.dumps(raw) == before, "what came is not changed"


def test_a_warnings_area_follows() -> None:
    corner = list(came("GCJ-02"))
    raw = {"id": "w", "polygon": {"type": "Polygon", "coordinates": [[corner, corner, corner]]}}
    assert Shift("GCJ-02").rows([raw])[0]["polygon"]["coordinates"][0][0] == pytest.approx([LON, LAT], abs=2e-7)
    written = {**raw, "polygon": orjson.dumps(raw["polygon"]).decode()}
    table = pa.Table.from_pylist([written], canonical_schema("warning"))
    made = orjson.loads(shifted(table, Shift("GCJ-02"))["polygon"][0].as_py())
    assert made["coordinates"][0][0] == pytest.approx([LON, LAT], abs=2e-7)


def test_by_column_as_by_row() -> None:
    lon, lat = came("GCJ-02")
    rows = [{"id": "a", "layer": "l", "name": "n", "lon": lon, "lat": lat, "properties": {"k": 1},
             "geometry": {"type": "Point", "coordinates": [lon, lat]}},
            {"id": "b", "layer": "l", "name": "n", "lon": None, "lat": None, "properties": None, "geometry": None}]
    shift = Shift("GCJ-02")
    texts = [{**row, **{name: None if row[name] is None else orjson.dumps(row[name]).decode()
                        for name in ("properties", "geometry")}} for row in rows]
    made = shifted(pa.Table.from_pylist(texts, canonical_schema("asset")), shift).to_pylist()
    for row, expected in zip(made, shift.rows(rows), strict=True):
        for name in ("lon", "lat"):
            assert row[name] == expected[name]
        for name in ("properties", "geometry"):
            assert (None if row[name] is None else orjson.loads(row[name])) == expected[name]
