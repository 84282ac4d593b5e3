"""Distances and areas on the CGCS2000 ellipsoid (GRS 80; Karney 2013, by PROJ), exact to millimeters at any length."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from shapely.geometry.base import BaseGeometry

FloatArray = npt.NDArray[np.float64]
SEMI_MAJOR_M, INVERSE_FLATTENING = 6_378_137.0, 298.257222101


@lru_cache(maxsize=1)
def _ellipsoid() -> Any:
    # PROJ takes a tenth of a second to load: only who measures waits for it.
    from pyproj import Geod

    return Geod(a=SEMI_MAJOR_M, rf=INVERSE_FLATTENING)


def distances_m(lon: float, lat: float, lons: Any, lats: Any) -> FloatArray:
    """Lengths in m of the geodesics from one point to (n,) others, degrees of EPSG:4490; NaN where one has no place."""
    east, north = np.asarray(lons, np.float64), np.asarray(lats, np.float64)
    if not len(east):
        return np.zeros(0)
    found = _ellipsoid().inv(np.full(len(east), lon), np.full(len(east), lat), east, north)[2]
    return np.asarray(found, np.float64)


def area_km2(shape: BaseGeometry) -> float:
    """Area of a lon/lat (Multi)Polygon with geodesic edges, holes taken out; 0 for an empty one."""
    return abs(float(_ellipsoid().geometry_area_perimeter(_wound(shape))[0])) / 1e6 if not shape.is_empty else 0.0


def _wound(shape: BaseGeometry) -> BaseGeometry:
    """Rings in one sense, holes in the other: PROJ adds areas by their sign."""
    import shapely

    return shapely.orient_polygons(shape)
