"""What is done to memory beside the following of the tail, in threads of their own: recalling and mending.

A correction is taken at once, as any row; what the replaced row alone had said stays in memory, and what only a late
row of an earlier change says is not taken. Both are put right here, a moment later, from all rows of the event.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from data.batches import Batch
from data.errors import Unavailable
from data.history_read import HistoryReader
from data.history_span import Span
from data.records import Row
from data.state import State
from data.tables import FAR, MemoryTables

log = logging.getLogger(__name__)
# In one portion: what is read and made anew while no reader gets the lock.
MOST, PAUSE_S, RETRY_S, RECALL_S = 500, 0.5, 5.0, 15.0
Owed = dict[tuple[str, str], int]


def recall(stop: threading.Event, lock: threading.RLock, tables: Callable[[], MemoryTables]) -> None:
    """Reads the ended events a while after the start, so that the first question about them need not."""
    def work() -> None:
        while not stop.wait(RECALL_S):
            found = tables()
            if found.remembers_past:
                return
            try:
                facts = found.past_facts()
            except Unavailable as error:
                log.warning("ended events not readable: %s", error)
                continue
            with lock:
                found.take_past(*facts)

    threading.Thread(target=work, name="recall", daemon=True).start()


def remake(tables: MemoryTables, feed: str, standing: Mapping[str, Sequence[Row]]) -> bool:
    """Makes events (id → its rows that stand) anew where they are told otherwise; False if none was."""
    held, fresh = tables.events, tables.events.beside()
    fresh.add_standing(row for rows in standing.values() for row in rows)
    places = {key: (held.position(feed, key), fresh.position(feed, key)) for key in standing}
    others = {key for key, (here, there) in places.items()
              if there is not None and (here is None or not held.alike(here, fresh, there))}
    if others:
        tables.put_anew(feed, others, [row for key in others for row in standing[key]])
    return bool(others)


class Mending:
    """The events that are owed: memory may tell them otherwise than the rows that stand.

    `note`, `owe` and `owed` are for who holds the tables' lock. `tables` gives those of now; `tell` hears of the feeds
    some of whose events have become others.
    """

    def __init__(self, reader: HistoryReader, state: State, lock: threading.RLock, tables: Callable[[], MemoryTables],
                 tell: Callable[[list[str]], None]) -> None:
        self._reader, self._state, self._lock, self._tables, self._tell = reader, state, lock, tables, tell
        # (feed, id) → the newest row that the tables took of it
        self._owed: Owed = {}
        self._why = ""

    def note(self, batch: Batch) -> None:
        """What a batch owes that the tables are about to take."""
        tables = self._tables()
        if batch.kind != "event" or batch.seq1 <= tables.seq:
            return
        late = tables.events.late(batch.rows)
        for row in batch.rows:
            key = (batch.feed, row["id"])
            if row["prev"] or row["id"] in late or key in self._owed:
                self._owed[key] = row["seq"]

    def owed(self) -> list[list[str]]:
        """[feed, id] of what is still owed, to be kept with the tables."""
        return [list(key) for key in self._owed]

    def owe(self, events: Iterable[Sequence[str]], seq: int) -> None:
        """Takes back what was kept with tables that had taken all rows up to a number."""
        self._owed.update({(feed, event_id): seq for feed, event_id in events})

    def keep_going(self, stop: threading.Event) -> None:
        """Settles what is owed, in a thread of its own."""
        def work() -> None:
            while not stop.wait(RETRY_S if self._why else PAUSE_S):
                while self._owed and not stop.is_set() and self.settle():
                    pass

        threading.Thread(target=work, name="mending", daemon=True).start()

    def settle(self) -> bool:
        """Makes a portion of the owed events anew; False where their rows cannot be read now."""
        with self._lock:
            portion, tables = dict(islice(self._owed.items(), MOST)), self._tables()
            until = tables.seq
        try:
            standing = self._standing(portion, until)
        except Unavailable as error:
            if str(error) != self._why:
                log.warning("rows of %d corrected events not readable: %s", len(portion), error)
            self._why = str(error)
            return False
        self._why = ""
        with self._lock:
            if self._tables() is not tables:
                return True
            # What took more rows meanwhile is owed still.
            done = {key: standing[key] for key, seq in portion.items() if self._owed.get(key) == seq}
            changed = [feed for feed in {feed for feed, _ in done}
                       if remake(tables, feed, {key[1]: rows for key, rows in done.items() if key[0] == feed})]
            for key in done:
                del self._owed[key]
        if changed:
            self._tell(changed)
        return True

    def _standing(self, events: Owed, until: int) -> Mapping[tuple[str, str], list[Row]]:
        """(feed, id) → its rows up to a number without those that one of them replaces."""
        ids: dict[str, list[str]] = {}
        for feed, event_id in events:
            ids.setdefault(feed, []).append(event_id)
        after = self._reader.manifest().checkpoint
        older = self._reader.changes_of(ids, Span(0, FAR)).to_pylist()
        found = {row["seq"]: row for row in older if row["seq"] <= until}
        for batch in self._since(after, until):
            if batch.kind == "event":
                found |= {row["seq"]: {**row, "feed": batch.feed} for row in batch.rows
                          if (batch.feed, row["id"]) in events and row["seq"] <= until}
        replaced = {row["prev"] for row in found.values()}
        standing: dict[tuple[str, str], list[Row]] = {key: [] for key in events}
        for seq in found.keys() - replaced:
            standing[found[seq]["feed"], found[seq]["id"]].append(found[seq])
        return standing

    def _since(self, after: int, until: int) -> Iterator[Batch]:
        """What the tail has after a number that history has come to."""
        while after < until:
            batches = self._state.tail(after)
            gap = not batches or batches[0].seq0 > after + 1
            if gap and self._reader.manifest().checkpoint > after:
                raise Unavailable("历史刚刚前进，重新读取")
            if not batches:
                return
            yield from batches
            after = batches[-1].seq1
