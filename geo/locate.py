"""Which division holds a point: one search tree, many points at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.divisions import Divisions

IntArray = npt.NDArray[np.int32]


class Locator:
    """Finds the deepest division of points; on a border the division with the lower position wins."""

    def __init__(self, divisions: Divisions):
        self._divisions = divisions
        self._shapes = np.array(divisions.geometry, object)
        shapely.prepare(self._shapes)
        levels = [divisions.at_level(level) for level in range(int(divisions.level.max()), -1, -1)]
        self._trees = [(positions, shapely.STRtree(self._shapes[positions])) for positions in levels]

    def locate(self, lon: Any, lat: Any) -> IntArray:
        """Positions of the deepest division holding each point.

        Args:
            lon: (n,) degrees east, EPSG:4490. lat: (n,) degrees north. Not-a-number is allowed.

        Returns:
            (n,) positions in the divisions, -1 outside the place or where a coordinate is missing.
        """
        east = np.atleast_1d(np.asarray(lon, np.float64))
        north = np.atleast_1d(np.asarray(lat, np.float64))
        found = np.full(len(east), -1, np.int32)
        open_ = np.flatnonzero(np.isfinite(east) & np.isfinite(north))
        for positions, tree in self._trees:
            if not len(open_):
                break
            point, shape = tree.query(shapely.points(east[open_], north[open_]))
            near = open_[point]
            holds = shapely.intersects_xy(self._shapes[positions[shape]], east[near], north[near])
            point, shape = point[holds], shape[holds]
            best = np.full(len(open_), len(positions), np.int64)
            np.minimum.at(best, point, shape)
            hit = best < len(positions)
            found[open_[hit]] = positions[best[hit]]
            open_ = open_[~hit]
        return found

    def locate_one(self, lon: float, lat: float) -> str | None:
        """Code of the deepest division holding a point; None outside."""
        position = int(self.locate([lon], [lat])[0])
        return self._divisions.items[position].code if position >= 0 else None
