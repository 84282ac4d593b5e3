"""Lengths and areas on the CGCS2000 ellipsoid by geodesics (Karney 2013, doi:10.1007/s00190-012-0578-z)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Points = Sequence[tuple[float, float]]
KINDS, MOST_POINTS = ("line", "area"), 200
SEMI_MAJOR_M, INVERSE_FLATTENING = 6378137.0, 298.257222101


def legs_m(points: Points) -> list[float]:
    """Length in m of each leg of a line of (lon, lat) in degrees, EPSG:4490; [] for fewer than two points."""
    if len(points) < 2:
        return []
    lons, lats = zip(*points, strict=True)
    return [float(leg) for leg in _geod().line_lengths(lons, lats)]


def length_m(points: Points) -> float:
    """Length in m of a line of (lon, lat) in degrees, EPSG:4490; 0 for fewer than two points."""
    return sum(legs_m(points))


def area_m2(ring: Points) -> float:
    """Area in m² inside a ring of (lon, lat) in degrees, closed or not, whichever way round; 0 below three points.

    Edges are geodesics. A ring that crosses itself has the difference of its parts: refuse it before.
    """
    if len(ring) < 3:
        return 0.0
    lons, lats = zip(*ring, strict=True)
    return abs(float(_geod().polygon_area_perimeter(lons, lats)[0]))


@lru_cache(maxsize=1)
def _geod() -> Any:
    """pyproj is loaded only when something is measured."""
    import pyproj

    return pyproj.Geod(a=SEMI_MAJOR_M, rf=INVERSE_FLATTENING)


@dataclass(frozen=True)
class Path:
    """What is measured. kind: line or area; points: (lon, lat) in degrees, EPSG:4490. `why`: what is wrong, or ''."""

    kind: str
    points: tuple[tuple[float, float], ...] = ()
    why: str = ""


def parse(text: str) -> Path:
    """A path as the address writes it, `line:LON,LAT;LON,LAT…` or `area:…`; '' = a line without points.

    What cannot be read is a path without points whose `why` says so: an address is read kindly.
    """
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        return Path("line", (), "量测的写法应为 line: 或 area: 加经纬度" if text else "")
    pieces = [piece for piece in rest.split(";") if piece]
    if len(pieces) > MOST_POINTS:
        return Path(kind, (), f"点太多，最多 {MOST_POINTS} 个")
    points = [_point(piece) for piece in pieces]
    if None in points:
        return Path(kind, (), f"{pieces[points.index(None)]:.40} 不是一对经纬度；应像 115.41234,25.95123")
    return Path(kind, tuple(point for point in points if point is not None))


def _point(text: str) -> tuple[float, float] | None:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        return None
    # A comparison with NaN is false.
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 85 else None


def crosses_itself(ring: Points) -> bool:
    """True for a ring whose edges cross, so that it has no one inside."""
    import shapely

    return len(ring) > 3 and not shapely.is_valid(shapely.Polygon(ring))
