"""Cells around sites: power diagrams with wanted areas, and a smooth bend that makes their borders look like land.

A power diagram (Aurenhammer 1987) gives a point x to the site s with the least |x − s|² − w; a larger weight w makes a
larger cell. The bend is a smooth one-to-one map of the plane: the diagram is drawn in straight space and then bent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
# (wave length, amplitude) in units of the cell size. 1.2·Σ 2π·amplitude/length stays below 1: the bend folds nowhere.
WAVES = ((2.2, 0.11), (0.8, 0.035))
ACROSS = 0.2
SEGMENT = 0.11
KEEP_INSIDE = 0.85
LEARNING = 0.25
RELAXATION = 0.5


@dataclass(frozen=True)
class Bend:
    """x → x + Σ waves; `size_km` (the size of a cell) sets the wave lengths, `seed` the phases."""

    size_km: float
    seed: int

    def _shift(self, points: FloatArray) -> FloatArray:
        phases = np.random.default_rng(self.seed).uniform(0, 2 * np.pi, (len(WAVES), 4))
        total = np.zeros_like(points)
        for (length, amplitude), phase in zip(WAVES, phases, strict=True):
            turns = points * (2 * np.pi / (length * self.size_km))
            east, north = turns[:, 0], turns[:, 1]
            total[:, 0] += amplitude * self.size_km * np.sin(north + phase[0]) * np.cos(ACROSS * east + phase[1])
            total[:, 1] += amplitude * self.size_km * np.sin(east + phase[2]) * np.cos(ACROSS * north + phase[3])
        return total

    def bend(self, points: FloatArray) -> FloatArray:
        """(n, 2) km in straight space → km on the ground."""
        return points + self._shift(points)

    def straighten(self, points: FloatArray) -> FloatArray:
        """The inverse of `bend`, by fixed-point iteration (the shift is a contraction)."""
        found = points
        for _ in range(80):
            found = points - self._shift(found)
        return found


@dataclass
class Sites:
    """The sites of one parent, in straight space (km); a child has one site or several.

    Attributes:
        points: (n, 2). child: (n,) which child a site belongs to.
        fixed: (n,) the site does not move.
        target_km2: (children,) wanted area, nan where any area will do.
        weights: (children,) km².
    """

    points: FloatArray
    child: npt.NDArray[np.intp]
    fixed: BoolArray
    target_km2: FloatArray
    weights: FloatArray

    def nearest(self, samples: FloatArray) -> npt.NDArray[np.intp]:
        """Index of the site whose cell holds each sample."""
        power = (self.points**2).sum(axis=1) - self.weights[self.child] - 2 * samples @ self.points.T
        return np.asarray(np.argmin(power, axis=1), np.intp)

    def relax(self, samples: FloatArray, sample_km2: float, rounds: int) -> None:
        """Moves free sites to the middle of their cells (Lloyd) and turns weights until areas match."""
        count = len(self.points)
        for turn in range(rounds):
            owner = self.nearest(samples)
            number = np.bincount(owner, minlength=count)
            move = ~self.fixed & (number > 0) & (turn < rounds * 0.6)
            middle = np.stack([np.bincount(owner, samples[:, axis], count) for axis in (0, 1)], axis=1)
            self.points[move] += RELAXATION * (middle[move] / number[move, None] - self.points[move])
            area = np.bincount(self.child, number, len(self.weights)) * sample_km2
            self.weights += LEARNING * np.nan_to_num(self.target_km2 - area)
            self.hold()

    def hold(self) -> None:
        """Lowers weights that would push a site out of its own cell, so that no cell vanishes."""
        gap = ((self.points[:, None, :] - self.points[None, :, :]) ** 2).sum(axis=2)
        gap[self.child[:, None] == self.child[None, :]] = np.inf
        for site, child in enumerate(self.child):
            allowed = np.full(len(self.weights), np.inf)
            np.minimum.at(allowed, self.child, self.weights[child] + KEEP_INSIDE * gap[site])
            np.minimum(self.weights, allowed, out=self.weights)

    def cells(self, box: Polygon) -> list[Polygon]:
        """The convex cells inside a box; a cell may be empty."""
        return [self._cell(index, np.asarray(box.exterior.coords)[:-1]) for index in range(len(self.points))]

    def _cell(self, index: int, corners: FloatArray) -> Polygon:
        here, own = self.points[index], self.weights[self.child]
        order = np.argsort(((self.points - here) ** 2).sum(axis=1), kind="stable")
        for other in order[order != index]:
            normal = self.points[other] - here
            reach = ((self.points[other] ** 2).sum() - (here**2).sum() - own[other] + own[index]) / 2
            corners = half_plane(corners, normal, float(reach))
            if len(corners) < 3:
                return Polygon()
        return Polygon(corners)


def half_plane(corners: FloatArray, normal: FloatArray, reach: float) -> FloatArray:
    """The part of a convex ring (corners without the closing one) where normal · x ≤ reach."""
    side = corners @ normal - reach
    if (side <= 0).all():
        return corners
    kept: list[FloatArray] = []
    for here in range(len(corners)):
        after = (here + 1) % len(corners)
        if side[here] <= 0:
            kept.append(corners[here])
        if (side[here] <= 0) != (side[after] <= 0):
            share = side[here] / (side[here] - side[after])
            kept.append(corners[here] + share * (corners[after] - corners[here]))
    return np.array(kept).reshape(-1, 2)


def bent(cell: BaseGeometry, bend: Bend) -> BaseGeometry:
    """A straight cell with its borders divided finely and bent."""
    return shapely.transform(shapely.segmentize(cell, SEGMENT * bend.size_km), bend.bend)


def samples_in(shape: BaseGeometry, number: int) -> FloatArray:
    """About `number` points of a regular raster inside a shape, (m, 2); at least one."""
    west, south, east, north = shapely.bounds(shape)
    step = np.sqrt(shapely.area(shape) / number)
    east_axis = np.arange(west + step / 2, east, step)
    north_axis = np.arange(south + step / 2, north, step)
    grid = np.stack(np.meshgrid(east_axis, north_axis), axis=-1).reshape(-1, 2)
    shapely.prepare(shape)
    inside: FloatArray = grid[shapely.contains_xy(shape, grid[:, 0], grid[:, 1])]
    return inside if len(inside) else np.array([shapely.get_coordinates(shapely.point_on_surface(shape))[0]])


def spread(samples: FloatArray, taken: FloatArray, number: int, seed: int) -> FloatArray:
    """`number` starting points among the samples, far from each other and from the points already taken."""
    chooser = np.random.default_rng(seed)
    chosen: list[FloatArray] = []
    near = np.full(len(samples), np.inf)
    for point in taken:
        near = np.minimum(near, ((samples - point) ** 2).sum(axis=1))
    for _ in range(number):
        odds = np.where(np.isfinite(near), near, 1.0) + 1e-12
        pick = samples[chooser.choice(len(samples), p=odds / odds.sum())]
        chosen.append(pick)
        near = np.minimum(near, ((samples - pick) ** 2).sum(axis=1))
    return np.array(chosen).reshape(-1, 2)
