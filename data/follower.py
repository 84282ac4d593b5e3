"""Threads that carry accepted batches on, each at its own pace: from memory while they keep up, else from the spool."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from data.batches import Batch
from data.errors import Unavailable
from data.spool import Spool

log = logging.getLogger("yiping.collect")
MOST_ROWS = 100_000
WAIT_S = 0.5


class Follower(threading.Thread):
    """Applies every batch of the spool once, in order; subclasses say how and from where.

    When the target is away, or more waits than memory should hold, it lets go of the queue and reads the spool from
    its position later. An unexpected exception ends the thread and calls `fatal`: a fresh process recovers better than
    a half-broken one.

    Attributes:
        done: number of the last row applied.
        away: sentence of the present failure, '' if none.
    """

    def __init__(self, name: str, spool: Spool, fatal: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.done = 0
        self.away = ""
        self._spool, self._fatal = spool, fatal
        self._waiting: deque[Batch] = deque()
        self._rows = 0
        self._behind = True
        self._change = threading.Condition()
        self._ends = False

    @abstractmethod
    def apply(self, batch: Batch) -> None:
        """Carries one batch. Raises Unavailable: the target is away, the batch comes again."""

    @abstractmethod
    def position(self) -> int:
        """Number of the last row that the target holds. Raises Unavailable."""

    def idle(self) -> None:
        """Called at least every half second between batches. Raises Unavailable."""

    @property
    def up_to_date(self) -> bool:
        """True when everything offered so far is applied."""
        return not self._waiting and not self._behind

    def offer(self, batches: Sequence[Batch]) -> None:
        """New batches, already on disk."""
        with self._change:
            rows = sum(len(batch.rows) for batch in batches)
            if self._behind or self._rows + rows > MOST_ROWS:
                self._behind, self._rows = True, 0
                self._waiting.clear()
            else:
                self._waiting.extend(batches)
                self._rows += rows
            self._change.notify_all()

    def stop(self) -> None:
        """Ends the thread as soon as the present batch is done; the rest is in the spool."""
        with self._change:
            self._ends = True
            self._change.notify_all()

    def run(self) -> None:
        """Follows until stopped."""
        finished = False
        try:
            while not self._ends:
                self._step()
            finished = True
        finally:
            if not finished:
                self._fatal()

    def _step(self) -> None:
        try:
            if self._behind:
                self._catch_up()
            else:
                self._next()
            self.idle()
        except Unavailable as error:
            if not self.away:
                log.warning("%s waits: %s", self.name, error)
            self.away = str(error)
            with self._change:
                self._behind, self._rows = True, 0
                self._waiting.clear()
                self._change.wait_for(lambda: self._ends, WAIT_S)
            return
        if self.away:
            log.warning("%s goes on", self.name)
            self.away = ""

    def _next(self) -> None:
        with self._change:
            if not self._waiting:
                self._change.wait(WAIT_S)
            if not self._waiting:
                return
            batch = self._waiting.popleft()
            self._rows -= len(batch.rows)
        self._carry(batch)

    def _catch_up(self) -> None:
        self.done = self.position()
        with self._change:
            # From here on new batches queue up again; those that the spool shows as well are skipped by number.
            self._behind = False
        for batch in self._spool.frames(self.done):
            if self._ends:
                return
            self._carry(batch)
            self.idle()

    def _carry(self, batch: Batch) -> None:
        if batch.seq1 > self.done:
            self.apply(batch)
            self.done = batch.seq1
