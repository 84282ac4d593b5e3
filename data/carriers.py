"""The two followers of the spool: the publisher carries batches to Redis, the historian to the history."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from data.batches import Batch
from data.errors import YipingError
from data.follower import Follower
from data.history import Writer
from data.spool import Spool
from data.state import State
from data.version_merge import VersionMerge

COMMIT_S = 5.0
COMMIT_ROWS = 200_000
COMPACT_S = 600.0


@dataclass(frozen=True)
class Bulk:
    """Staged canonical Parquet files of a feed, numbered from first_seq; answer: (accepted, duplicate).

    export: the files are an export's, whose numbers move by the first of it into one of the ranges set aside.
    """

    kind: str
    feed: str
    paths: list[Path]
    first_seq: int
    export: tuple[int, frozenset[tuple[int, int]]] | None = None
    answer: Future[tuple[int, int]] = field(default_factory=Future)

    def into(self, writer: Writer) -> tuple[int, int]:
        """Publishes them."""
        if self.export is None:
            return writer.publish_bulk(self.kind, self.feed, self.paths, self.first_seq)
        merge = VersionMerge(self.kind, self.feed, self.paths, *self.export)
        writer.rework(merge)
        return merge.accepted, merge.total - merge.accepted


class Publisher(Follower):
    """Makes batches visible in Redis. `ahead` hears of a number in Redis that no batch here has reached."""

    def __init__(self, spool: Spool, state: State, fatal: Callable[[], None], ahead: Callable[[int], None]) -> None:
        super().__init__("publisher", spool, fatal)
        self._state, self._ahead = state, ahead

    def position(self) -> int:
        """Last published number."""
        found = self._state.last_seq()
        if found > self._spool.last_seq:
            self._ahead(found)
        return found

    def apply(self, batch: Batch) -> None:
        """Publishes a batch."""
        self._state.publish(batch)


class Historian(Follower):
    """The only writer of the history: appends, commits every 5 s or 200,000 rows, publishes bulks, compacts.

    `committed` hears of every new checkpoint, `tidied` is called after each compaction.

    Attributes:
        safe: every row up to this number is in the files (batches without rows move it too).
    """

    def __init__(self, spool: Spool, writer: Writer, fatal: Callable[[], None],
                 committed: Callable[[int], None], tidied: Callable[[Writer], None] | None = None) -> None:
        super().__init__("historian", spool, fatal)
        self._writer, self._committed, self._tidied = writer, committed, tidied
        self._applied = self.safe = writer.checkpoint
        self._rows, self._since = 0, 0.0
        self._compacted = time.monotonic()
        self._bulks: deque[Bulk] = deque()

    def position(self) -> int:
        """Last row in the writer's buffers: what is buffered there stays there when a commit fails."""
        return self._applied

    def apply(self, batch: Batch) -> None:
        """Buffers a batch; a bulk publish that has the smaller numbers goes first."""
        while self._bulks and self._bulks[0].first_seq < batch.seq0:
            self._publish(self._bulks.popleft())
        self._writer.append(batch)
        self._applied = batch.seq1
        self._since = self._since or time.monotonic()
        self._rows += len(batch.rows)

    def recover(self) -> int:
        """Brings every row of the spool into the history before the doors open; returns how many rows.

        Raises:
            Unavailable: the history cannot be written.
        """
        rows = 0
        for batch in self._spool.frames(self._applied):
            self.apply(batch)
            rows += len(batch.rows)
            if self._rows >= COMMIT_ROWS:
                self.commit()
        self.commit()
        self.done = self._applied
        return rows

    def commit(self) -> None:
        """Writes what is buffered. Raises Unavailable."""
        self._writer.commit()
        self._rows, self._since = 0, 0.0
        self.safe = max(self._writer.checkpoint, self._applied)
        self._committed(self.safe)

    def publish_bulk(self, bulk: Bulk) -> None:
        """Publishes a bulk after all batches offered so far. Call in the thread that offers, once it is numbered."""
        self._bulks.append(bulk)

    def _publish(self, bulk: Bulk) -> None:
        try:
            bulk.answer.set_result(bulk.into(self._writer))
        except (YipingError, ValueError) as error:
            bulk.answer.set_exception(error)

    def idle(self) -> None:
        """Commits and compacts when it is time, and publishes a bulk when nothing offered before it waits."""
        if self._rows >= COMMIT_ROWS or (self._since and time.monotonic() - self._since >= COMMIT_S):
            self.commit()
        if self._bulks and self.up_to_date:
            self._publish(self._bulks.popleft())
        if time.monotonic() - self._compacted >= COMPACT_S:
            self._compacted = time.monotonic()
            self._writer.compact()
            if self._tidied is not None:
                self._tidied(self._writer)
