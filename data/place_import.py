"""Official borders from any usual file replace 示意 borders; levels below are derived anew. All or nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from data.errors import WrongInput
from data.packfiles import PackProblem
from data.place_source import codes_of, read_plan, with_cells
from data.vectorfiles import Feature, crs_of, read_vector
from geo.build import CannotBuild, Plan, build
from geo.crs import UnknownCrs, to_place
from geo.divide import Seat
from geo.divisions import Divisions
from geo.layers import divisions_file
from geo.plane import areas_km2
from geo.topology import check_topology, fault

CODE_FIELDS = ("code", "xzqdm", "adcode", "pac", "zldwdm", "区划代码", "行政区代码", "行政区划代码", "代码")
NAME_FIELDS = ("name", "xzqmc", "zldwmc", "名称", "区划名称", "行政区名称")
FAR_DEG = 0.5
SLACK_SHARE = 0.005
Borders = dict[str, BaseGeometry]


def build_place(root: Path) -> Divisions:
    """Derives the borders of a pack and writes `divisions.geojson`; official borders are kept.

    Raises:
        PackProblem: the sources are wrong, or a division finds no room; nothing is written.
    """
    return _write(root, read_plan(root))


def import_borders(root: Path, file: Path, crs: str = "", level: str = "") -> tuple[Divisions, int]:
    """Replaces the borders of the divisions in `file` and derives the rest anew.

    Args:
        root: the pack. file: GeoJSON, GeoPackage or Shapefile; features matched by code, else by name.
        crs: its coordinate system; empty = what the file says, CGCS2000 for GeoJSON.
        level: key, word or number of the level; empty = every level.

    Returns:
        The new tree and the number of borders replaced.

    Raises:
        WrongInput: every problem by division and reason; nothing is written.
    """
    plan = read_plan(root)
    features = read_vector(file)
    plan = with_cells(plan, _new_cells(plan, features))
    try:
        borders, problems = _matched(plan, features, crs or _told(file), _level(plan, level))
    except UnknownCrs as error:
        raise WrongInput(f"{file.name}: {error}") from error
    problems += _clashes(plan, borders)
    if not borders and not problems:
        problems.append("没有要素，无可导入")
    if problems:
        raise PackProblem([f"{file.name}: {text}" for text in problems])
    given = {**plan.given, **borders}
    official = plan.official | frozenset(borders)
    return _write(root, replace(plan, given=given, official=official)), len(borders)


def _write(root: Path, plan: Plan) -> Divisions:
    try:
        divisions = build(plan)
    except CannotBuild as error:
        raise PackProblem([f"{root.name}: {error}"]) from error
    problems = check_topology(divisions)
    if problems:
        raise PackProblem([f"{root.name}: {text}" for text in problems])
    draft = root / f".divisions.{os.getpid()}.tmp"
    draft.write_bytes(divisions_file(divisions, 6 if plan.official else 5))
    draft.replace(root / "divisions.geojson")
    return divisions


def _told(file: Path) -> str:
    """The coordinate system the file names itself. Raises WrongInput when it should and does not."""
    if file.suffix.lower() in (".geojson", ".json"):
        return "CGCS2000"
    said = crs_of(file)
    if not said.startswith("EPSG:"):
        raise WrongInput(f"{file.name}: 文件没有说明坐标系，请加 --crs(如 CGCS2000、GCJ-02、EPSG:4547)")
    return said


def _level(plan: Plan, text: str) -> int | None:
    if not text:
        return None
    for number, names in enumerate(plan.levels):
        if text in (*names, str(number)):
            return number
    words = "、".join(f"{key}({word})" for key, word in plan.levels)
    raise WrongInput(f"--level {text!r} 不存在，应为 {words}")


def _matched(plan: Plan, features: Sequence[Feature], crs: str, level: int | None) -> tuple[Borders, list[str]]:
    seats = _candidates(plan, level)
    by_name: dict[str, list[str]] = {}
    for code, name in seats.items():
        by_name.setdefault(name, []).append(code)
    home = shapely.union_all([shape for shape in (plan.outline, *plan.given.values()) if shape is not None])
    near = shapely.buffer(shapely.envelope(home), FAR_DEG)
    found: Borders = {}
    problems: list[str] = []
    for number, feature in enumerate(features, 1):
        code, name = _labels(feature.properties)
        target = code if code in seats else _only(by_name.get(name, []))
        label = f"区划 {target or code or '?'} {seats.get(target, name) or f'第 {number} 个要素'}"
        if not target:
            problems.append(f"{label}: 与本地区划的代码、名称都不匹配，请核对代码字段、名称和 --level")
        elif target in found:
            problems.append(f"{label}: 在文件中出现两次，每个区划只能有一个要素")
        else:
            shape, reason = _landed(feature.geometry, crs, near)
            problems += [f"{label}: {reason}"] if reason else []
            found |= {target: shape} if shape is not None else {}
    return found, problems


def _candidates(plan: Plan, level: int | None) -> dict[str, str]:
    """Code → name of the divisions that may be replaced."""
    tiers: dict[int, dict[str, str]] = {0: {plan.root.code: plan.root.name}}
    for number, tier in enumerate(plan.tiers, 1):
        tiers[number] = {seat.code: seat.name for seat in tier.seats}
    chosen = list(tiers) if level is None else [level]
    return {code: name for number in chosen for code, name in tiers[number].items()}


def _new_cells(plan: Plan, features: Sequence[Feature]) -> list[Seat]:
    """Official cells of a level whose cells are otherwise made by number: known by code = the parent's code + more."""
    known = codes_of(plan.tiers)
    found: dict[str, Seat] = {}
    for number, tier in enumerate(plan.tiers[1:], 1):
        above = {seat.code for seat in plan.tiers[number - 1].seats} if tier.cells else set()
        for code, name in (_labels(feature.properties) for feature in features):
            parent = next((code[:size] for size in range(len(code) - 1, 0, -1) if code[:size] in above), "")
            if parent and code not in known:
                found[code] = Seat(code, name or code, parent)
    return list(found.values())


def _labels(row: dict[str, Any]) -> tuple[str, str]:
    """(12-digit code or "", name) of a feature; shorter codes are filled up with zeros."""
    fields = {str(key).lower(): value for key, value in row.items()}
    code = next((fields[key] for key in CODE_FIELDS if fields.get(key) not in (None, "")), "")
    name = next((fields[key] for key in NAME_FIELDS if fields.get(key) not in (None, "")), "")
    text = str(int(code)) if isinstance(code, float) else str(code).strip()
    return (text.ljust(12, "0") if text.isdigit() and len(text) < 12 else text), str(name).strip()


def _only(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else ""


def _landed(shape: BaseGeometry | None, crs: str, near: BaseGeometry) -> tuple[BaseGeometry | None, str]:
    """The shape in EPSG:4490, or what is wrong with it."""
    if shape is None or shapely.is_empty(shape) or shapely.get_type_id(shape) not in (3, 6):
        return None, "边界应为面(Polygon 或 MultiPolygon)"
    if not shapely.is_valid(shape):
        return None, f"边界无效({fault(shape)})，请在制图软件中修复"
    flat = shapely.force_2d(shape)
    moved = shapely.transform(flat, lambda points: np.stack(to_place(points[:, 0], points[:, 1], crs), axis=1))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        return None, f"坐标不能按 {crs} 换算为经纬度，请核对 --crs"
    if not shapely.intersects(near, moved):
        west, south = shapely.get_coordinates(moved)[0]
        return None, f"换算后落在 {west:.3f},{south:.3f}，离本地太远，请核对 --crs"
    return moved, ""


def _clashes(plan: Plan, borders: Borders) -> list[str]:
    """Official siblings that overlap, official children that leave their official parent."""
    everything = {**{code: plan.given[code] for code in plan.official}, **borders}
    families: dict[str, list[Seat]] = {}
    for code, seat in sorted(codes_of(plan.tiers).items()):
        if code in everything:
            families.setdefault(seat.parent, []).append(seat)
    found: list[str] = []
    for parent, family in families.items():
        for one, other in combinations(family, 2):
            found += _overlap(one, other, everything)
        for seat in family if parent in everything else []:
            outside = float(areas_km2([shapely.difference(everything[seat.code], everything[parent])])[0])
            if outside > SLACK_SHARE * float(areas_km2([everything[seat.code]])[0]):
                found.append(f"区划 {seat.code} {seat.name}: 超出上级 {parent} 的正式边界 {outside:.3f} km²")
    return found


def _overlap(one: Seat, other: Seat, shapes: Borders) -> list[str]:
    common, first, second = areas_km2(
        [shapely.intersection(shapes[one.code], shapes[other.code]), shapes[one.code], shapes[other.code]])
    if common <= SLACK_SHARE * min(first, second):
        return []
    return [f"区划 {one.code} {one.name}: 与 区划 {other.code} {other.name} 重叠 {common:.3f} km²，相邻区划不应重叠"]
