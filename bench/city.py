"""A city of eighteen counties made of one: its pack, its devices and events, for the map's measures."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely
import yaml

from data.pack import Pack

COUNTIES, ROWS = 18, 3
CITY = "360700000000"
GAP = 1.06                                              # copies stand a little apart
LEFT_OUT = ("neighbours.geojson", "rivers.geojson")
# what a county shows most of, and of which every county of the city has its share
LAYERS = ("camera", "sensor_lamp", "sensor_manhole", "hydrant")


def write_pack(county: Path, folder: Path) -> Path:
    """The city's place pack: the county's own, its divisions eighteen times side by side under one root.

    Args:
        county: a pack whose divisions.geojson has 12-digit codes that begin with the county's six digits.
        folder: where the pack is written; must not exist.
    """
    shutil.copytree(county, folder, ignore=shutil.ignore_patterns("source", *LEFT_OUT))
    place = yaml.safe_load((county / "place.yaml").read_text(encoding="utf8"))
    place |= {"code": CITY, "name": "十八县", "levels": [{"key": "city", "word": "市"}, *place["levels"]]}
    (folder / "place.yaml").write_text(yaml.safe_dump(place, allow_unicode=True, sort_keys=False), encoding="utf8")
    features = json.loads((county / "divisions.geojson").read_text(encoding="utf8"))["features"]
    made = [_moved(feature, number, step) for number, step in enumerate(_steps(features)) for feature in features]
    outline = shapely.union_all([shapely.geometry.shape(f["geometry"]) for f in made if f["properties"]["level"] == 1])
    root = {"type": "Feature", "properties": {"code": CITY, "name": "十八县", "level": 0, "parent": None,
                                              "official": False}, "geometry": shapely.geometry.mapping(outline)}
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in (root, *made))
    (folder / "divisions.geojson").write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n',
                                              encoding="utf8")
    return folder


def _steps(features: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """How far each copy stands from the original, in degrees of longitude and latitude."""
    west, south, east, north = shapely.geometry.shape(features[0]["geometry"]).bounds
    across, up = (east - west) * GAP, (north - south) * GAP
    return [(number // ROWS * across, number % ROWS * up) for number in range(COUNTIES)]


def _code(code: str, number: int) -> str:
    return f"{int(code[:6]) + number}{code[6:]}"


def _moved(feature: dict[str, Any], number: int, step: tuple[float, float]) -> dict[str, Any]:
    row = dict(feature["properties"])
    row |= {"code": _code(row["code"], number), "level": row["level"] + 1,
            "parent": _code(row["parent"], number) if row["parent"] else CITY}
    if "seat_lon" in row:
        row |= {"seat_lon": row["seat_lon"] + step[0], "seat_lat": row["seat_lat"] + step[1]}
    if row["level"] == 1:
        row["name"] = f"第{number + 1}县"

    def shift(points: Any) -> Any:
        if isinstance(points[0], int | float):
            return [round(points[0] + step[0], 6), round(points[1] + step[1], 6)]
        return [shift(inner) for inner in points]

    shape = {"type": feature["geometry"]["type"], "coordinates": shift(feature["geometry"]["coordinates"])}
    return {"type": "Feature", "properties": row, "geometry": shape}


def devices(pack: Pack, count: int, seed: int = 7) -> dict[str, Any]:
    """A GeoJSON of `count` devices spread over the finest cells, as the feed `assets` takes it."""
    features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]},
                 "properties": {"id": f"d{number}", "layer": LAYERS[number % len(LAYERS)], "name": f"设备 {number}",
                                "demo": True}}
                for number, (lon, lat) in enumerate(_places(pack, count, seed))]
    return {"type": "FeatureCollection", "features": features}


def events(pack: Pack, count: int, now: datetime, prefix: str = "c") -> Iterator[dict[str, Any]]:
    """`count` events in hand, received within the last twenty days."""
    chance = random.Random(prefix)
    categories, channels = sorted(pack.categories), sorted(pack.channels)
    for number, (lon, lat) in enumerate(_places(pack, count, 11)):
        began = now - timedelta(minutes=chance.randrange(20, 28_800))
        yield {"id": f"{prefix}{number}", "time": _told(began), "category": chance.choice(categories),
               "channel": chance.choice(channels), "stage": "received", "stage_time": _told(began), "lon": lon,
               "lat": lat, "title": f"事项 {number}", "demo": True,
               "due": _told(began + timedelta(hours=chance.choice((24, 72, 480))))}


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _places(pack: Pack, count: int, seed: int) -> Iterator[tuple[float, float]]:
    """Longitude and latitude of places inside the finest cells, evenly many in each."""
    chance, divisions = random.Random(seed), pack.divisions
    finest = divisions.at_level(len(divisions.level_names) - 1)
    for number in range(count):
        cell = divisions.geometry[int(finest[number * 7919 % len(finest)])]
        middle = shapely.point_on_surface(cell)
        turn, reach = chance.random() * 2 * math.pi, chance.random() * 2e-3
        place = shapely.Point(round(middle.x + reach * math.cos(turn), 6), round(middle.y + reach * math.sin(turn), 6))
        chosen = place if shapely.contains(cell, place) else middle
        yield chosen.x, chosen.y
