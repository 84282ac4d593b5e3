"""Features of a file → the tree of divisions, with every problem named by division and reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from data.vectorfiles import Feature
from geo.divisions import Division, Divisions
from geo.topology import fault

CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,31}")
MOST_NAME = 60
EDGE_TOLERANCE_DEG = 1e-4
Found = list[tuple[str, str]]


def parse_divisions(features: Sequence[Feature], levels: Sequence[tuple[str, str]]) -> tuple[Divisions | None, Found]:
    """Builds the tree.

    Args:
        features: properties code, name, level, parent (null for the root), official, seat_lon, seat_lat.
        levels: (key, word) of every level, the whole place first.

    Returns:
        The tree, or None when anything is wrong; and (code, what is wrong and what is expected) per problem.
    """
    found: Found = []
    items: list[Division] = []
    shapes: list[BaseGeometry] = []
    for number, feature in enumerate(features, 1):
        item, reason = _division(feature.properties, len(levels))
        if item is None:
            code = str(feature.properties.get("code", ""))
            found.append((code, f"区划 {code or f'第 {number} 个'}: {reason}"))
        elif feature.geometry is None:
            found.append((item.code, f"{_called(item)}: 没有边界，应为面"))
        else:
            items.append(item)
            shapes.append(feature.geometry)
    found += _tree_problems(items)
    if not found:
        found += _shape_problems(items, shapes)
    return (None, found) if found else (Divisions(items, shapes, levels), [])


def _division(row: dict[str, Any], depth: int) -> tuple[Division | None, str]:
    code, name, level, parent = row.get("code"), row.get("name"), row.get("level"), row.get("parent") or None
    if not isinstance(code, str) or not CODE.fullmatch(code):
        return None, f"code {code!r} 应为文字(12 位数字，网格 15 位，或自定的字母数字)"
    if not isinstance(name, str) or not name.strip():
        return None, "缺少 name，应为名称"
    if len(name) > MOST_NAME or not name.isprintable():
        return None, f"name {name!r:.60} 含有控制字符、换行或转向符，或长于 {MOST_NAME} 字"
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level < depth:
        return None, f"level {level!r} 应为 0 到 {depth - 1} 的整数"
    if parent is not None and not isinstance(parent, str):
        return None, f"parent {parent!r} 应为上级的 code(文字)"
    seat = (row.get("seat_lon"), row.get("seat_lat"))
    if seat == (None, None):
        return Division(code, name, level, parent, bool(row.get("official"))), ""
    if not all(isinstance(part, int | float) and np.isfinite(part) for part in seat):
        return None, "seat_lon、seat_lat 应为两个数字，或都为空"
    return Division(code, name, level, parent, bool(row.get("official")), seat), ""  # type: ignore[arg-type]


def _called(item: Division) -> str:
    return f"区划 {item.code} {item.name}"


def _tree_problems(items: Sequence[Division]) -> Found:
    found: Found = []
    by_code: dict[str, Division] = {}
    for item in items:
        if item.code in by_code:
            found.append((item.code, f"{_called(item)}: 代码与 {by_code[item.code].name} 重复，每个代码只能用一次"))
        by_code.setdefault(item.code, item)
    roots = [item for item in items if item.level == 0]
    if len(roots) != 1:
        found.append(("", f"level 0 的区划有 {len(roots)} 个，应恰好有 1 个(整个地方)"))
    for item in items:
        above = by_code.get(item.parent) if item.parent else None
        if item.level == 0 and item.parent:
            found.append((item.code, f"{_called(item)}: level 0 不应有上级，parent 应为 null"))
        elif item.level > 0 and above is None:
            found.append((item.code, f"{_called(item)}: 上级 {item.parent!r} 不存在"))
        elif above is not None and above.level != item.level - 1:
            text = f"上级 {above.code} 的 level 是 {above.level}，应为 {item.level - 1}"
            found.append((item.code, f"{_called(item)}: {text}"))
    return found


def _shape_problems(items: Sequence[Division], shapes: Sequence[BaseGeometry]) -> Found:
    array = np.array(shapes, object)
    areal = np.isin(shapely.get_type_id(array), (3, 6)) & ~shapely.is_empty(array)
    valid = shapely.is_valid(array)
    root = array[next(i for i, item in enumerate(items) if item.level == 0)]
    if not (areal.all() and valid.all()):
        return [
            (item.code, f"{_called(item)}: {_fault(shape) if ok else '边界应为面(Polygon)'}")
            for item, shape, ok, good in zip(items, shapes, areal, valid, strict=True) if not (ok and good)
        ]
    box = root.bounds
    if max(abs(box[0]), abs(box[2])) > 180 or max(abs(box[1]), abs(box[3])) > 90:
        return [("", "坐标不是经纬度，应为 CGCS2000/WGS 84；其他坐标系请用 ./yiping place import --crs 转换")]
    around = shapely.buffer(root, EDGE_TOLERANCE_DEG)
    shapely.prepare(around)
    inside = shapely.covers(around, shapely.point_on_surface(array))
    bounds = shapely.bounds(array)
    limits = np.array(around.bounds)
    inside &= (bounds[:, :2] >= limits[:2]).all(axis=1) & (bounds[:, 2:] <= limits[2:]).all(axis=1)
    return [
        (item.code, f"{_called(item)}: 超出整个地方的范围，请检查坐标")
        for item, ok in zip(items, inside, strict=True) if not ok
    ]


def _fault(shape: BaseGeometry) -> str:
    return f"边界无效({fault(shape)})"
