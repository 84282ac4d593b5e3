"""`places/<name>/source/`: what is known of a place's divisions before it has borders, read into a build plan.

`build.yaml` names the files: `outline` (GeoJSON, one feature), and per level below the root `seats` (CSV with code,
name, parent, lon, lat, area_km2, share, near), `outlines` (GeoJSON with code, name, parent) or `cells` (a number).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from shapely.geometry.base import BaseGeometry

from data.packfiles import PackProblem, read_divisions, read_yaml, shown
from data.vectorfiles import read_vector
from geo.build import Plan, Tier
from geo.divide import Seat
from geo.divisions import Division, Divisions
from geo.plane import areas_km2

Places = dict[str, tuple[float, float]]


class TierFile(BaseModel):
    """One level of `build.yaml`; exactly one of seats, outlines, cells."""

    model_config = ConfigDict(extra="forbid")

    seats: str = ""
    outlines: str = ""
    cells: int = 0
    cell_name: str = "{parent}第{n:02d}网格"


class BuildFile(BaseModel):
    """`source/build.yaml`."""

    model_config = ConfigDict(extra="forbid")

    outline: str = ""
    tiers: tuple[TierFile, ...]


class LevelRow(BaseModel):
    """A level in `place.yaml`."""

    key: str
    word: str


class PlaceRow(BaseModel):
    """The part of `place.yaml` that a build needs."""

    code: str
    name: str
    levels: tuple[LevelRow, ...]


def read_place(root: Path) -> PlaceRow:
    """Code, name and levels of a pack. Raises PackProblem."""
    problems: list[str] = []
    place = read_yaml(root, "place.yaml", PlaceRow, problems)
    if place is None or problems:
        raise PackProblem(problems)
    return PlaceRow.model_validate(place)


def level_pairs(place: PlaceRow) -> tuple[tuple[str, str], ...]:
    """(key, word) of every level."""
    return tuple((level.key, level.word) for level in place.levels)


def existing(root: Path, place: PlaceRow) -> Divisions | None:
    """The divisions the pack has now; None when it has none yet. Raises PackProblem when they are broken."""
    if not any(root.glob("divisions.*")):
        return None
    problems: list[str] = []
    divisions = read_divisions(root, level_pairs(place), problems)
    if problems:
        raise PackProblem(problems)
    return divisions


def read_plan(root: Path) -> Plan:
    """The build plan of a pack: from `source/`, else from the divisions it has; official borders are kept.

    Raises:
        PackProblem: every problem, with file and line.
    """
    place = read_place(root)
    now = existing(root, place)
    if (root / "source" / "build.yaml").is_file():
        plan = _from_source(root, place)
    elif now is not None:
        plan = plan_of(now)
    else:
        missing = shown(root / "source" / "build.yaml")
        raise PackProblem([f"{missing}:1: 没有这个文件，也没有 divisions.geojson，无法生成边界"])
    official = {item.code: item for item in now.items if item.official} if now else {}
    plan = with_cells(plan, [Seat(item.code, item.name, item.parent or "") for item in official.values()])
    known = {*codes_of(plan.tiers), plan.root.code}
    kept = {code: now.geometry[now.index(code)] for code in official if code in known} if now else {}
    return replace(plan, given={**plan.given, **kept}, official=frozenset(kept))


def with_cells(plan: Plan, seats: Sequence[Seat]) -> Plan:
    """The plan with named cells added to the level whose cells are otherwise made by number."""
    tiers = list(plan.tiers)
    for number, tier in enumerate(tiers[1:], 1):
        above = {seat.code for seat in tiers[number - 1].seats}
        added = tuple(seat for seat in seats if seat.parent in above)
        if tier.cells and added:
            tiers[number] = replace(tier, seats=(*tier.seats, *added))
    return replace(plan, tiers=tuple(tiers))


def plan_of(now: Divisions) -> Plan:
    """A plan that makes the same tree again: every division by name, its size as it is now."""
    areas = areas_km2(now.geometry)
    tiers = []
    for level in range(1, len(now.level_names)):
        at_level = [int(position) for position in now.at_level(level)]
        rows = [(now.items[position], float(areas[position])) for position in at_level]
        seats = [Seat(item.code, item.name, item.parent or "", item.seat, None, area) for item, area in rows]
        tiers.append(Tier(tuple(seats)))
    levels = tuple(zip(now.level_names, now.level_words, strict=True))
    return Plan(now.root, now.geometry[0], tuple(tiers), levels, {})


def _from_source(root: Path, place: PlaceRow) -> Plan:
    problems: list[str] = []
    file = read_yaml(root / "source", "build.yaml", BuildFile, problems)
    if file is None or problems:
        raise PackProblem(problems)
    if len(file.tiers) != len(place.levels) - 1:
        text = f"tiers 有 {len(file.tiers)} 级，place.yaml 的 levels 有 {len(place.levels)} 级，应恰好少 1 级(最上级)"
        raise PackProblem([f"{shown(root / 'source' / 'build.yaml')}:1: {text}"])
    outline = read_vector(root / "source" / file.outline)[0].geometry if file.outline else None
    given: dict[str, BaseGeometry] = {}
    places: Places = {}
    tiers = []
    for tier in file.tiers:
        if tier.seats:
            tiers.append(Tier(_seats(root / "source" / tier.seats, places, problems)))
        elif tier.outlines:
            tiers.append(Tier(_outlined(root / "source" / tier.outlines, given)))
        else:
            tiers.append(Tier((), tier.cells, tier.cell_name))
    if problems:
        raise PackProblem(problems)
    return Plan(Division(place.code, place.name, 0, None), outline, tuple(tiers), level_pairs(place), given)


def _outlined(path: Path, given: dict[str, BaseGeometry]) -> tuple[Seat, ...]:
    seats = []
    for feature in read_vector(path):
        row = feature.properties
        seats.append(Seat(str(row["code"]), str(row["name"]), str(row["parent"])))
        if feature.geometry is not None:
            given[str(row["code"])] = feature.geometry
    return tuple(seats)


def _seats(path: Path, places: Places, problems: list[str]) -> tuple[Seat, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = [{key: _number(row.get(key) or "") for key in ("lon", "lat", "area_km2", "share")} for row in rows]
    for line, values in enumerate(numbers, 2):
        bad = [key for key, value in values.items() if value is not None and not math.isfinite(value)]
        problems += [f"{shown(path)}:{line}: {key} 应为数字或空" for key in bad]
    found = list(zip(rows, numbers, strict=True))
    for row, values in found:
        if values["lon"] is not None and values["lat"] is not None:
            places[row["code"]] = (values["lon"], values["lat"])
    return tuple(_seat(row, values, places) for row, values in found)


def _seat(row: dict[str, str], values: dict[str, float | None], places: Places) -> Seat:
    near = places.get(row.get("near") or "")
    place = places.get(row["code"])
    return Seat(row["code"], row["name"], row["parent"], place, values["area_km2"], values["share"], near)


def _number(text: str) -> float | None:
    """The number; None when empty; nan when it is no number."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return math.nan


def codes_of(tiers: Iterable[Tier]) -> dict[str, Seat]:
    """Every named division of a plan by code."""
    return {seat.code: seat for tier in tiers for seat in tier.seats}
