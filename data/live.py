"""Keeps the tables of a web process up to date: history at start, then the tail of accepted batches."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from data.answers import ServedFrom
from data.clock import Clock
from data.errors import Unavailable
from data.health import FeedHealth
from data.history_read import HistoryReader
from data.pack import Pack
from data.quarantine_view import QuarantineView
from data.state import State
from data.statefolder import shortage
from data.tables import MemoryTables

log = logging.getLogger(__name__)
REBUILD_S, HEALTH_S, FORGET_S, LOOK_S, REST = 30.0, 1.0, 60.0, 1.0, 10.0
RECALL_S, DESK_S = 15.0, 1.0
# What the pages listen to when the quarantine changes: no feed's name can look like this.
CHANGED = "~quarantine"
STATE_LOST, COLLECTOR_LOST = "状态库中断，画面为最后已知数据", "采集中断，新数据暂未进入"
Listener = Callable[[int, tuple[str, ...]], None]


class Live:
    """One background thread per web process; readers take `lock` and look at `tables`.

    The ladder: live (Redis' tail) → memory (Redis lost, the tables as they were) → history (read from disk, also while
    Redis stays away) → none.
    """

    def __init__(self, pack: Pack, state: State, reader: HistoryReader, clock: Clock, state_dir: Path) -> None:
        self.pack, self.clock = pack, clock
        self.tables = MemoryTables(pack, reader)
        self.lock = threading.RLock()
        self.health: dict[str, FeedHealth] = {}
        self.served_from: ServedFrom = "none"
        self.generation = self.turns = self.changes = 0
        self.trouble = ""
        self.collector = state_dir / "collector.sock"
        self._state, self._reader, self._dir = state, reader, state_dir
        self._listeners: list[Listener] = []
        self._stop = threading.Event()
        self._marks = {"rebuild": 0.0, "health": 0.0, "look": 0.0, "desk": 0.0, "forget": time.monotonic()}
        self._bulk = self._version = -1
        self._quarantine, self._refusals = QuarantineView(state_dir / "quarantine"), (0, 0)
        self._rest = REBUILD_S
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Loads from disk, then follows in the background."""
        self._rebuild()
        self._read_health()
        self._thread.start()
        threading.Thread(target=self._recall, name="recall", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join(5)

    def listen(self, listener: Listener) -> None:
        """Calls `listener(seq, changed feeds)` after changes, from the background thread."""
        self._listeners.append(listener)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except Unavailable:
                self.served_from = "memory" if self.served_from == "live" else self.served_from
                self._from_disk()
                self._look()
                self._stop.wait(0.5)
            except Exception:
                log.exception("a turn failed; reading everything again from history")
                self._stop.wait(1.0)
                self._rebuild()

    def _recall(self) -> None:
        """Reads the ended events a while after the start, so that the first question about them need not."""
        while not self._stop.wait(RECALL_S):
            tables = self.tables
            if tables.remembers_past:
                return
            try:
                facts = tables.past_facts()
            except Unavailable as error:
                log.warning("ended events not readable: %s", error)
                continue
            with self.lock:
                tables.take_past(*facts)

    def _turn(self) -> None:
        batches = self._state.tail(self.tables.seq, block_ms=400)
        if self._missed(batches[0].seq0 if batches else 0):
            self._rebuild()
            return
        changed = []
        with self.lock:
            for batch in batches:
                if self.tables.apply(batch):
                    changed.append(batch.feed)
        self.served_from = "live"
        self._tell(changed)
        self._every("desk", DESK_S, self._refused)
        self._every("health", HEALTH_S, self._read_health)
        self._every("look", LOOK_S, self._look)
        self._every("forget", FORGET_S, self._forget)
        self._take_loads()

    def _take_loads(self) -> None:
        """Bulk publishes: read everything again only for those that memory must hold."""
        manifest = self._reader.manifest()
        loads = manifest.loads_after(self._bulk)
        if loads is None or self.tables.holds(loads):
            self._every("rebuild", self._rest, self._rebuild)
        elif loads:
            with self.lock:
                self.tables.grew_older(loads)
            self._bulk = manifest.bulk
            self._tell([load.feed for load in loads])

    def _refused(self) -> None:
        """Refusals and what became of them, for the pages that show them."""
        found = self._quarantine.version()
        if found != self._refusals:
            self._refusals = found
            self.changes += 1
            self._tell([CHANGED])

    def _missed(self, first: int) -> bool:
        """True when batches between what memory holds and the tail's first are only in history."""
        return first > self.tables.seq + 1 and self._reader.manifest().checkpoint > self.tables.seq

    def _from_disk(self) -> None:
        self._every("health", HEALTH_S, self._read_health)
        if self._reader.manifest().version != self._version:
            self._every("rebuild", self._rest, self._rebuild)

    def _every(self, name: str, seconds: float, work: Callable[[], None]) -> None:
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
        lost = [(STATE_LOST, self.served_from != "live"), (COLLECTOR_LOST, not listens(self.collector))]
        found = "；".join(filter(None, [*(words for words, true in lost if true), shortage(self._dir)]))
        if found != self.trouble:
            self.trouble = found
            for listener in self._listeners:
                listener(self.tables.seq, ())

    def _rebuild(self) -> None:
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
            return
        except Exception:
            # One thread follows for all readers: what it cannot understand must not end it, nor the start.
            log.exception("history not understood; the tables stay as they are")
            return
        if not fresh.loaded and self.tables.loaded:
            return
        with self.lock:
            self.tables = fresh
            self.generation += 1
        self._bulk, self._version = manifest.bulk, manifest.version
        self._rest = max(REBUILD_S, REST * (time.monotonic() - began))
        if fresh.loaded and self.served_from != "live":
            self.served_from = "history"
        self._tell(list(fresh.versions))

    def _forget(self) -> None:
        with self.lock:
            self.tables.forget(self.clock.now_us())

    def _read_health(self) -> None:
        """Feed states from Redis, else from the collector's last file."""
        before = self.health
        try:
            self.health = self._state.health() or read_health(self._dir / "health.json")
        except Unavailable:
            self.health = read_health(self._dir / "health.json") or self.health
        turned = [feed for feed, now in self.health.items() if _standing(before.get(feed)) != _standing(now)]
        self.turns += bool(turned)
        self._tell(turned)


def _standing(health: FeedHealth | None) -> tuple[bool, bool]:
    """(ever delivered, failing): what changes a feed's mark at once, not only with time."""
    return (health is not None and health.last_received > 0, health is not None and health.failing_since > 0)


def listens(path: Path) -> bool:
    """Whether a process takes connections on a unix socket; one that is busy does."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(0.2)
            line.connect(str(path))
    except (TimeoutError, BlockingIOError):
        return True
    except OSError:
        return False
    return True


def read_health(path: Path) -> dict[str, FeedHealth]:
    """Feed states of a file; empty when there is none or it is torn."""
    try:
        raw = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {feed: FeedHealth.of(fields) for feed, fields in raw["feeds"].items()}
