"""GeoJSON and GeoPackage: too much, too deep, in other coordinates, and files that want GDAL to fetch something."""

from __future__ import annotations

import sqlite3
import urllib.request
import warnings
import zipfile
from pathlib import Path

import geopandas
import orjson
import pytest
from canary import canary
from outcomes import CLOCK, feed, outcome, refused, write
from shapely.geometry import Point, Polygon

from data.errors import WrongInput
from data.feed_mapping import Mapping, TableForm
from data.sandbox import Parser
from data.sources.files import read_file

RULE = Mapping(fields={"id": "id", "name": "name", "lon": "lon", "lat": "lat", "geometry": "geometry"},
               constants={"layer": "pump"})
GPKG = feed("gpkg", RULE, "asset")


def package(path: Path, crs: str | None = "EPSG:4490", x: float = 115.4, y: float = 25.9, layer: str = "泵站") -> Path:
    shapes = geopandas.GeoDataFrame({"id": ["p1", "p2"], "name": ["一号", "二号"], "kw": [5.5, None]},
                                    geometry=[Point(x, y), Point(x + 0.001, y)], crs=crs)
    with warnings.catch_warnings(action="ignore"):
        shapes.to_file(path, driver="GPKG", layer=layer)
    return path


def test_a_geopackage_is_read(tmp_path: Path) -> None:
    path = package(tmp_path / "a.gpkg")
    chunk = next(read_file(path, GPKG, CLOCK))
    assert [(row["id"], round(row["lon"], 6), row["lat"]) for row in chunk.rows] == [
        ("p1", 115.4, 25.9), ("p2", 115.401, 25.9)]
    assert (chunk.read, chunk.read_as) == (2, "gpkg")
    assert outcome(path, GPKG) == (2, 0)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "泵站.gpkg")
    assert outcome(tmp_path / "a.zip", GPKG) == (2, 0)
    refused(path, "没有图层", "泵站", of=feed("gpkg", RULE, "asset", table=TableForm(layer="桥")))
    refused(path, "缺少列 power", of=feed("gpkg", Mapping(fields={"id": "power"}), "asset"))


def test_projected_coordinates_are_converted_and_unstated_ones_refused(tmp_path: Path) -> None:
    # CGCS2000 / 3-degree Gauss-Krüger zone 39 (EPSG:4527): 117° E is x = 39,500,000 m.
    path = package(tmp_path / "a.gpkg", "EPSG:4527", 39_500_000, 2_865_000)
    row = next(read_file(path, GPKG, CLOCK)).rows[0]
    assert row["lon"] == pytest.approx(117.0, abs=1e-6)
    assert row["lat"] == pytest.approx(25.89, abs=0.02)
    assert row["geometry"]["coordinates"][0] == row["lon"]
    refused(package(tmp_path / "b.gpkg", None), "坐标系", of=GPKG)


def test_damaged_geopackages(tmp_path: Path) -> None:
    whole = package(tmp_path / "a.gpkg").read_bytes()
    for name, content in (("cut", whole[:3000]), ("half", whole[:len(whole) // 2]), ("text", b"id,name\n1,2\n"),
                          ("page", b"<html></html>"), ("empty", b""), ("sqlite", b"SQLite format 3\0" + b"\0" * 200)):
        said = outcome(write(tmp_path, f"{name}.gpkg", content), GPKG)
        assert isinstance(said, str), name
        assert said.startswith(f"文件 {name}.gpkg")
    plain = tmp_path / "plain.gpkg"
    with sqlite3.connect(plain) as base:
        base.execute("CREATE TABLE t (id TEXT)")
    refused(plain, "GeoPackage", of=GPKG)


def vrt(source: str) -> str:
    layer = f'<OGRVRTLayer name="x"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer>'
    return f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"


def hostile(address: str) -> list[str]:
    """Texts that make GDAL fetch when it may choose the driver."""
    return [vrt(f"/vsicurl/{address}/a.csv"), vrt(f"{address}/a.geojson"), f"/vsicurl/{address}/b.geojson",
            f"{address}/c.geojson", f"/vsizip//vsicurl/{address}/d.zip",
            f'<kml xmlns="http://www.opengis.net/kml/2.2"><NetworkLink><Link><href>{address}/e.kml</href></Link>'
            "</NetworkLink></kml>",
            f'<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xsi:schemaLocation="x {address}/f.xsd" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>',
            f'<GDAL_WMS><Service name="WMS"><ServerUrl>{address}/g</ServerUrl></Service></GDAL_WMS>',
            f'{{"type": "FeatureCollection", "crs": {{"type": "link", "properties": {{"href": "{address}/h"}}}}, '
            '"features": []}']


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.json", "a.xml", "a.csv", "a.xlsx"])
def test_no_file_makes_the_program_fetch_anything(tmp_path: Path, name: str) -> None:
    form = {"a.gpkg": GPKG, "a.geojson": feed("", RULE, "asset"), "a.xml": feed("cap", kind="warning")}.get(
        name, feed())
    with canary() as (address, hits):
        for text in hostile(address):
            outcome(write(tmp_path, name, text), form, alike=False)
            with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
                archive.writestr(f"/vsicurl/{address}/{name}", text)
            outcome(tmp_path / "a.zip", form, alike=False)
        assert hits == []
        with urllib.request.urlopen(f"{address}/proof") as answer:
            answer.read()
        assert hits == ["/proof"], "the canary hears"


def test_a_geopackage_that_points_elsewhere_fetches_nothing(tmp_path: Path) -> None:
    path = package(tmp_path / "a.gpkg")
    parser = Parser()
    try:
        with canary() as (address, hits):
            base = sqlite3.connect(path)
            base.execute("INSERT INTO gpkg_spatial_ref_sys VALUES ('x', 99999, 'x', 99999, ?, '')", (f"{address}/srs",))
            base.execute("UPDATE gpkg_geometry_columns SET srs_id = 99999")
            base.execute("UPDATE gpkg_contents SET srs_id = 99999, description = ?", (f"/vsicurl/{address}/x",))
            base.commit()
            base.close()
            outcome(path, GPKG, alike=False)
            with pytest.raises(WrongInput, match="坐标系"):
                list(parser.rows(path, GPKG, CLOCK))
            assert hits == []
    finally:
        parser.close()


def collection(*geometries: object) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": f"f{n}", "geometry": shape, "properties": {"name": "x", "id": f"f{n}"}}
        for n, shape in enumerate(geometries)]})


def test_too_many_vertices_or_levels_lose_only_their_feature(tmp_path: Path) -> None:
    of = feed("geojson", Mapping(fields={"id": "id", "name": "name", "geometry": "geometry"},
                                 constants={"layer": "area"}), "asset")
    ring = orjson.loads(orjson.dumps([[n / 1e6, 0.0] for n in range(200_001)]))
    deep: list[object] = [1.0, 2.0]
    for _ in range(30):
        deep = [deep]
    square = orjson.loads(orjson.dumps(Polygon([(0, 0), (1, 0), (1, 1)]).__geo_interface__))
    path = write(tmp_path, "a.geojson", collection({"type": "LineString", "coordinates": ring}, square,
                                                   {"type": "Polygon", "coordinates": deep}))
    assert outcome(path, of) == (1, 2)
    reasons = " ".join(reason for _, reason in next(read_file(path, of, CLOCK)).rejected)
    assert "200000" in reasons
    assert "20 层" in reasons


def test_fifty_megabytes_and_two_hundred_thousand_levels_are_refused(tmp_path: Path) -> None:
    of = feed("geojson", RULE, "asset")
    refused(write(tmp_path, "big.geojson", b" " * 1000 + b"[" + b"1," * 25_000_000 + b"1]"), "50 MB", of=of)
    refused(write(tmp_path, "deep.geojson", b"[" * 200_000 + b"]" * 200_000), "JSON", of=of)
    refused(write(tmp_path, "deep.json", b'{"a":' * 200_000 + b"1" + b"}" * 200_000), "JSON", of=of)
