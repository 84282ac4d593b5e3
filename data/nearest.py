"""The nearest resources of each kind to a place: over the pack's roads, else by straight line and a detour factor."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.travel import road_minutes, straight_minutes
from data.answers import Scope
from data.area_ground import AreaGround
from data.area_lists import asset_brief
from data.metrics import Evaluator
from data.records import Row
from geo.areas import Pair, distance_m
from geo.roads import RoadNetwork, Way

PER_KIND, COMPARED = 3, 40
Candidate = tuple[float, str, Row]


def nearest(evaluator: Evaluator, ground: AreaGround, target: Pair, scope: Scope, each: int) -> dict[str, Any]:
    """The nearest `each` resources a kind, of the scope's division, quickest first.

    Returns:
        rows: as area lists show an asset, with straight_m, road_m (None without a road), off_m (from it to its road),
        minutes (None of what is fixed), way (road | straight) and why (why not by road); kinds: layer, name, known
        (with a place), unready (of them, by their own word: these are not sought), compared; travel: the assumptions;
        roads: pieces of road, 0 = no network; off_m: from the target to its road; note.
    """
    kinds, roads, travel = [], ground.roads, evaluator.pack.travel
    candidates: list[Candidate] = []
    # Who comes first, then what stands there.
    for key, layer in sorted(evaluator.pack.layers.items(), key=lambda pair: pair[1].fixed):
        if "resource" in layer.roles:
            known, unready, found = _candidates(evaluator, (key, layer.source), target, scope)
            kinds.append({"layer": key, "name": layer.name, "known": known, "unready": unready, "compared": len(found)})
            candidates += found
    told = sorted(_told(evaluator, candidates, target, roads),
                  key=lambda row: (row["minutes"] or 0, row["straight_m"], row["id"]))
    rows = [_measured(row, roads) for kind in kinds
            for row in [row for row in told if row["layer"] == kind["layer"]][:each]]
    goal_m = roads.snap(target).off_m if roads is not None else None
    note = "" if roads is not None else "地方包没有路网，按直线距离乘绕行系数估算"
    if goal_m is not None and goal_m > travel.off_road_m:
        note = f"此处离最近的道路 {goal_m:,.0f} 米，超过 {travel.off_road_m:,.0f} 米，按直线距离乘绕行系数估算"
    return {"rows": rows, "kinds": kinds, "travel": travel.model_dump(), "roads": len(roads) if roads else 0,
            "off_m": None if goal_m is None else round(goal_m), "note": note}


def _candidates(evaluator: Evaluator, layer: tuple[str, str], target: Pair,
                scope: Scope) -> tuple[int, int, list[Candidate]]:
    """(how many of a layer have a place, how many of these are not ready by their own word, of the others the nearest
    by straight line, which are then compared by way).
    """
    key, source = layer
    placed = evaluator.tables.assets.placed(source)
    inside = evaluator.pack.divisions.below(scope.division)
    there = np.flatnonzero(inside[placed.division] & ~np.isnan(placed.lon)) if placed.rows else np.zeros(0, np.int64)
    known = there[placed.ready[there]]
    # A plane is enough to leave out what is far; who is left is measured on the ellipsoid.
    rough = np.hypot((placed.lon[known] - target[0]) * np.cos(np.radians(target[1])), placed.lat[known] - target[1])
    near = known[np.argsort(rough, kind="stable")[:COMPARED]]
    meters = distance_m(target, placed.lon[near], placed.lat[near])
    found = [(float(length), key, placed.rows[at]) for length, at in zip(meters, near.tolist(), strict=True)]
    return len(there), len(there) - len(known), found


def _told(evaluator: Evaluator, candidates: list[Candidate], target: Pair,
          roads: RoadNetwork | None) -> list[dict[str, Any]]:
    travel = evaluator.pack.travel
    places = [(asset["lon"], asset["lat"]) for _, _, asset in candidates]
    ways = roads.ways_to(target, places, travel.off_road_kmh, travel.off_road_m) if roads else [None] * len(places)
    found = []
    for (meters, key, asset), place, way in zip(candidates, places, ways, strict=True):
        minutes = (road_minutes(way.minutes, travel.departure_min) if way is not None else
                   straight_minutes(meters, travel.detour, travel.speed_kmh, travel.departure_min))
        found.append({"list": "nearest"} | asset_brief(evaluator, key, asset, meters) | {
            "straight_m": round(meters), "way": "road" if way else "straight",
            "minutes": None if evaluator.pack.layers[key].fixed else round(minutes, 1),
            "road_m": way, "off_m": round(way.start.off_m) if way else None,
            "why": "" if way or roads is None else _why(roads, place, travel.off_road_m)})
    return found


def _why(roads: RoadNetwork, place: Pair, most_m: float) -> str:
    """Why a resource has no way over the roads."""
    off = roads.snap(place).off_m
    return f"离道路 {off:,.0f} 米" if off > most_m else "路网不通"


def _measured(row: dict[str, Any], roads: RoadNetwork | None) -> dict[str, Any]:
    """The row with its road's length, which is only looked up for those that are shown."""
    way: Way | None = row["road_m"]
    return row if way is None or roads is None else {**row, "road_m": round(roads.road_m(way))}
