"""In which division a record lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import shape

from data.pack import Pack
from data.records import Row
from data.registry import Registry
from geo.divisions import Divisions


def codes_of(kind: str, rows: Sequence[Row], divisions: Divisions, registry: Registry, layer: str = "") -> list[str]:
    """Code of the deepest division that holds each row, '' where unknown or outside.

    Observations lie where their station of the `layer` ('' = any) stands; events at their coordinates, else in the
    division they name; indicators in the division they are about; assets at their point or the middle of their
    geometry, else in the division their properties name; warnings in the whole place.
    """
    if kind == "observation":
        known = registry.stations(layer)
        return [found.code if (found := known.get(row["station"])) else "" for row in rows]
    if kind == "indicator":
        return [row["division"] for row in rows]
    if kind == "warning":
        return [divisions.root.code] * len(rows)
    points = [_point(row) for row in rows]
    codes = registry.codes([point[0] for point in points], [point[1] for point in points])
    return [code or _named(row, points[i], divisions) for i, (row, code) in enumerate(zip(rows, codes, strict=True))]


def register(assets: Iterable[Row], pack: Pack, registry: Registry) -> None:
    """Takes over the assets that history holds, where they lie by today's borders; none of feeds that are no more."""
    rows = sorted((row for row in assets if row["feed"] in pack.feeds), key=lambda row: int(row["seq"]))
    for row, code in zip(rows, codes_of("asset", rows, pack.divisions, registry), strict=True):
        row["code"] = code
    registry.add(rows)


def _point(row: Row) -> tuple[float | None, float | None]:
    if row["lon"] is not None and row["lat"] is not None:
        return row["lon"], row["lat"]
    if not row.get("geometry"):
        return None, None
    try:
        middle = shape(row["geometry"]).representative_point()
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError):
        return None, None
    return (None, None) if middle.is_empty else (middle.x, middle.y)


def _named(row: Row, point: tuple[float | None, float | None], divisions: Divisions) -> str:
    """The division that the record names; not for an event whose coordinates lie outside: those two disagree."""
    if "division" in row:
        named: Any = row["division"] if point[0] is None else None
    else:
        properties = row["properties"]
        named = properties.get("division") if isinstance(properties, dict) else None
    return named if isinstance(named, str) and named in divisions else ""
