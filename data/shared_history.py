"""The historian of one of several collectors: one at a time brings the tail into the history, the others listen."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from data.batches import Batch
from data.carriers import Historian
from data.errors import Unavailable
from data.spool import Spool
from data.state import TAIL_BYTES, TAIL_ENTRIES
from data.together import HISTORY, Together

log = logging.getLogger("yiping.collect")
ASK_S = 1.0
# Of a row in the tail, before it is packed.
ROW_BYTES = 200
WAIT_READ_MS = 300


class SharedHistorian(Historian):
    """Follows the tail in Redis, not its own spool: what another acknowledged before it died is brought in as well.

    `heard` gets every batch of the tail, by whichever collector.
    """

    def __init__(self, spool: Spool, fatal: Callable[[], None], committed: Callable[[int], None],
                 together: Together, heard: Callable[[Batch], None]) -> None:
        super().__init__(spool, together.writer, fatal, committed)
        self._books, self._state, self._together, self._heard = together.writer, together.state, together, heard
        self._turn: int | None = None
        self._asked = 0.0
        self._passed: deque[tuple[int, int]] = deque()
        self._bytes = 0

    def _catch_up(self) -> None:
        try:
            self._round()
        except Unavailable:
            # Another may have moved the checkpoint: that is looked at before anything more is written.
            self._turn = None
            raise

    def _round(self) -> None:
        turn = self._together.leases.turn(HISTORY)
        if turn > 0 and turn != self._turn:
            self._take_up(turn)
        elif turn < 0 and time.monotonic() - self._asked >= ASK_S:
            self.safe, self._asked = self._books.reached(), time.monotonic()
            self._committed(self.safe)
        self._turn = turn
        for batch in self._state.tail(self.done, block_ms=WAIT_READ_MS):
            if self._ends:
                return
            self._carry(batch)
        self._together.owed.look(self.safe)
        if turn > 0:
            before = self.safe
            super().idle()
            if self.safe != before:
                self._trim()

    def _take_up(self, turn: int) -> None:
        """Goes on from the beginning of what the history lacks, whoever wrote it.

        What was read and not yet written is kept if nobody else wrote meanwhile: Redis may have forgotten it.
        """
        if self._books.moved():
            self._books.rejoin()
            self.safe = self._applied = self._books.checkpoint
            self._rows, self._since = 0, 0.0
            self._passed.clear()
            self._bytes = 0
        self.done = self._applied
        log.warning("history is brought in by this collector (turn %d), from %d on", turn, self.done)
        self._committed(self.safe)

    def apply(self, batch: Batch) -> None:
        """Hears a batch, and buffers it while this is our work."""
        self._heard(batch)
        if self._turn is not None and self._turn > 0:
            super().apply(batch)
            self._passed.append((batch.seq1, ROW_BYTES * len(batch.rows)))
            self._bytes += self._passed[-1][1]

    def _trim(self) -> None:
        """Only what the history holds leaves the tail."""
        cut = 0
        while self._passed and (len(self._passed) > TAIL_ENTRIES or self._bytes > TAIL_BYTES):
            if self._passed[0][0] > self.safe:
                break
            cut, size = self._passed.popleft()
            self._bytes -= size
        if cut:
            self._state.trim(cut + 1)

    def idle(self) -> None:
        """Nothing between rounds: a round does it."""

    @property
    def up_to_date(self) -> bool:
        """Never waits for a queue: there is none."""
        return True

    def offer(self, batches: object) -> None:
        """The tail is read instead."""

    def recover(self) -> int:
        """Looks where the history stands at the start; at the end commits what this collector still has in hand."""
        if self.ident is None:
            self._books.rejoin()
            self.safe = self.done = self._applied = self._books.checkpoint
        elif self._together.holds(HISTORY):
            self.commit()
        return 0
