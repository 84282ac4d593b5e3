"""Growing numpy columns and vocabularies: the building stones of the web's in-memory tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]


class Vocabulary:
    """Texts as small integers; 0 is the empty text."""

    def __init__(self) -> None:
        self.words: list[str] = [""]
        self._number: dict[str, int] = {"": 0}

    def number(self, word: str | None) -> int:
        """The number of a word, new words are appended."""
        known = self._number.get(word or "")
        if known is None:
            known = len(self.words)
            self.words.append(str(word))
            self._number[str(word)] = known
        return known

    def find(self, word: str) -> int:
        """The number of a word, -1 if it never came."""
        return self._number.get(word, -1)


class Columns:
    """Named arrays of one length that grow by doubling; `spec` = name → (dtype, fill, width)."""

    def __init__(self, spec: dict[str, tuple[Any, Any, int]], capacity: int = 1024) -> None:
        self._spec = spec
        self._data = {name: self._blank(name, capacity) for name in spec}
        self.size = 0

    def _blank(self, name: str, capacity: int) -> Array:
        dtype, fill, width = self._spec[name]
        # A column of a wide one is read far more often than a row: each lies in one piece.
        return np.full((capacity, width) if width > 1 else capacity, fill, dtype, order="F")

    def __getitem__(self, name: str) -> Array:
        return self._data[name][: self.size]

    def extend(self, count: int) -> int:
        """Adds `count` blank rows and returns the position of the first."""
        first, self.size = self.size, self.size + count
        capacity = len(next(iter(self._data.values())))
        if self.size > capacity:
            for name, old in self._data.items():
                grown = self._blank(name, max(self.size, 2 * capacity))
                grown[:first] = old[:first]
                self._data[name] = grown
        return first

    def copy(self) -> Columns:
        """The same rows, which can change by themselves."""
        found = Columns(self._spec, 0)
        found._data, found.size = {name: self[name].copy(order="K") for name in self._spec}, self.size
        return found

    def keep(self, mask: npt.NDArray[np.bool_]) -> None:
        """Drops the rows whose mask is False."""
        kept: dict[str, Array] = {name: np.asfortranarray(self[name][mask]) for name in self._spec}
        self._data, self.size = kept, int(mask.sum())

    def frame(self, copied: Collection[str] | None = None) -> pa.Table:
        """The rows as an Arrow table, wide columns as name0, name1 …; only `copied` are copied (None = all)."""
        found: dict[str, Array] = {}
        for name, (_, _, width) in self._spec.items():
            whole = self[name].copy(order="F") if copied is None or name in copied else self[name]
            found |= {name: whole} if width == 1 else {f"{name}{at}": whole[:, at] for at in range(width)}
        return pa.table(found)

    def fill(self, table: pa.Table) -> None:
        """Appends what `frame` gave."""
        first = self.extend(table.num_rows)
        for name, (_, _, width) in self._spec.items():
            if width == 1:
                self[name][first:] = table[name].to_numpy()
            for at in range(width if width > 1 else 0):
                self[name][first:, at] = table[f"{name}{at}"].to_numpy()
