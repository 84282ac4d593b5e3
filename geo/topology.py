"""The slow and thorough check of borders: children fill their parent, siblings do not overlap."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.divisions import Divisions
from geo.plane import areas_km2

TOLERANCE_M2 = 100.0
M2_PER_KM2 = 1e6
# GEOS' reasons, the more special first.
FAULTS = (("Ring Self-intersection", "边线碰到自己"), ("Self-intersection", "边线自相交"),
          ("Hole lies outside", "洞在面外"),
          ("Nested", "面或洞互相套着"), ("Interior is disconnected", "洞把面割断"), ("Too few points", "点太少"),
          ("Invalid Coordinate", "坐标不是数"), ("Duplicate Rings", "同一条边线有两遍"))


def check_topology(divisions: Divisions, tolerance_m2: float = TOLERANCE_M2) -> list[str]:
    """Every gap and overlap, one sentence each, naming the division and the reason.

    Args:
        divisions: the tree, lon/lat.
        tolerance_m2: areas up to this are digitizing noise, not problems.

    Returns:
        Sentences; empty when children's unions equal their parents and siblings do not overlap.
    """
    found: list[str] = []
    shapes = np.array(divisions.geometry, object)
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    if len(broken):
        return [f"{_called(divisions, i)}: 边界无效({fault(shapes[i])})" for i in broken.tolist()]
    for position in range(len(divisions)):
        children = np.flatnonzero(divisions.parent == position)
        if len(children):
            found += _overlaps(divisions, shapes, children, tolerance_m2)
            found += _mismatch(divisions, shapes, position, children, tolerance_m2)
    return found


def fault(shape: BaseGeometry) -> str:
    """What is wrong with a shape and where, '' for a sound one: GEOS' reason, in words, with lon/lat of the place."""
    said = str(shapely.is_valid_reason(shape))
    if said == "Valid Geometry":
        return ""
    reason, _, rest = said.partition("[")
    place = rest.rstrip("]").split()[:2]
    where = f"，在 {'，'.join(f'{float(part):.5f}' for part in place)} 附近" if len(place) == 2 else ""
    word = next((word for sign, word in FAULTS if sign in reason), "")
    return f"{reason.strip()}：{word}{where}" if word else f"{reason.strip()}{where}"


def _called(divisions: Divisions, position: int) -> str:
    item = divisions.items[int(position)]
    return f"区划 {item.code} {item.name}"


def _overlaps(divisions: Divisions, shapes: np.ndarray, children: np.ndarray,
              tolerance_m2: float) -> list[str]:
    own = shapes[children]
    first, second = shapely.STRtree(own).query(own, predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    common = areas_km2(shapely.intersection(own[first], own[second])) * M2_PER_KM2
    found = []
    for i in np.flatnonzero(common > tolerance_m2):
        other = _called(divisions, children[second[i]])
        text = f"与 {other} 重叠 {common[i]:.0f} m²，上限 {tolerance_m2:.0f} m²"
        found.append(f"{_called(divisions, children[first[i]])}: {text}")
    return found


def _mismatch(divisions: Divisions, shapes: np.ndarray, position: int,
              children: np.ndarray, tolerance_m2: float) -> list[str]:
    parent: BaseGeometry = shapes[position]
    union = shapely.union_all(shapes[children])
    gap, = areas_km2([shapely.difference(parent, union)]) * M2_PER_KM2
    found = []
    if gap > tolerance_m2:
        found.append(f"{_called(divisions, position)}: 下级没有占满，空缺 {gap:.0f} m²，上限 {tolerance_m2:.0f} m²")
    over = areas_km2(shapely.difference(shapes[children], parent)) * M2_PER_KM2
    for i in np.flatnonzero(over > tolerance_m2):
        text = f"超出上级 {_called(divisions, position)} 的范围 {over[i]:.0f} m²，上限 {tolerance_m2:.0f} m²"
        found.append(f"{_called(divisions, children[i])}: {text}")
    return found
