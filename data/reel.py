"""What was received when: the rows of all kinds by their receipt, read from history some hours at a time, and ahead."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict

import pyarrow as pa
import pyarrow.compute as pc

from data.clock import Clock
from data.errors import Unavailable
from data.history_files import SCHEMA
from data.history_read import HistoryReader
from data.manifest import DAY_US
from data.records import DAY_OF, KINDS

log = logging.getLogger(__name__)
PIECE_US, MOST_PIECES = 6 * 3_600_000_000, 6
# What was received longer ago than this is in the history, whatever the collector was doing then.
SETTLED_US = 60_000_000
Rows = dict[str, pa.Table]


class Reel:
    """Pieces of PIECE_US, as history holds them; safe to use from several threads.

    Raises (in every method but `ahead`):
        Unavailable: history cannot be read.
    """

    def __init__(self, reader: HistoryReader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock
        self._pieces: OrderedDict[int, Rows] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None

    def between(self, after_us: int, until_us: int) -> Rows:
        """kind → rows received after one instant and not after another, without those that one of them replaces."""
        found: dict[str, list[pa.Table]] = {}
        for number in range(after_us // PIECE_US, until_us // PIECE_US + 1):
            for kind, table in self._piece(number).items():
                # Sorted by receipt: the rows of the stretch lie in one piece.
                received = table["received"].to_numpy()
                first, last = (int(received.searchsorted(instant, "right")) for instant in (after_us, until_us))
                if last > first:
                    found.setdefault(kind, []).append(table.slice(first, last - first))
        return {kind: _current(pa.concat_tables(tables)) for kind, tables in found.items()}

    def ahead(self, until_us: int) -> None:
        """Reads the piece after the one of an instant in the background, if it can be kept and is not at hand."""
        number = until_us // PIECE_US + 1
        if number in self._pieces or not self._settled(number) or (self._reading and self._reading.is_alive()):
            return
        self._reading = threading.Thread(target=self._try, args=(number,), name="reel", daemon=True)
        self._reading.start()

    def _try(self, number: int) -> None:
        try:
            self._piece(number)
        except Unavailable as error:
            log.info("the next hours of a replay are not readable: %s", error)

    def _settled(self, number: int) -> bool:
        return (number + 1) * PIECE_US < self._clock.now_us() - SETTLED_US

    def _piece(self, number: int) -> Rows:
        """The rows of one piece in the order of their receipt; kept once nothing can come to it any more."""
        with self._lock:
            held = self._pieces.get(number)
            if held is not None:
                self._pieces.move_to_end(number)
                return held
        made = {kind: table for kind in KINDS
                if (table := self._received(kind, number * PIECE_US, (number + 1) * PIECE_US)) is not None}
        if self._settled(number):
            with self._lock:
                self._pieces[number] = made
                while len(self._pieces) > MOST_PIECES:
                    self._pieces.popitem(last=False)
        return made

    def _received(self, kind: str, start_us: int, end_us: int) -> pa.Table | None:
        """Rows received in [start, end); None where there are none. Nothing tells of days after that of its receipt
        and the next.
        """
        files = [entry for entry in self._reader.manifest().of(kind) if entry.received1 >= start_us
                 and (not DAY_OF[kind] or entry.day0 * DAY_US <= end_us + DAY_US)]
        if not files:
            return None
        table = self._reader.versions(kind, files)
        rows = self._reader.run(table.filter(table.received >= start_us, table.received < end_us)
                                .select(list(SCHEMA[kind].names)))
        return rows.sort_by([("received", "ascending"), ("seq", "ascending")]) if rows.num_rows else None


def _current(table: pa.Table) -> pa.Table:
    replaced = table["prev"].filter(pc.not_equal(table["prev"], 0))
    if not len(replaced):
        return table
    return table.filter(pc.invert(pc.is_in(table["seq"], value_set=replaced.combine_chunks())))
