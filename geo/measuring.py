"""Lengths and areas on the CGCS2000 ellipsoid by geodesics (Karney 2013, doi:10.1007/s00190-012-0578-z)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

Points = Sequence[tuple[float, float]]
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
