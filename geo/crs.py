"""Coordinate systems of China: GCJ-02 and BD-09 (shifted), CGCS2000 and its Gauss-Krüger zones, WGS 84.

GCJ-02 follows the widely published formula (Krasovsky ellipsoid, a = 6378245 m); its inverse and that of BD-09 are
found by iteration to below 1e-9 degrees. CGCS2000 (EPSG:4490) and WGS 84 (EPSG:4326) differ by centimeters and are
taken as equal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Pair = tuple[FloatArray, FloatArray]
SEMI_MAJOR_M = 6378245.0
ECCENTRICITY2 = 0.00669342162296594323
BD_PI = np.pi * 3000.0 / 180.0
ROUNDS = 12
PLAIN = ("EPSG:4490", "EPSG:4326", "OGC:CRS84")
NAMES = {
    "WGS84": "EPSG:4326", "CGCS2000": "EPSG:4490",
    "GCJ02": "GCJ-02", "GCJ-02": "GCJ-02", "BD09": "BD-09", "BD-09": "BD-09",
}
CHINA = (72.004, 137.8347, 0.8293, 55.8271)


class UnknownCrs(ValueError):
    """A coordinate system nobody knows; the message says which are understood."""


def crs_name(text: str) -> str:
    """Canonical name: "GCJ-02", "BD-09" or "EPSG:n". Raises UnknownCrs."""
    plain = text.strip().upper().replace(" ", "").replace("_", "")
    found = NAMES.get(plain, plain if plain.startswith(("EPSG:", "OGC:")) else "")
    if found in ("GCJ-02", "BD-09", *PLAIN):
        return found
    if found:
        _transformer(found)
        return found
    raise UnknownCrs(f"不认识坐标系 {text!r}，应为 WGS84、CGCS2000、GCJ-02、BD-09 或 EPSG:4547 这样的编号")


def to_place(lon: Any, lat: Any, crs: str) -> Pair:
    """Coordinates of any known system → lon, lat of EPSG:4490.

    Args:
        lon: (n,) longitudes in degrees, or eastings in m for a projected system.
        lat: (n,) latitudes in degrees, or northings in m.
        crs: what `crs_name` understands.

    Raises:
        UnknownCrs: the system is not known.
    """
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    name = crs_name(crs)
    if name in PLAIN:
        return east, north
    if name == "GCJ-02":
        return gcj02_to_wgs84(east, north)
    if name == "BD-09":
        return gcj02_to_wgs84(*bd09_to_gcj02(east, north))
    x, y = _transformer(name).transform(east, north)
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def wgs84_to_gcj02(lon: Any, lat: Any) -> Pair:
    """WGS 84 → GCJ-02, degrees; points outside China are not shifted, as in the published formula."""
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    x, y = east - 105.0, north - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    up = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    up += (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    up += (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    over = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    over += (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    over += (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    phi = np.radians(north)
    magic = 1 - ECCENTRICITY2 * np.sin(phi) ** 2
    up = np.degrees(up / (SEMI_MAJOR_M * (1 - ECCENTRICITY2) / magic**1.5))
    over = np.degrees(over / (SEMI_MAJOR_M / np.sqrt(magic) * np.cos(phi)))
    inside = (east >= CHINA[0]) & (east <= CHINA[1]) & (north >= CHINA[2]) & (north <= CHINA[3])
    return east + np.where(inside, over, 0.0), north + np.where(inside, up, 0.0)


def gcj02_to_bd09(lon: Any, lat: Any) -> Pair:
    """GCJ-02 → BD-09, degrees."""
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    radius = np.hypot(east, north) + 0.00002 * np.sin(north * BD_PI)
    angle = np.arctan2(north, east) + 0.000003 * np.cos(east * BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def gcj02_to_wgs84(lon: Any, lat: Any) -> Pair:
    """GCJ-02 → WGS 84, degrees; the exact inverse to below 1e-9."""
    return _inverse(wgs84_to_gcj02, lon, lat)


def bd09_to_gcj02(lon: Any, lat: Any) -> Pair:
    """BD-09 → GCJ-02, degrees; the exact inverse to below 1e-9."""
    return _inverse(gcj02_to_bd09, lon, lat)


def _inverse(forward: Callable[[FloatArray, FloatArray], Pair], lon: Any, lat: Any) -> Pair:
    """Fixed-point iteration: the shifts change so slowly that each round gains about three digits."""
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    x, y = east, north
    for _ in range(ROUNDS):
        there_x, there_y = forward(x, y)
        x, y = x + (east - there_x), y + (north - there_y)
    return x, y


@lru_cache(maxsize=32)
def _transformer(name: str) -> Any:
    """A pyproj transformer to EPSG:4490; pyproj is loaded only when a projected system is met."""
    import pyproj
    from pyproj import network

    network.set_network_enabled(active=False)  # type: ignore[attr-defined]
    try:
        return pyproj.Transformer.from_crs(name, "EPSG:4490", always_xy=True)
    except pyproj.exceptions.CRSError as error:
        raise UnknownCrs(f"不认识坐标系 {name!r}，请核对 EPSG 编号") from error
