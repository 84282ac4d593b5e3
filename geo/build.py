"""Derives 示意 borders: a place divided among its divisions, level by level, official borders kept as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo.coverage import exact
from geo.divide import Seat, apportion, divide, even_cells, seed_of
from geo.divisions import Division, Divisions
from geo.plane import areas_km2

GRID_DEG = 1e-5
FINE_GRID_DEG = 1e-6
NOTHING = MultiPolygon()


@dataclass(frozen=True)
class Tier:
    """One level below the root: its divisions by name, or a number of cells to make, or both.

    Attributes:
        seats: the divisions of the level.
        cells: how many cells to make inside the divisions above, by area; those with named children get none.
        cell_name: name of a cell; `{parent}` and `{n}` are filled in.
    """

    seats: tuple[Seat, ...] = ()
    cells: int = 0
    cell_name: str = "{parent}-{n:03d}"


@dataclass(frozen=True)
class Plan:
    """Everything a build needs.

    Attributes:
        root: the whole place. outline: its border, None when it is the union of the given ones.
        tiers: the levels below, from the top. levels: (key, word) of all levels, the root's first.
        given: borders that are known, by code; official: which of them replace 示意 borders.
    """

    root: Division
    outline: BaseGeometry | None
    tiers: tuple[Tier, ...]
    levels: tuple[tuple[str, str], ...]
    given: Mapping[str, BaseGeometry]
    official: frozenset[str] = frozenset()


class CannotBuild(ValueError):
    """The plan has no solution; the message names the division."""


def build(plan: Plan) -> Divisions:
    """The tree with borders: no gap, no overlap, every parent the exact union of its children.

    Raises:
        CannotBuild: a division finds no room, or has no border and no neighbours to take it from.
    """
    grid = FINE_GRID_DEG if plan.official else GRID_DEG
    fixed, reserved = _known(plan)
    outline = fixed.get(plan.root.code, plan.outline)
    if outline is None:
        raise CannotBuild(f"{plan.root.code} {plan.root.name}: 没有边界，也无法由下级合并得到")
    held = reserved.get(plan.root.code)
    outline = outline if held is None or plan.root.code in fixed else shapely.union_all([outline, held])
    shapes = {plan.root.code: shapely.set_precision(outline, grid)}
    items = {plan.root.code: plan.root}
    below = _points_below(plan)
    for level, tier in enumerate(plan.tiers, 1):
        for code in [code for code, item in items.items() if item.level == level - 1] if tier.seats else []:
            own = [replace(seat, also=below.get(seat.code, ())) for seat in tier.seats if seat.parent == code]
            cells = _share_out(shapes[code], own, fixed, reserved, grid)
            for seat, cell in zip(own, cells, strict=True):
                shapes[seat.code] = cell
                items[seat.code] = Division(seat.code, seat.name, level, code, seat.code in plan.official, seat.point)
        if tier.cells:
            _add_cells(tier, level, items, shapes, grid)
    return _assemble(plan, items, shapes, grid)


def _points_below(plan: Plan) -> dict[str, tuple[tuple[float, float], ...]]:
    """Known places of the children of each division: they must lie inside it."""
    found: dict[str, tuple[tuple[float, float], ...]] = {}
    for tier in plan.tiers:
        for seat in tier.seats:
            if seat.point is not None:
                found[seat.parent] = (*found.get(seat.parent, ()), seat.point)
    return found


def _known(plan: Plan) -> tuple[dict[str, BaseGeometry], dict[str, BaseGeometry]]:
    """Borders that are settled (given, or all children settled), and what must lie inside each division."""
    children: dict[str, list[str]] = {}
    for tier in plan.tiers:
        for seat in tier.seats:
            children.setdefault(seat.parent, []).append(seat.code)
    given = _yielding(plan)
    fixed, reserved = dict(given), dict(given)
    order = [seat.code for tier in reversed(plan.tiers) for seat in tier.seats] + [plan.root.code]
    for code in order:
        below = children.get(code, [])
        if code in fixed or not below:
            continue
        parts = [reserved[child] for child in below if child in reserved]
        if parts:
            reserved[code] = shapely.union_all(parts)
        if all(child in fixed for child in below):
            fixed[code] = reserved[code]
    return fixed, reserved


def _yielding(plan: Plan) -> dict[str, BaseGeometry]:
    """Given borders; those that are not official give way to official ones of their level."""
    given = dict(plan.given)
    for tier in plan.tiers:
        codes = [seat.code for seat in tier.seats if seat.code in given]
        official = [given[code] for code in codes if code in plan.official]
        for code in codes if official else []:
            if code not in plan.official:
                given[code] = shapely.difference(given[code], shapely.union_all(official))
    return given


def _share_out(shape: BaseGeometry, seats: Sequence[Seat], fixed: Mapping[str, BaseGeometry],
               reserved: Mapping[str, BaseGeometry], grid: float) -> list[BaseGeometry]:
    """Borders of the children of one shape: settled ones kept, the rest divided among the others."""
    if not seats:
        return []
    settled = [fixed[seat.code] for seat in seats if seat.code in fixed]
    free = [seat for seat in seats if seat.code not in fixed]
    rest = shapely.difference(shape, shapely.union_all(settled)) if settled else shape
    if free and float(areas_km2([rest])[0]) <= 0:
        raise CannotBuild(f"{free[0].code} {free[0].name}: 上级范围已被其他区划占满，没有位置")
    derived = dict(zip((seat.code for seat in free), divide(rest, free, grid) if free else [], strict=True))
    held = {seat.code: reserved[seat.code] for seat in free if seat.code in reserved}
    for code, cell in derived.items() if held else []:
        others = shapely.union_all([part for owner, part in held.items() if owner != code])
        derived[code] = shapely.union_all([shapely.difference(cell, others), held.get(code, NOTHING)])
    wanted = [fixed[seat.code] if seat.code in fixed else derived[seat.code] for seat in seats]
    return exact(wanted, grid, shape) if settled or held else wanted


def _add_cells(tier: Tier, level: int, items: dict[str, Division], shapes: dict[str, BaseGeometry],
               grid: float) -> None:
    above = [code for code, item in items.items() if item.level == level - 1]
    named = {seat.parent for seat in tier.seats}
    numbers = apportion(areas_km2([shapes[code] for code in above]), tier.cells)
    for code, number in zip(above, numbers, strict=True):
        if code in named:
            continue
        for n, cell in enumerate(even_cells(shapes[code], int(number), seed_of(code), grid), 1):
            name = tier.cell_name.format(parent=items[code].name, n=n)
            items[f"{code}{n:03d}"] = Division(f"{code}{n:03d}", name, level, code)
            shapes[f"{code}{n:03d}"] = cell


def _assemble(plan: Plan, items: dict[str, Division], shapes: dict[str, BaseGeometry], grid: float) -> Divisions:
    """One exact coverage of the deepest divisions, and every parent the union of its children."""
    parents = {item.parent for item in items.values()}
    leaves = [code for code in items if code not in parents]
    final = dict(zip(leaves, exact([shapes[code] for code in leaves], grid, shapes[plan.root.code]), strict=True))
    empty = next((code for code in leaves if shapely.is_empty(final[code])), None)
    if empty is not None:
        raise CannotBuild(f"{empty} {items[empty].name}: 没有分到面积，请检查驻地坐标或面积")
    for code in sorted(items, key=lambda code: -items[code].level):
        if code not in final:
            final[code] = shapely.union_all([final[child] for child in items if items[child].parent == code])
    shaped = [shapely.normalize(final[code]) for code in items]
    settled = [_with_seat(item, final[item.code]) for item in items.values()]
    return Divisions(settled, shaped, plan.levels)


def _with_seat(item: Division, shape: BaseGeometry) -> Division:
    """A seat outside the division's border is dropped: one of the two is wrong, and the border rules."""
    if item.seat is None or shapely.intersects_xy(shape, *np.asarray(item.seat)):
        return item
    return replace(item, seat=None)
