"""Stations and devices of the demo county: ids, names and places; everything here is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from demo.chance import Ints, Reals, one
from demo.ground import Ground

# layer: how many, id prefix, word after the village's name, how much built-up land attracts it (0 = one a township)
LAYERS: dict[str, tuple[int, str, str, float]] = {
    "station_air": (6, "AQ", "空气站", 0.0), "station_water": (8, "WQ", "断面", 0.0),
    "station_rain": (24, "RN", "雨量站", 0.0), "station_river": (6, "RV", "水位站", 0.0),
    "reservoir": (16, "RS", "水库", 0.0),
    "sensor_water_pressure": (300, "WP", "供水压力", 0.8), "sensor_gas": (350, "GS", "燃气监测", 1.5),
    "sensor_manhole": (250, "MH", "智能井盖", 1.2), "sensor_lamp": (350, "LP", "智慧路灯", 1.0),
    "sensor_ponding": (100, "PD", "积水监测", 1.0), "sensor_bridge": (150, "BR", "桥梁监测", 0.3),
    "parking": (5, "PK", "停车场", 3.0), "gate": (12, "TG", "卡口", 1.0), "hall": (1, "HALL", "政务大厅", 9.0),
}
SENSOR_LAYERS = tuple(layer for layer in LAYERS if layer.startswith("sensor_"))


@dataclass(frozen=True)
class Sites:
    """Sites of a layer in columns: (k,) each; x_km and y_km from the county's middle, `town` and `village` indices."""

    layer: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    lon: Reals
    lat: Reals
    x_km: Reals
    y_km: Reals
    town: Ints
    village: Ints


@lru_cache(maxsize=2048)
def short(name: str) -> str:
    """A village's name without the kind of its committee."""
    for tail in ("居民委员会", "村民委员会", "社区居委会", "村委会", "居委会", "社区"):
        if name.endswith(tail) and len(name) > len(tail):
            return name[:-len(tail)]
    return name


def _villages(ground: Ground, layer: str, how_many: int, urban: float) -> list[int]:
    if urban:
        return ground.villages_for(how_many, urban, "site", layer)
    chosen = []
    for number in range(how_many):
        town = ground.towns[(number * max(1, len(ground.towns) // how_many) + number // len(ground.towns))
                            % len(ground.towns)]
        chosen.append(town.villages[int(one(ground.seed, layer, number) * len(town.villages))])
    return chosen


def make_sites(ground: Ground, layer: str) -> Sites:
    """The sites of one layer; the same for the same ground and seed."""
    how_many, prefix, word, urban = LAYERS[layer]
    villages = _villages(ground, layer, how_many, urban)
    width = 4 if how_many > 99 else 2
    ids = tuple(f"{prefix}{number + 1:0{width}d}" for number in range(how_many))
    names, seen = [], dict.fromkeys(villages, 0)
    for village in villages:
        seen[village] += 1
        tail = f"{seen[village]}号" if seen[village] > 1 or how_many > 99 else ""
        names.append(f"{short(ground.villages[village].name)}{word}{tail}")
    points = [ground.spot(village, layer, number) for number, village in enumerate(villages)]
    km = [ground.km(lon, lat) for lon, lat in points]
    array = np.array
    return Sites(layer, ids, tuple(names), array([p[0] for p in points]), array([p[1] for p in points]),
                 array([k[0] for k in km]), array([k[1] for k in km]),
                 ground.village_town[villages], array(villages, np.int64))
