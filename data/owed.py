"""What one of several collectors acknowledged and the history may lack: taken up again where Redis forgot it.

A new master of Redis may lack the last batches of the old one. Whoever has the history's lease mostly read them before;
if it had not, or died before its commit, they are in the spool of the collector that acknowledged them, and nowhere
else.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from data.batches import Batch, Verdict
from data.errors import Unavailable
from data.spool import Spool
from data.state import State

log = logging.getLogger("yiping.collect")
LOOK_S = 1.0
# So long the history stands at the end of the tail before a batch that lies beyond counts as forgotten by all.
QUIET_S = 15.0
NAME = "acknowledged"
TakeUp = Callable[[Batch], "Future[Verdict] | None"]


class Owed:
    """Numbers of acknowledged batches until the history is known to hold them; a file beside the spool's segments.

    The file is not synced: it outlives the process, and a loss of power only together with two other deaths matters.

    `announce` tells the webs to read again: some may have read a batch that nobody else has.

    Attributes:
        take_up: hands in a batch that is missing again; None while this collector does not hold its feed.
    """

    def __init__(self, state: State, spool: Spool, folder: Path, announce: Callable[[Batch], None]) -> None:
        self._state, self._spool, self._path, self._announce = state, spool, folder / NAME, announce
        self._lock = threading.Lock()
        self._open = _read(self._path)
        self._write(self._open)
        self._asked: dict[int, Future[Verdict]] = {}
        self._looked = self._quiet = 0.0
        self._missing: set[int] = set()
        # What was noticed before a crash is looked for once more.
        self._known = False
        self.take_up: TakeUp = lambda _batch: None

    def add(self, batches: Sequence[Batch]) -> None:
        """They are published, and about to be acknowledged. Raises Unavailable: that cannot be noted."""
        with self._lock:
            fresh = {batch.seq1: batch.seq0 for batch in batches}
            try:
                with self._path.open("ab", buffering=0) as file:
                    file.write(_lines(fresh))
            except OSError as error:
                raise Unavailable(f"{self._path} 写不进去（{error.strerror}）；请检查磁盘空间与权限") from error
            self._open |= fresh

    @property
    def numbers(self) -> set[int]:
        """The last numbers of these batches."""
        with self._lock:
            return set(self._open)

    @property
    def first(self) -> int:
        """The spool is needed from this number on; a great one where nothing is owed."""
        with self._lock:
            return min(self._open.values(), default=1 << 62)

    def look(self, safe: int) -> None:
        """Lets go of what the history holds, which is written up to `safe`, and takes up what is missing.

        Raises:
            Unavailable: Redis is away.
        """
        if time.monotonic() - self._looked < LOOK_S or not self._open:
            return
        self._looked = time.monotonic()
        mine = self.numbers
        self.check()
        self._settle({seq1 for seq1 in mine if seq1 <= safe} - self._missing)
        gone = bool(self._missing) and self._state.last_seq() <= safe
        self._quiet = (self._quiet or self._looked) if gone else 0.0
        certain = gone and self._looked - self._quiet >= QUIET_S
        for seq1 in sorted(self._missing):
            if seq1 <= safe or certain:
                self._bring(seq1)

    def check(self, end: int = 0) -> None:
        """Notices what Redis forgot, which is the end of its tail: where the last of ours is, all are.

        To be asked before anything else is published. `end`: the number at which the tail ends.

        Raises:
            Unavailable: Redis is away.
        """
        with self._lock:
            # They were added in the order of their numbers.
            last = next(reversed(self._open), 0)
        if last and not (self._known and (last == end or self._state.holds(last))):
            found = {seq1 for seq1 in self.numbers if not self._state.holds(seq1)}
            if found - self._missing:
                log.warning("%d acknowledged batches are not in Redis", len(found))
            self._missing = self._missing | found
        self._known = True

    def _bring(self, seq1: int) -> None:
        batch = next(self._spool.frames(seq1 - 1), None)
        if batch is None or batch.seq1 != seq1:
            log.error("batch up to %d is neither in Redis nor on this disk", seq1)
            self._settle({seq1})
            return
        asked = self._asked.pop(seq1, None) or self.take_up(batch)
        if asked is None or not asked.done():
            if asked is not None:
                self._asked[seq1] = asked
            return
        if (error := asked.exception()) is not None:
            log.warning("batch up to %d not taken up yet: %s", seq1, error)
            return
        if asked.result().accepted:
            self._announce(batch)
        log.warning("batch up to %d, forgotten by Redis, taken up: %s", seq1, asked.result())
        self._settle({seq1})

    def _settle(self, done: set[int]) -> None:
        with self._lock:
            self._missing = self._missing - done
            if not done & self._open.keys():
                return
            self._open = {seq1: seq0 for seq1, seq0 in self._open.items() if seq1 not in done}
            self._write(self._open)

    def _write(self, owed: dict[int, int]) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(_lines(owed))
            os.replace(fresh, self._path)
        except OSError as error:
            # What stays there in vain is found to be a duplicate.
            log.warning("%s: %s", self._path, error)


def _lines(owed: dict[int, int]) -> bytes:
    return b"".join(b"%d %d\n" % (seq0, seq1) for seq1, seq0 in owed.items())


def _read(path: Path) -> dict[int, int]:
    """Last number → first; a line that was not finished was not acknowledged."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    pairs = [line.split() for line in lines if line.endswith(b"\n")]
    return {int(pair[1]): int(pair[0]) for pair in pairs if len(pair) == 2 and all(word.isdigit() for word in pair)}
