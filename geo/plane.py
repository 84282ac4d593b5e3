"""A local plane for a small piece of the earth: degrees stretched so that a unit is 1 km both ways (within 1 %)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

FloatArray = npt.NDArray[np.float64]
SEMI_MAJOR_KM = 6378.137
FLATNESS = 0.00669438002290


def km_per_degree(lat: float) -> tuple[float, float]:
    """(km per degree of longitude, km per degree of latitude) on the CGCS2000 ellipsoid at a latitude in degrees."""
    phi = np.radians(lat)
    root = np.sqrt(1 - FLATNESS * np.sin(phi) ** 2)
    east = np.radians(1) * SEMI_MAJOR_KM * np.cos(phi) / root
    north = np.radians(1) * SEMI_MAJOR_KM * (1 - FLATNESS) / root**3
    return float(east), float(north)


def areas_km2(shapes: Any) -> FloatArray:
    """Areas in km² of lon/lat shapes, each with the scale of its own middle latitude; empty shapes have 0."""
    array = np.asarray(shapes, object)
    plain = shapely.area(array)
    bounds = shapely.bounds(array)
    middle = np.radians(np.nan_to_num((bounds[:, 1] + bounds[:, 3]) / 2))
    root = np.sqrt(1 - FLATNESS * np.sin(middle) ** 2)
    scale = np.radians(1) ** 2 * SEMI_MAJOR_KM**2 * (1 - FLATNESS) * np.cos(middle) / root**4
    return np.asarray(plain * scale, np.float64)


class Plane:
    """Lon/lat ⇄ km in the plane around one point; affine, so straight stays straight and topology is kept."""

    def __init__(self, lon: float, lat: float):
        self.centre = np.array([lon, lat])
        self.scale = np.array(km_per_degree(lat))

    @classmethod
    def around(cls, shape: BaseGeometry) -> Plane:
        """The plane around the middle of a shape's box."""
        west, south, east, north = shapely.bounds(shape)
        return cls((west + east) / 2, (south + north) / 2)

    def to_km(self, points: Any) -> FloatArray:
        """(n, 2) lon/lat → (n, 2) km."""
        return np.asarray((np.asarray(points, np.float64) - self.centre) * self.scale, np.float64)

    def to_degrees(self, points: Any) -> FloatArray:
        """(n, 2) km → (n, 2) lon/lat."""
        return np.asarray(np.asarray(points, np.float64) / self.scale + self.centre, np.float64)

    def shape_to_km(self, shape: BaseGeometry) -> BaseGeometry:
        """A lon/lat shape in km."""
        return shapely.transform(shape, self.to_km)

    def shape_to_degrees(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape in km back in lon/lat."""
        return shapely.transform(shape, self.to_degrees)
