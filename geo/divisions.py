"""The tree of divisions: county → township → village → grid, of any depth, with geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from shapely.geometry.base import BaseGeometry

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Division:
    """One division. `level` 0 is the whole place; `seat` (lon, lat) where known; `official` False = 示意 border."""

    code: str
    name: str
    level: int
    parent: str | None
    official: bool = False
    seat: tuple[float, float] | None = None


class Divisions:
    """All divisions of a place, parents before children; positions are used as indices everywhere.

    Attributes:
        items: the divisions, ordered by (level, code).
        geometry: shapely (Multi)Polygon of each, lon/lat EPSG:4490.
        parent: index of the parent, -1 for the root. level: level of each.
        level_names: machine names of the levels, e.g. ("county", "township", "village", "grid").
        level_words: the same in the place's own words.
    """

    def __init__(self, items: Iterable[Division], geometry: Sequence[BaseGeometry], levels: Sequence[tuple[str, str]]):
        pairs = sorted(zip(items, geometry, strict=True), key=lambda pair: (pair[0].level, pair[0].code))
        self.items: tuple[Division, ...] = tuple(item for item, _ in pairs)
        self.geometry: tuple[BaseGeometry, ...] = tuple(shape for _, shape in pairs)
        self.level_names = tuple(name for name, _ in levels)
        self.level_words = tuple(word for _, word in levels)
        self._index = {item.code: position for position, item in enumerate(self.items)}
        above = [self._index[item.parent] if item.parent else -1 for item in self.items]
        self.parent: IntArray = np.array(above, np.int32)
        self.level: IntArray = np.array([item.level for item in self.items], np.int32)
        self._at_level = [np.flatnonzero(self.level == level).astype(np.int32) for level in range(self.level.max() + 1)]
        self._covers: dict[tuple[int, int], int] = {}
        self._children: dict[int, list[int]] = {}
        for position, parent in enumerate(self.parent):
            self._children.setdefault(int(parent), []).append(position)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, code: object) -> bool:
        return code in self._index

    @property
    def root(self) -> Division:
        """The whole place."""
        return self.items[0]

    def index(self, code: str) -> int:
        """Position of a code. Raises KeyError."""
        return self._index[code]

    def get(self, code: str) -> Division:
        """The division of a code. Raises KeyError."""
        return self.items[self._index[code]]

    def children(self, code: str) -> tuple[Division, ...]:
        """Direct children, by code."""
        return tuple(self.items[i] for i in self._children.get(self._index[code], []))

    def chain(self, code: str) -> tuple[str, ...]:
        """The code itself and all above it, itself first."""
        position, codes = self._index[code], []
        while position >= 0:
            codes.append(self.items[position].code)
            position = int(self.parent[position])
        return tuple(codes)

    def at_level(self, level: int) -> IntArray:
        """Positions of all divisions of a level."""
        return self._at_level[level] if level < len(self._at_level) else np.zeros(0, np.int32)

    def cover(self, level: int, most: int) -> int:
        """The coarsest level above `level` none of whose divisions holds more than `most` of its divisions; the next
        above it where even there some hold more.
        """
        if (level, most) not in self._covers:
            above, found = self.at_level(level), max(level - 1, 0)
            for coarser in range(level - 1, -1, -1):
                above = self.parent[above]
                if int(np.bincount(above).max()) > most:
                    break
                found = coarser
            self._covers[level, most] = found
        return self._covers[level, most]

    def below(self, code: str) -> npt.NDArray[np.bool_]:
        """Mask over all divisions: True for the division and everything inside it."""
        inside = np.zeros(len(self.items), bool)
        inside[self._index[code]] = True
        for level in range(self.get(code).level + 1, len(self._at_level)):
            at = self._at_level[level]
            inside[at] = inside[self.parent[at]]
        return inside

    def roll_up(self, own: FloatArray) -> FloatArray:
        """Sums of every division and all below it; `own` is (n,) or (n, k) with each record counted where it lies."""
        total = own.astype(float, copy=True)
        for position in range(len(self.items) - 1, 0, -1):
            total[self.parent[position]] += total[position]
        return total
