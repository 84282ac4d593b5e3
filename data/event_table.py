"""The events as they stand: one row an event, with the instant at which it reached each stage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from data.columns import Array, Columns, Vocabulary
from data.records import STAGES, Row
from geo.divisions import Divisions

CLOSED, RATED = STAGES.index("closed"), STAGES.index("rated")
_STAGE = {name: number for number, name in enumerate(STAGES)}
_SPEC: dict[str, tuple[Any, Any, int]] = {
    "time": (np.int64, 0, 1), "due": (np.int64, 0, 1), "stage": (np.int8, 0, 1), "stage_time": (np.int64, 0, 1),
    "division": (np.int32, 0, 1), "category": (np.int32, 0, 1), "channel": (np.int32, 0, 1),
    "department": (np.int32, 0, 1), "returned": (np.bool_, False, 1), "satisfaction": (np.float64, np.nan, 1),
    "lon": (np.float64, np.nan, 1), "lat": (np.float64, np.nan, 1), "reached": (np.int64, 0, len(STAGES)),
    "demo": (np.bool_, False, 1),
}


class EventTable:
    """Columns: time, due, stage_time, reached[stage] in µs UTC (0 = none); division = index in `divisions`."""

    def __init__(self, divisions: Divisions) -> None:
        self._divisions = divisions
        self.columns = Columns(_SPEC)
        self.category, self.channel, self.department = Vocabulary(), Vocabulary(), Vocabulary()
        self.ids: list[str] = []
        self.texts: list[tuple[str, str, str]] = []
        self._position: dict[str, int] = {}

    def __len__(self) -> int:
        return self.columns.size

    def position(self, event_id: str) -> int | None:
        """Position of an event, None if it is not held."""
        return self._position.get(event_id)

    def add(self, rows: Iterable[Row]) -> None:
        """Takes event rows in the order of their seq."""
        for row in rows:
            at = self._position.get(row["id"])
            if at is None:
                at = self.columns.extend(1)
                self._position[row["id"]] = at
                self.ids.append(row["id"])
                self.texts.append(("", "", ""))
                self.columns["time"][at] = row["time"]
            self._stage(at, row)

    def _stage(self, at: int, row: Row) -> None:
        columns, stage, when = self.columns, _STAGE[row["stage"]], row["stage_time"]
        reached = columns["reached"][at]
        if stage < CLOSED and reached[CLOSED] and when > reached[CLOSED]:
            reached[CLOSED:] = 0
            columns["returned"][at] = True
        if not reached[stage] or when < reached[stage] or stage >= CLOSED:
            reached[stage] = when
        if stage == RATED and not reached[CLOSED]:
            # Its closing lies before what memory holds; nobody rates an open event.
            reached[CLOSED] = when
        if row["act"] == "return":
            columns["returned"][at] = True
        if when >= columns["stage_time"][at]:
            self._facts(at, row)
            columns["stage"][at], columns["stage_time"][at] = stage, when

    def _facts(self, at: int, row: Row) -> None:
        columns = self.columns
        columns["due"][at] = row["due"] or columns["due"][at]
        columns["division"][at] = self._divisions.index(row["code"]) if row["code"] in self._divisions else 0
        columns["category"][at] = self.category.number(row["category"])
        columns["channel"][at] = self.channel.number(row["channel"])
        columns["department"][at] = self.department.number(row["department"]) or columns["department"][at]
        columns["demo"][at] = bool(row["demo"])
        if row["satisfaction"] is not None:
            columns["satisfaction"][at] = row["satisfaction"]
        if row["lon"] is not None:
            columns["lon"][at], columns["lat"][at] = row["lon"], row["lat"]
        old = self.texts[at]
        self.texts[at] = (row["title"] or old[0], row["detail"] or old[1], row["level"] or old[2])

    def open_at(self, instant_us: int) -> npt.NDArray[np.bool_]:
        """True for events received and not closed at the instant."""
        closed = self.columns["reached"][:, CLOSED]
        return (self.columns["time"] <= instant_us) & ~((closed > 0) & (closed <= instant_us))

    def select(self, filters: tuple[tuple[str, str], ...]) -> npt.NDArray[np.bool_]:
        """Mask of the events that pass filters on category, channel, department or stage; a value may list a,b."""
        mask = np.ones(len(self), bool)
        for name, value in filters:
            column, vocabulary = self._column(name)
            if column is None:
                continue
            wanted = [vocabulary(word) for word in value.split(",")]
            mask &= np.isin(column, wanted)
        return mask

    def _column(self, name: str) -> tuple[Array | None, Any]:
        if name in ("category", "channel", "department"):
            vocabulary: Vocabulary = getattr(self, name)
            return self.columns[name], vocabulary.find
        if name == "stage":
            return self.columns["stage"], lambda word: _STAGE.get(word, -1)
        return None, None

    def drop_closed_before(self, instant_us: int) -> None:
        """Forgets events closed before the instant (history keeps them)."""
        closed = self.columns["reached"][:, CLOSED]
        keep = ~((closed > 0) & (closed < instant_us) & (self.columns["stage_time"] < instant_us))
        if keep.all():
            return
        kept = np.flatnonzero(keep)
        self.columns.keep(keep)
        self.ids = [self.ids[i] for i in kept]
        self.texts = [self.texts[i] for i in kept]
        self._position = {event_id: position for position, event_id in enumerate(self.ids)}
