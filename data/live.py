"""Keeps the tables of a web process up to date: history at start, then the tail of accepted batches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from data import standing
from data.ageing import Ages
from data.answers import ServedFrom
from data.batches import Batch
from data.beside import Mending, recall
from data.clock import Clock
from data.collector_line import SOCKET, Line
from data.errors import Unavailable
from data.health import FeedHealth, read_health
from data.history_read import HistoryReader
from data.last_known import LastKnown, Shot, follows, shot_of
from data.manifest import Load, Manifest
from data.pack import Pack
from data.quarantine_view import QuarantineView
from data.state import State
from data.tables import MemoryTables

log = logging.getLogger(__name__)
REBUILD_S, HEALTH_S, FORGET_S, LOOK_S, DESK_S, REST = 30.0, 1.0, 60.0, 1.0, 1.0, 10.0
# Turns without a batch, 0.4 s each, after which what history has more can only be read there.
PATIENCE = 3
# What the pages listen to when the quarantine changes: no feed's name can look like this.
CHANGED = "~quarantine"
_NEVER = FeedHealth("")
Listener = Callable[[int, tuple[str, ...]], None]


class Live:
    """One background thread per web process; readers take `lock` and look at `tables`.

    The ladder: live (Redis' tail) → memory (Redis lost, the tables as they were) → disk (the tables as a process of
    before kept them) → history (read from its files, also while Redis stays away) → none.

    heard_us: instant (µs UTC) up to which the tables were complete.
    """

    def __init__(self, pack: Pack, state: State, reader: HistoryReader, clock: Clock, state_dir: Path) -> None:
        self.pack, self.clock = pack, clock
        self.tables = MemoryTables(pack, reader)
        self.lock = threading.RLock()
        self.health: dict[str, FeedHealth] = {}
        self.served_from: ServedFrom = "none"
        self.generation = self.turns = self.changes = self.heard_us = 0
        self.trouble = ""
        self.collector = Line(state_dir / SOCKET)
        self._state, self._reader, self._dir, self._ages = state, reader, state_dir, Ages()
        self._listeners: list[Listener] = []
        self._stop = threading.Event()
        self._marks = {"rebuild": 0.0, "health": 0.0, "look": 0.0, "desk": 0.0, "forget": time.monotonic()}
        self._bulk, self._behind, self._rest = -1, 0, REBUILD_S
        self._manifest, self._readable = Manifest(), True
        # Redis is being followed; the tables lack something that history has.
        self._follows, self._hole, self._refuses = False, False, ""
        self.quarantine, self._refusals = QuarantineView(state_dir / "quarantine"), (0, 0)
        self._known = LastKnown(pack, reader, state_dir)
        self._mending = Mending(reader, state, self.lock, lambda: self.tables, self._mended)
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Takes what was kept on disk, or else reads history; then follows in the background."""
        if not self._resume():
            self._rebuild()
        self._look()
        self._read_health()
        self._thread.start()
        recall(self._stop, self.lock, lambda: self.tables)
        self._mending.keep_going(self._stop)
        self._known.keep_going(self._stop, self._shot)

    def stop(self) -> None:
        """Ends the thread and keeps the tables for the next start."""
        self._stop.set()
        self._thread.join(5)
        self._known.keep(self._shot())

    def listen(self, listener: Listener) -> None:
        """Calls `listener(seq, changed feeds)` after changes, from the background thread."""
        self._listeners.append(listener)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except Unavailable:
                self._follows = False
                self.served_from = "memory" if self.served_from == "live" else self.served_from
                self._look()
                self._from_disk()
                self._stop.wait(0.5)
            except Exception:
                log.exception("a turn failed; reading everything again from history")
                self._stop.wait(1.0)
                self._rebuild()

    def _resume(self) -> bool:
        """Takes the kept tables; False where history must be read because it, but not the tail, has more than they."""
        kept = self._known.take()
        if kept is None:
            return False
        tables, head = kept
        manifest = self._seen()
        if manifest is not None and not follows(manifest, head):
            log.warning("最后已知数据不采用：历史比它更旧（可能从备份恢复过），改从历史读取")
            return False
        tables.forget(self.clock.now_us())
        with self.lock:
            self.tables, self.served_from, self.heard_us = tables, "disk", head["heard"]
            self._mending.owe(head["owed"], tables.seq)
        self._bulk = head["bulk"]
        loads = manifest.loads_after(self._bulk) if manifest is not None else ()
        if loads is None or tables.holds(loads):
            return False
        self._older(loads)
        self._catch_up()
        return manifest is None or manifest.checkpoint <= tables.seq

    def _catch_up(self) -> None:
        """Applies what the tail has since, as long as it goes on where the tables end."""
        try:
            while (batches := self._state.tail(self.tables.seq)) and batches[0].seq0 <= self.tables.seq + 1:
                self._take(batches)
        except Unavailable as error:
            log.warning("the tail is not readable: %s", error)

    def _turn(self) -> None:
        batches = self._state.tail(self.tables.seq, block_ms=400)
        manifest = self._seen()
        if not self._missed(batches, manifest) or not self._rebuild():
            changed = self._take(batches)
            self._follows, self.heard_us = True, self.clock.now_us()
            if not self._hole:
                self.served_from = "live"
            elif self.served_from == "live":
                self.served_from = "memory"
            self._tell(changed)
        self._every("desk", DESK_S, self._refused)
        self._every("look", LOOK_S, self._look)
        self._every("health", HEALTH_S, self._read_health)
        self._every("forget", FORGET_S, self._forget)
        if manifest is not None:
            self._take_loads(manifest)

    def _take(self, batches: Sequence[Batch]) -> list[str]:
        changed: list[str] = []
        with self.lock:
            for batch in batches:
                self._mending.note(batch)
                if self.tables.apply(batch):
                    changed.append(batch.feed)
        return changed

    def _mended(self, feeds: list[str]) -> None:
        """Events have become others without a new row: what was answered of them is asked again."""
        self.generation += 1
        self._tell(feeds)

    def _seen(self) -> Manifest | None:
        """What history holds; None while that cannot be read, which is logged once."""
        try:
            self._manifest = self._reader.manifest()
        except Unavailable as error:
            if self._readable:
                log.warning("history not readable: %s", error)
            self._readable = False
            return None
        self._readable = True
        return self._manifest

    def _take_loads(self, manifest: Manifest) -> None:
        """Reads everything again for what the tail does not bring, bulk publishes only if memory must hold them."""
        loads = manifest.loads_after(self._bulk)
        if self._hole or self._behind > PATIENCE or loads is None or self.tables.holds(loads):
            self._every("rebuild", self._rest, self._rebuild)
        elif loads:
            self._older(loads)
            self._tell([load.feed for load in loads])

    def _older(self, loads: Sequence[Load]) -> None:
        with self.lock:
            self.tables.grew_older(loads)
            self._bulk += len(loads)

    def _refused(self) -> None:
        """Refusals and what became of them, for the pages that show them."""
        found = self.quarantine.version()
        if found != self._refusals:
            self._refusals = found
            self.changes += 1
            self._tell([CHANGED])

    def _missed(self, batches: Sequence[Batch], manifest: Manifest | None) -> bool:
        """True when rows between what memory holds and the tail's first are only in history."""
        gap = bool(batches) and batches[0].seq0 > self.tables.seq + 1
        if manifest is None:
            self._hole = self._hole or gap
            return False
        ahead = manifest.checkpoint > self.tables.seq
        self._behind = self._behind + 1 if ahead and not batches else 0
        return ahead and gap

    def _from_disk(self) -> None:
        """Without Redis: history, once it has more than memory."""
        self._every("health", HEALTH_S, self._read_health)
        manifest, seq = self._seen(), self.tables.seq
        if manifest is not None and (self._hole or manifest.checkpoint > seq or
                                     (manifest.bulk != self._bulk and manifest.checkpoint == seq)):
            self._every("rebuild", self._rest, self._rebuild)

    def _every(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        if time.monotonic() - self._marks[name] >= seconds:
            work()
            self._marks[name] = time.monotonic()

    def _tell(self, changed: list[str]) -> None:
        if changed:
            feeds = tuple(sorted(set(changed)))
            for listener in self._listeners:
                listener(self.tables.seq, feeds)

    def _look(self) -> None:
        """Says what stands still behind the pages; a change is told at once, without a feed."""
        self.heard_us += self._ages.look(self.clock.now_us())
        age_us = self.clock.now_us() - self.heard_us if self.tables.loaded else None
        redis = standing.Tail(self._follows, self._refuses)
        found = standing.sentence(age_us, redis, self._readable and not self._hole, self.collector, self._dir)
        found = "；".join(filter(None, (found, self._ages.words())))
        if found != self.trouble:
            self.trouble = found
            for listener in self._listeners:
                listener(self.tables.seq, ())

    def _rebuild(self) -> bool:
        """Reads everything from history beside the present tables, then swaps them; rests far longer after it."""
        began = time.monotonic()
        try:
            manifest = self._reader.manifest()
            fresh = MemoryTables(self.pack, self._reader)
            fresh.load(self.clock.now_us())
            if self.tables.remembers_past:
                # Read here, where nobody waits, not under the lock of the next reader.
                fresh.past_events()
        except Unavailable as error:
            log.warning("history not readable: %s", error)
            self._hole = True
            return False
        except Exception:
            # One thread follows for all readers: what it cannot understand must not end it, nor the start.
            log.exception("history not understood; the tables stay as they are")
            self._hole = True
            return False
        self._rest = max(REBUILD_S, REST * (time.monotonic() - began))
        if not fresh.loaded and self.tables.loaded:
            return False
        with self.lock:
            self.tables, self._bulk, self._hole, self._behind = fresh, manifest.bulk, False, 0
            self.generation += 1
        if fresh.loaded and self.served_from != "live":
            self.served_from = "history"
            self.heard_us = max((entry.received1 for entry in manifest.files), default=0)
        self._tell(list(fresh.versions))
        return True

    def _shot(self) -> Shot | None:
        """The tables for the disk; None while they lack something."""
        with self.lock:
            if self._hole or not self.tables.loaded:
                return None
            return shot_of(self.tables, bulk=self._bulk, heard=self.heard_us, publish=self._manifest.version,
                           checkpoint=min(self._manifest.checkpoint, self.tables.seq), owed=self._mending.owed())

    def _forget(self) -> None:
        with self.lock:
            self.tables.forget(self.clock.now_us())

    def _read_health(self) -> None:
        """Feed states from Redis; from the collector's last file where Redis is away or takes nothing."""
        before = self.health
        told, self._refuses = read_health(self._dir / "health.json")
        try:
            found = told if self._refuses and told else self._state.health() or told
        except Unavailable:
            found = told or self.health
        now_us = self.clock.now_us()
        # After the reading, so that no record read was stamped after a jump that is not known yet.
        self.heard_us += self._ages.look(now_us)
        self.health = self._ages.of(found, now_us)
        turned = [feed for feed, now in self.health.items() if before.get(feed, _NEVER).mark != now.mark]
        self.turns += bool(turned)
        self._tell(turned)
