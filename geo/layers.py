"""Divisions as GeoJSON bytes: for the map (coarse, immutable) and for files (exact)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from geo.divisions import Division, Divisions

# Changes with what `divisions_geojson` tells of a division.
FORM = b"2"
HEAD, TAIL = b'{"type":"FeatureCollection","features":[\n', b"\n]}\n"


def simplified(shapes: Sequence[BaseGeometry], tolerance_deg: float) -> list[BaseGeometry]:
    """Fewer vertices for the map; borders shared by two shapes stay shared, so no gap opens.

    Args:
        shapes: an exact coverage (the divisions of one level).
        tolerance_deg: about the side of the smallest triangle that is kept.
    """
    array = np.array(shapes, object)
    if tolerance_deg <= 0 or not len(array):
        return list(array)
    return list(shapely.coverage_simplify(array, tolerance_deg))


def divisions_geojson(divisions: Divisions, positions: Iterable[int], digits: int = 5,
                      tolerance_deg: float = 0.0) -> bytes:
    """FeatureCollection of some divisions of one level, geometry and names only.

    Args:
        divisions: the tree.
        positions: which of them; properties are code, name, level, parent, above (all above the parent, the nearest
            first), official and label_at, the point [lon, lat] where a name has most room.
        digits: decimals of the coordinates in degrees.
        tolerance_deg: simplification; 0 = none.
    """
    chosen = [int(position) for position in positions]
    shapes = simplified([divisions.geometry[position] for position in chosen], tolerance_deg)
    items = [divisions.items[position] for position in chosen]
    rows = ({"code": item.code, "name": item.name, "level": item.level, "parent": item.parent,
             "above": list(divisions.chain(item.code)[2:]), "official": item.official, "label_at": at}
            for item, at in zip(items, _roomiest(shapes), strict=True))
    return feature_collection(zip(rows, shapes, strict=True), digits)


def _roomiest(shapes: Sequence[BaseGeometry]) -> list[list[float]]:
    """Center [lon, lat] of the largest circle inside each shape, to about a hundredth of its width."""
    array = np.array(shapes, object)
    if not len(array):
        return []
    bounds = shapely.bounds(array)
    tolerance = np.maximum(bounds[:, 2] - bounds[:, 0], 1e-6) / 100
    centers = shapely.get_point(shapely.maximum_inscribed_circle(array, tolerance), 0)
    found: list[list[float]] = shapely.get_coordinates(centers).round(6).tolist()
    return found


def divisions_file(divisions: Divisions, digits: int = 6) -> bytes:
    """The whole tree as `divisions.geojson` of a place pack: one division a line, seats included."""
    return feature_collection(zip(map(_file_row, divisions.items), divisions.geometry, strict=True), digits)


def feature_collection(pairs: Iterable[tuple[dict[str, Any], BaseGeometry]], digits: int) -> bytes:
    """(properties, shape) pairs as GeoJSON, one feature a line."""
    lines = [
        orjson.dumps({"type": "Feature", "properties": row, "geometry": geometry_json(shape, digits)})
        for row, shape in pairs
    ]
    return HEAD + b",\n".join(lines) + TAIL


def geometry_json(shape: BaseGeometry, digits: int) -> dict[str, Any]:
    """A shape as GeoJSON with rounded coordinates; rings that rounding would break are left unrounded."""
    rounded = shapely.transform(shape, lambda points: points.round(digits))
    chosen = rounded if shapely.is_valid(rounded) else shape
    found: dict[str, Any] = orjson.loads(shapely.to_geojson(chosen))
    return found


def _file_row(item: Division) -> dict[str, Any]:
    row = {"code": item.code, "name": item.name, "level": item.level, "parent": item.parent, "official": item.official}
    if item.seat is not None:
        row |= {"seat_lon": item.seat[0], "seat_lat": item.seat[1]}
    return row
