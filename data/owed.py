"""What one of several collectors acknowledged and the history may lack: taken up again where Redis forgot it.

A new master of Redis may lack the last batches of the old one. Whoever has the history's lease mostly read them before;
if it had not, or died before its commit, they are in the spool of the collector that acknowledged them, and nowhere
else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from data.acknowledged import NAME, Note, append_notes, note_of, read_notes, write_notes
from data.batches import Batch, Verdict
from data.spool import Spool
from data.state import State

log = logging.getLogger("yiping.collect")
LOOK_S = 1.0
# So long the history stands at the end of the tail before a batch that lies beyond counts as forgotten by all.
QUIET_S = 15.0
TakeUp = Callable[[Batch], "Future[Verdict] | None"]


class Asked(NamedTuple):
    """Batches of one feed that were handed in as one, their last numbers, and the answer."""

    batch: Batch
    numbers: set[int]
    answer: Future[Verdict]


class Owed:
    """Numbers of acknowledged batches until the history is known to hold them; a file beside the spool's segments.

    `announce` tells the webs to read again: some may have read a batch that nobody else has.

    Attributes:
        takes: whether what is missing of a feed can be handed in by this collector now.
        take_up: hands in what is missing of a feed again, all of it at once: a crash in between would leave an older
            version on top. None while another holds the feed.
    """

    def __init__(self, state: State, spool: Spool, folder: Path, announce: Callable[[Batch], None]) -> None:
        self._state, self._spool, self._path, self._announce = state, spool, folder / NAME, announce
        # Guards what is noted, what is missing, and what is being published: two threads ask.
        self._lock = threading.Lock()
        self._open = read_notes(self._path)
        write_notes(self._path, self._open)
        self._missing: set[int] = set()
        self._going: set[int] = set()
        self._asked: dict[str, Asked] = {}
        self._looked = self._quiet = 0.0
        # What was noticed before a crash is looked for once more.
        self._known = False
        self.takes: Callable[[str], bool] = lambda _feed: False
        self.take_up: TakeUp = lambda _batch: None

    def add(self, batches: Sequence[Batch]) -> None:
        """They are about to be published. Raises Unavailable: that cannot be noted.

        What comes of it may never be known: then they are looked for, and what is there already is a duplicate.
        """
        fresh = {batch.seq1: note_of(batch) for batch in batches}
        with self._lock:
            append_notes(self._path, fresh)
            self._open |= fresh
            self._going = set(fresh)

    def landed(self) -> None:
        """The publishing of what was added is over, however it went."""
        with self._lock:
            self._going = set()

    @property
    def numbers(self) -> set[int]:
        """The last numbers of these batches."""
        with self._lock:
            return set(self._open)

    @property
    def first(self) -> int:
        """The spool is needed from this number on; a great one where nothing is owed."""
        with self._lock:
            return min((note.seq0 for note in self._open.values()), default=1 << 62)

    def status(self) -> dict[str, Any]:
        """How many batches are noted, how many of them Redis forgot, and for how long the oldest is noted (s)."""
        with self._lock:
            since = min((note.since for note in self._open.values()), default=0.0)
            age = max(0.0, time.time() - since) if since else 0.0
            return {"batches": len(self._open), "missing": len(self._missing), "age_s": round(age),
                    "feeds": sorted({self._open[seq1].feed for seq1 in self._missing})}

    def look(self, safe: int) -> None:
        """Lets go of what the history holds, which is written up to `safe`, and takes up what is missing.

        Raises:
            Unavailable: Redis or the history's database is away.
        """
        if time.monotonic() - self._looked < LOOK_S or not self._open:
            return
        self._looked = time.monotonic()
        mine = self.numbers
        self.check()
        # An old master that still answers holds ours, and not what the history read since from the new one.
        followed = safe > 0 and self._state.holds(safe)
        with self._lock:
            missing, held = set(self._missing), mine - self._missing - self._going
        if followed:
            self._settle({seq1 for seq1 in held if seq1 <= safe})
        gone = bool(missing) and self._state.last_seq() <= safe
        self._quiet = (self._quiet or self._looked) if gone else 0.0
        certain = gone and self._looked - self._quiet >= QUIET_S
        self._answered()
        self._bring({seq1 for seq1 in missing if certain or (followed and seq1 <= safe)})

    def check(self, end: int = 0) -> None:
        """Notices what Redis forgot, which is the end of its tail: where the last of ours is, all are.

        To be asked before anything else is published. `end`: the number at which the tail ends.

        Raises:
            Unavailable: Redis is away.
        """
        with self._lock:
            # They were added in the order of their numbers.
            mine = [seq1 for seq1 in self._open if seq1 not in self._going]
        last = mine[-1] if mine else 0
        if last and not (self._known and (last == end or self._state.holds(last))):
            held = self._held(mine)
            with self._lock:
                found = self._open.keys() & set(mine) - held
                fresh = found - self._missing
                self._missing = found
            if fresh:
                log.warning("%d acknowledged batches are not in Redis", len(found))
        self._known = True

    def _held(self, numbers: Collection[int]) -> set[int]:
        """Which of these batches are in the tail, in one pass over it."""
        found: set[int] = set()
        after, last = min(numbers, default=0) - 1, max(numbers, default=-1)
        while after < last and (batches := self._state.tail(max(0, after))):
            found.update(batch.seq1 for batch in batches)
            after = batches[-1].seq1
        return found & set(numbers)

    def _answered(self) -> None:
        for feed, asked in list(self._asked.items()):
            if not asked.answer.done():
                continue
            if (error := asked.answer.exception()) is not None:
                log.warning("batches up to %d of %s not taken up yet: %s", asked.batch.seq1, feed, error)
            else:
                if asked.answer.result().accepted:
                    # Where this fails the answer is kept, and it is told again.
                    self._announce(asked.batch)
                log.warning("batches up to %d of %s, forgotten by Redis, taken up: %s", asked.batch.seq1, feed,
                            asked.answer.result())
                self._settle(asked.numbers)
            del self._asked[feed]

    def _bring(self, wanted: set[int]) -> None:
        """Hands in what is missing of the feeds that can be handed in."""
        with self._lock:
            feeds = {seq1: note.feed for seq1, note in self._open.items() if seq1 in wanted}
        asked = {seq1 for one in self._asked.values() for seq1 in one.numbers}
        ready = {seq1 for seq1, feed in feeds.items()
                 if seq1 not in asked and feed not in self._asked and (feed == "?" or self.takes(feed))}
        # A publishing that was given up may have been carried out since.
        back = self._held(ready)
        with self._lock:
            self._missing -= back
        ready -= back
        found = batches_of(self._spool, ready)
        lost = ready - {batch.seq1 for batches in found.values() for batch in batches}
        if lost:
            log.error("batches up to %s are neither in Redis nor on this disk", sorted(lost))
            self._settle(lost)
        for feed, batches in found.items():
            whole = one_of(batches)
            answer = None if feed in self._asked else self.take_up(whole)
            if answer is not None:
                self._asked[feed] = Asked(whole, {batch.seq1 for batch in batches}, answer)

    def _settle(self, done: set[int]) -> None:
        with self._lock:
            self._missing = self._missing - done
            if not done & self._open.keys():
                return
            self._open = {seq1: note for seq1, note in self._open.items() if seq1 not in done}
            write_notes(self._path, self._open)


def batches_of(spool: Spool, numbers: Collection[int]) -> dict[str, list[Batch]]:
    """The batches of a spool that end with these numbers, by feed, in one pass."""
    found: dict[str, list[Batch]] = {}
    if not numbers:
        return found
    last = max(numbers)
    for batch in spool.frames(min(numbers) - 1):
        if batch.seq1 in numbers:
            found.setdefault(batch.feed, []).append(batch)
        if batch.seq1 >= last:
            break
    return found


def one_of(batches: Sequence[Batch]) -> Batch:
    """Batches of one feed as one; between its numbers others may be missing."""
    first, last = batches[0], batches[-1]
    return Batch(first.seq0, last.seq1, first.feed, first.kind, last.received,
                 [row for batch in batches for row in batch.rows])


def left_over(spool: Spool, folder: Path, take_up: TakeUp) -> None:
    """Has the only collector take up what was noted while it was one of several, then lets go of the notes.

    What the history holds is a duplicate. Where one fails, the notes stay for the next start.
    """
    path = folder / NAME
    notes = read_notes(path)
    if not notes:
        return
    found = batches_of(spool, notes)
    log.warning("%d batches were acknowledged while there were several collectors: looked for in the history",
                len(notes))
    answers = [answer for batches in found.values() if (answer := take_up(one_of(batches))) is not None]
    waiting, lock = set(answers), threading.Lock()

    def answered(answer: Future[Verdict]) -> None:
        if (error := answer.exception()) is not None:
            log.error("%s: kept for the next start: %s", path, error)
            return
        with lock:
            waiting.discard(answer)
            over = not waiting
        if over:
            write_notes(path, {})

    _report(notes, found.values())
    for answer in answers:
        answer.add_done_callback(answered)
    if not answers:
        write_notes(path, {})


def _report(notes: dict[int, Note], found: Iterable[Sequence[Batch]]) -> None:
    """The spool rests ten minutes at least, and longer where something is owed: what is gone from it was written."""
    gone = notes.keys() - {batch.seq1 for batches in found for batch in batches}
    if gone:
        log.warning("%d of them are no more on this disk", len(gone))
