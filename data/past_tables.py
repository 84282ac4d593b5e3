"""The tables as they were at an instant, and from there on at the next: rows by their receipt, as live took them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from data.history_files import to_rows
from data.history_read import HistoryReader
from data.history_span import Span
from data.observation_table import Buckets
from data.older_days import OlderDays
from data.pack import Pack
from data.records import Row
from data.settled import Reach
from data.tables import FAR, MemoryTables

# Memory that moves with the instants lets go of what is old once in so long.
FORGET_US = 6 * 3_600_000_000


class PastTables(MemoryTables):
    """Tables of one instant that do not change any more; `after` makes those of a later one beside them.

    Tables that take no row in between are shared by the instants.
    """

    at_us = 0
    _kept_from = 0

    def __init__(self, pack: Pack, reader: HistoryReader) -> None:
        super().__init__(pack, reader)
        self._days = OlderDays(pack.divisions, reader)

    def read(self, at_us: int, known_now: bool) -> None:
        """Reads everything as of an instant: as known then, or as known now.

        Raises:
            Unavailable: history cannot be read.
        """
        # What was told then of a moment to come is held, as memory held it; only its time has not come.
        self.load(at_us, *((None, at_us) if known_now else (at_us, FAR)))
        self.past_events()
        self.at_us = self._kept_from = at_us

    def after(self, at_us: int, rows: Mapping[str, pa.Table]) -> PastTables:
        """The tables of a later instant, of an instant as known then.

        Args:
            at_us: the instant, µs UTC.
            rows: kind → all rows (META and FIELDS) that were received after this instant and not after that one and
                that no row known then replaces.

        Raises:
            Unavailable: an event of long ago stirs again or a row of one is replaced, and history cannot be read.
        """
        found = copy.copy(self)
        found.observations, found.versions, found.demo = dict(self.observations), dict(self.versions), dict(self.demo)
        found._reach = defaultdict(Reach, {feed: copy.deepcopy(reach) for feed, reach in self._reach.items()})
        found.at_us = found._known_at_us = at_us
        found._part_with(rows)
        for kind, table in rows.items():
            for feed in pc.unique(table["feed"]).to_pylist():
                found._receive(kind, feed, table.filter(pc.equal(table["feed"], feed)).sort_by("seq"))
        if at_us - found._kept_from >= FORGET_US:
            found._leave_behind()
        return found

    def _older(self, feeds: tuple[str, ...], metrics: Sequence[str], span: Span) -> list[Buckets]:
        if not self._days.holds(span):
            return super()._older(feeds, metrics, span)
        return self._days.buckets(feeds, metrics, span, self.version_before)

    def _part_with(self, rows: Mapping[str, pa.Table]) -> None:
        """Gives this instant its own copy of what the rows will change."""
        if "event" in rows:
            self.events = self.events.copy()
            self._past = self._past.copy() if self._past is not None and self._stirs(rows["event"]) else self._past
        for kind, name in (("indicator", "indicators"), ("asset", "assets"), ("warning", "warnings")):
            if kind in rows:
                setattr(self, name, getattr(self, name).copy())

    def _stirs(self, events: pa.Table) -> bool:
        """Whether one of the rows may tell of an event that memory has let go of."""
        return bool(pc.min(events["time"]).as_py() < self.events_since)

    def _receive(self, kind: str, feed: str, table: pa.Table) -> None:
        if feed not in self._pack.feeds:
            return
        seq = int(table["seq"][-1].as_py())
        oldest = int(pc.min(table["time"]).as_py()) if kind == "observation" else 0
        self._reach[feed].note(seq, oldest)
        self.versions[feed] = max(self.versions.get(feed, 0), seq)
        self.seq, self.loaded = max(self.seq, seq), True
        self._mark_demo([feed], [pc.any(table["demo"]).as_py()])
        if kind == "observation":
            self.observations[feed] = held = self.observed(feed).copy()
            held.load(table)
            return
        rows: list[Row] = to_rows(kind, table)
        self._takers()[kind](rows)

    def _add_events(self, found: Iterable[Row]) -> None:
        rows = list(found)
        mended = {row["id"] for row in rows if row["prev"]} | self.events.late(rows)
        super()._add_events(row for row in rows if row["id"] not in mended)
        if mended:
            self._rebuild(rows[0]["feed"], mended)

    def _rebuild(self, feed: str, ids: set[str]) -> None:
        """Makes events anew of the rows that stand: what a replaced row alone had said goes with it, what a late one
        says comes in.
        """
        standing = self._reader.changes_of({feed: sorted(ids)}, Span(0, FAR, known_at_us=self._known_at_us))
        if self._past is not None and self._past.among(feed, ids).any():
            self._past = self._past.copy()
        self.put_anew(feed, ids, standing.to_pylist())

    def _leave_behind(self) -> None:
        """Lets go of what has left the days that memory holds, on copies of its own."""
        self.events = self.events.copy()
        self._past = self._past.copy() if self._past is not None else None
        self.observations = {feed: table.copy() for feed, table in self.observations.items()}
        self.forget(self.at_us)
        self._kept_from = self.at_us

