"""How densely points lie: a Gaussian kernel of a stated bandwidth in meters, and round limits for drawing it.

Silverman, Density Estimation (1986), §4.2: f(x) = Σ exp(−d²/2h²) / 2πh², here per km² and not divided by the number of
points, so that it says how many lie there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.breaks import roundest

BANDWIDTHS_M = (100, 150, 200, 300, 500, 800, 1000, 1500, 2000, 3000, 5000, 8000)
# Bandwidth: a fortieth of the side of a square as large as the division; hot spots stay apart, noise does not.
PARTS, SHARES = 40, (0.1, 0.25, 0.45, 0.7)
REACH, MOST_CELLS = 3.0, 2_000_000
LAT_M, LON_M, EQUATOR_M = 110_574.0, 111_320.0, 40_075_016.686
Spot = tuple[float, float, float]


@dataclass(frozen=True)
class Density:
    """Points per km² as they are drawn: bandwidth in meters, ascending limits of the classes (() = nothing to draw)."""

    bandwidth_m: int
    limits: tuple[float, ...]


def bandwidth_m(area_km2: float) -> int:
    """The round bandwidth for a division of so many km²."""
    wanted = 1000 * math.sqrt(max(area_km2, 0.0)) / PARTS
    return min(BANDWIDTHS_M, key=lambda one: abs(math.log(one / max(wanted, 1.0))))


def zoom_for(width_m: float, square_px: float, lat: float) -> int:
    """The map's zoom at which points joined by squares of so many pixels lie within a quarter of the bandwidth."""
    return math.ceil(math.log2(4 * square_px * EQUATOR_M / 256 * math.cos(math.radians(lat)) / width_m))


def density_of(places: Sequence[Spot], area_km2: float) -> Density:
    """Bandwidth and limits for the points (lon and lat in degrees, how many) of a division of so many km²."""
    width = bandwidth_m(area_km2)
    top = peak(places, width)
    limits = sorted({roundest(0.8 * share * top, share * top) for share in SHARES}) if top > 0 else ()
    return Density(width, tuple(limits))


def peak(places: Sequence[Spot], width_m: float) -> float:
    """The greatest density in points per km², on a grid of half the bandwidth; 0 without points."""
    if not places:
        return 0.0
    points = np.array(places, float)
    middle = math.cos(math.radians(float(points[:, 1].mean())))
    meters = (points - points.min(axis=0))[:, :2] * (LON_M * middle, LAT_M)
    step = max(width_m / 2, float(np.sqrt(np.prod(meters.max(axis=0) + 1.0) / MOST_CELLS)))
    cell = np.round(meters / step).astype(int)
    counts = np.zeros(tuple(cell.max(axis=0) + 1))
    np.add.at(counts, (cell[:, 0], cell[:, 1]), points[:, 2])
    reach = math.ceil(REACH * width_m / step)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width_m) ** 2)
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel, "full")
    return float(counts.max()) * 1e6 / (2 * math.pi * width_m ** 2)
