"""A common shift of many points against where they stand: the sign of a Chinese map's own coordinate system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.crs import Pair, bd09_to_gcj02, gcj02_to_wgs84
from geo.plane import km_per_degree

FEWEST = 5
NEAR_M = 50.0
SHARE = 0.8
LEAST_M, MOST_M = 100.0, 700.0
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shift:
    """`system`: GCJ-02 or BD-09 where its inverse brings the points home, else ''; `metres`: length of the median."""

    system: str
    metres: float


def common_shift(known: Pair, told: Pair) -> Shift | None:
    """The shift by which at least 80 % of the points moved together, None where there is none.

    Args:
        known: (n,) lon and (n,) lat in degrees, EPSG:4490, where the points stand.
        told: (n,) lon and (n,) lat of the same points as told now.

    Returns:
        None for fewer than five points, when 80 % lie within 50 m of where they stood, or when they moved each its own
        way. Any shift of 100–700 m counts; a longer one only where GCJ-02's or BD-09's inverse undoes it.
    """
    east, north = _metres(known, told)
    if len(east) < FEWEST or _share(np.hypot(east, north) <= NEAR_M):
        return None
    metres = float(np.hypot(np.median(east), np.median(north)))
    for system, back in (("GCJ-02", gcj02_to_wgs84(*told)), ("BD-09", gcj02_to_wgs84(*bd09_to_gcj02(*told)))):
        if _share(np.hypot(*_metres(known, back)) <= NEAR_M):
            return Shift(system, metres)
    together = _share(np.hypot(east - np.median(east), north - np.median(north)) <= NEAR_M)
    return Shift("", metres) if together and LEAST_M <= metres <= MOST_M else None


def _metres(known: Pair, told: Pair) -> Pair:
    lat = np.asarray(known[1], np.float64)
    wide, high = km_per_degree(float(lat.mean())) if len(lat) else (0.0, 0.0)
    return (np.asarray(told[0]) - known[0]) * wide * 1000, (np.asarray(told[1]) - lat) * high * 1000


def _share(mask: Mask) -> bool:
    return bool(mask.mean() >= SHARE)
