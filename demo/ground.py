"""The ground of the demo county: townships, villages, simulated people, and points that lie inside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from demo.chance import Reals, one, pick, uniform
from geo.divisions import Divisions

SPOTS = 40
TOTAL_PEOPLE = 900_000


@dataclass(frozen=True)
class Village:
    """A village or community: `town` is the index of its township, `people` simulated."""

    code: str
    name: str
    town: int
    people: int


@dataclass(frozen=True)
class Town:
    """A township: simulated people, `urban` 0–1, `industry` weight, km from the middle, its villages' indices."""

    code: str
    name: str
    people: int
    urban: float
    industry: float
    x_km: float
    y_km: float
    villages: tuple[int, ...]


class Ground:
    """Places of a county. A township without villages counts as its own single village."""

    def __init__(self, divisions: Divisions, seed: int):
        self.seed = seed
        self.divisions = divisions
        middle = shapely.centroid(divisions.geometry[0])
        self.lon0, self.lat0 = float(shapely.get_x(middle)), float(shapely.get_y(middle))
        towns = divisions.children(divisions.root.code)
        kids = [divisions.children(town.code) or (town,) for town in towns]
        shares = [_share(seed, town.code, len(inside)) for town, inside in zip(towns, kids, strict=True)]
        most = max(range(len(towns)), key=lambda number: len(kids[number]))
        shares[most] *= 2.0
        self.towns: list[Town] = []
        self.villages: list[Village] = []
        for number, town in enumerate(towns):
            people = round(TOTAL_PEOPLE * shares[number] / sum(shares))
            park = _is_park(town.code)
            first = len(self.villages)
            self._add_villages(number, people, kids[number])
            x_km, y_km = self.km(*_middle(divisions, town.code))
            urban = 1.0 if number == most or park else 0.15 + 0.35 * one(seed, "urban", town.code)
            industry = 3.0 if park else 1.5 if number == most else 0.2 + 0.5 * one(seed, "industry", town.code)
            self.towns.append(Town(town.code, town.name, people, urban, industry, x_km, y_km,
                                   tuple(range(first, len(self.villages)))))
        self.seat = most
        self.town_people = np.array([town.people for town in self.towns], float)
        self.town_urban = np.array([town.urban for town in self.towns], float)
        self.village_people = np.array([village.people for village in self.villages], float)
        self.village_town = np.array([village.town for village in self.villages], np.int64)
        self.spots: Reals = np.stack([_spots(divisions, village.code, seed) for village in self.villages])

    def _add_villages(self, town: int, people: int, inside: tuple[Any, ...]) -> None:
        shares = [0.5 + one(self.seed, "village", village.code) for village in inside]
        for village, share in zip(inside, shares, strict=True):
            own = max(60, round(people * share / sum(shares)))
            self.villages.append(Village(village.code, village.name, town, own))

    def km(self, lon: float, lat: float) -> tuple[float, float]:
        """East and north of the county's middle, km (flat approximation, good to 1 % within 100 km)."""
        return (lon - self.lon0) * 111.32 * math.cos(math.radians(self.lat0)), (lat - self.lat0) * 110.57

    def villages_for(self, how_many: int, urban: float, *keys: Any) -> list[int]:
        """Village indices drawn by people; `urban` > 0 favours built-up townships."""
        weights = self.village_people * (0.02 + self.town_urban[self.village_town]) ** urban
        return [int(index) for index in pick(weights, uniform(self.seed, *keys, np.arange(how_many)))]

    def spot(self, village: int, *keys: Any) -> tuple[float, float]:
        """A point (lon, lat) inside the village."""
        lon, lat = self.spots[village, int(one(self.seed, "spot", *keys) * SPOTS)]
        return float(lon), float(lat)


def _is_park(code: str) -> bool:
    return code[6:9].isdigit() and 400 <= int(code[6:9]) < 600


def _share(seed: int, code: str, villages: int) -> float:
    if _is_park(code):
        return 0.8
    return villages * (0.8 + 0.4 * one(seed, "people", code))


def _middle(divisions: Divisions, code: str) -> tuple[float, float]:
    division = divisions.get(code)
    if division.seat is not None:
        return division.seat
    point = shapely.point_on_surface(divisions.geometry[divisions.index(code)])
    return float(shapely.get_x(point)), float(shapely.get_y(point))


def _spots(divisions: Divisions, code: str, seed: int) -> Reals:
    """(SPOTS, 2) points inside a division, rounded to 6 decimals (0.1 m)."""
    shape = divisions.geometry[divisions.index(code)]
    west, south, east, north = shapely.bounds(shape)
    shapely.prepare(shape)
    numbers = np.arange(SPOTS * 8)
    lon = np.round(west + (east - west) * uniform(seed, "lon", int(code), numbers), 6)
    lat = np.round(south + (north - south) * uniform(seed, "lat", int(code), numbers), 6)
    inside = np.flatnonzero(shapely.contains_xy(shape, lon, lat))[:SPOTS]
    if len(inside) == 0:
        return np.tile(np.round(_middle(divisions, code), 6), (SPOTS, 1))
    chosen = np.resize(inside, SPOTS)
    return np.stack([lon[chosen], lat[chosen]], axis=1)
