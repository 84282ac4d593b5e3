"""The plane of azimuths and distances around a point, and the geodesics it is made of (GRS 80, lon/lat EPSG:4490)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Pair = tuple[float, float]


class Azimuthal:
    """The plane of azimuths and distances around a point: (lon, lat) ⇄ (east, north) in m, exact from the point."""

    def __init__(self, lon: float, lat: float) -> None:
        self._center = (lon, lat)

    def to_m(self, points: Any) -> FloatArray:
        """(n, 2) lon/lat → (n, 2) meters."""
        array = np.asarray(points, np.float64).reshape(-1, 2)
        azimuth, _, length = geod().inv(*same(self._center, len(array)), array[:, 0], array[:, 1])
        angle = np.radians(azimuth)
        return np.column_stack([length * np.sin(angle), length * np.cos(angle)])

    def to_degrees(self, points: Any) -> FloatArray:
        """(n, 2) meters → (n, 2) lon/lat."""
        array = np.asarray(points, np.float64).reshape(-1, 2)
        azimuth, length = np.degrees(np.arctan2(array[:, 0], array[:, 1])), np.hypot(array[:, 0], array[:, 1])
        lon, lat, _ = geod().fwd(*same(self._center, len(array)), azimuth, length)
        return np.column_stack([lon, lat])


def same(center: Pair, count: int) -> tuple[FloatArray, FloatArray]:
    """A point (lon, lat in degrees) as two columns of `count` rows."""
    return np.full(count, center[0]), np.full(count, center[1])


@lru_cache(maxsize=1)
def geod() -> Any:
    """Geodesics; pyproj is loaded only when something is measured."""
    from pyproj import Geod

    return Geod(ellps="GRS80")
