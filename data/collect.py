"""The collector: doors → acceptance → spool → Redis and history, in one process that owns all three."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from data import embedded_redis
from data.acceptance import Lane
from data.acceptor import Stores
from data.again import Again
from data.ageing import Ages
from data.audit import AuditFile
from data.batches import Batch, Verdict
from data.bulks import Bulks
from data.carriers import Historian, Publisher
from data.drift import Drift
from data.errors import NotFound, Unavailable
from data.feedbook import FeedBook
from data.health import FeedHealth
from data.history import files_of, open_reader, open_writer
from data.identity import IdentityIndex
from data.ledger import Ledger
from data.owed import left_over
from data.pack import Pack
from data.placing import register
from data.quarantine import Quarantine, Refused
from data.quarantine_view import QuarantineView
from data.records import FIELDS
from data.registry import Registry
from data.replaying import Replaying
from data.retention import Keeper
from data.settings import Settings
from data.shared_history import SharedHistorian
from data.spool import Spool
from data.state import State
from data.state_layout import bring_up_to_date
from data.statefolder import prepare, shortage
from data.together import NO_BULK, acceptor_of, together_of
from data.watch import FeedWatch
from geo.locate import Locator

log = logging.getLogger("yiping.collect")
TICK_S, TIDY_S = 1.0, 3600.0
STOP_S = 3.0
QUARANTINE = "quarantine"


def prefix_of(pack: Pack) -> str:
    """Prefix of all Redis keys of a place."""
    return f"yp:{pack.place.code}:"


class Collector:
    """Everything behind the doors. One per state folder: a second one is refused.

    Attributes:
        pack, clock: the place and its time.
        folder: the state folder.
        quarantine, book: refused records, health of feeds. replaying: sends refused records in again.
        bulks: whole files.
        failed: set when a part ended by an exception; the process should end, a fresh one recovers.

    Raises:
        Unavailable: another collector holds the state folder, or spool or history cannot be opened.
    """

    def __init__(self, settings: Settings, pack: Pack) -> None:
        self.pack = pack
        self.clock = settings.clock()
        # A restart on a disk that is nearly full must work: it refuses records and carries on those it has.
        self.folder = prepare(settings, 0)
        self.failed = threading.Event()
        self._lease = _lease(self.folder / "collector.lock")
        bring_up_to_date(self.folder)
        self._ends = threading.Event()
        self._spool = Spool(self.folder / "spool")
        self._history = open_reader(settings, pack)
        self._writer = open_writer(settings, pack, self.clock)
        self._state = State(embedded_redis.url(settings, "state"), prefix_of(pack))
        self._index = IdentityIndex(self._history)
        self._registry = Registry(pack.divisions, Locator(pack.divisions))
        self.quarantine = Quarantine(self.folder / QUARANTINE)
        self._ledger = Ledger(self.folder)
        self._drift = Drift(self._ledger)
        self.book = FeedBook(self.folder, ZoneInfo(pack.place.timezone), pack.feeds, self._ledger)
        self._watch = FeedWatch(pack, self.book, self._ledger, self.submit, settings.mode == "demo")
        lanes = {name: Lane(name, feed, pack, self._registry, self._index)
                 for name, feed in pack.feeds.items()}
        self.together = together_of(settings, pack, (self._state, self._writer, self.book, self._spool), self.folder)
        stores = Stores(self._spool, self.quarantine, self._index, self.book)
        self._acceptor = acceptor_of(self.together, (lanes, stores, self.clock), self._pass_on, self.failed.set)
        self.replaying = Replaying(pack, self.quarantine, QuarantineView(self.folder / QUARANTINE),
                                   AuditFile(self.folder / "audit" / "quarantine.jsonl", self.clock), self.clock,
                                   self._again)
        self._publisher = Publisher(self._spool, self._state, self.failed.set, self._skip_to)
        self._keeper = Keeper(pack, self.folder, self.clock)
        # Months go from files; a database has means of its own.
        tidied = None if files_of(settings) is None else self._keeper.daily
        self._historian = Historian(self._spool, self._writer, self.failed.set, self._committed, tidied)
        if self.together is not None:
            self._watch.mine = self.together.holds
            self._historian = SharedHistorian(self._spool, self.failed.set, self._committed, self.together, self._heard)
        self.bulks = Bulks(pack, self.folder, (self._acceptor, self._historian, self.book), self.clock,
                           self._read_assets)
        self.bulks.refused = "" if self.together is None else NO_BULK
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)

    def start(self) -> None:
        """Recovers what a crash left in the spool, then accepts."""
        rows = self._historian.recover()
        self._acceptor.next_seq = max(self._spool.last_seq, self._writer.last_seq, self._published()) + 1
        unseen = self._acceptor.next_seq if self.together is None else self.together.unpublished(self._spool)
        waiting = self.quarantine.take_back(unseen)
        if waiting:
            log.warning("%d quarantined rows wait again: a crash came before they were written", waiting)
        self._read_assets()
        self._watch.ages = Ages()
        carries = self._publisher if self.together is None else self.together.leases
        threads: tuple[threading.Thread, ...] = (self._acceptor, carries, self._historian, self._ticker)
        for thread in threads:
            thread.start()
        if self.together is None:
            left_over(self._spool, self.folder / "spool", self._acceptor.take_up)
        log.warning("collector ready: next seq %d, %d rows recovered, %d assets", self._acceptor.next_seq, rows,
                    len(self._registry))

    def _published(self) -> int:
        try:
            return self._state.last_seq()
        except Unavailable as error:
            log.warning("start without Redis: %s", error)
            return 0

    def _read_assets(self) -> None:
        register(self._history.current_assets(), self.pack, self._registry)

    def stop(self) -> None:
        """Answers what was handed in, commits the history, and lets go of the state folder."""
        self._ends.set()
        parts = (self._acceptor, self._publisher, self._historian)
        for part in parts:
            part.stop()
        until = time.monotonic() + STOP_S
        for thread in (*parts, self._ticker):
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        try:
            if not self._historian.is_alive():
                self._historian.recover()
        except Unavailable as error:
            log.error("history not committed, the spool keeps it: %s", error)
        self.book.tick(self._send_health, self.clock.now_us(), force=True)
        if self.together is not None:
            self.together.leases.stop()
        self._spool.close()
        self.quarantine.close()
        self._ledger.close()
        self._state.close()
        os.close(self._lease)

    def feed_exists(self, feed: str) -> None:
        """Raises NotFound for a feed that the pack does not declare, Unavailable for one that another collector has."""
        if feed not in self.pack.feeds:
            raise NotFound(f"没有数据源 {feed:.60}；可用的见 feeds.yaml")
        if self.together is not None:
            self.together.ours(feed)

    def submit(self, feed: str, raws: Sequence[Any], lapsed: Callable[[], str] = str) -> Future[Verdict]:
        """Hands in raw canonical records; the verdict comes when they are on disk.

        `lapsed` is asked once more just before: a sentence why they may no longer be taken, '' if they may.

        Raises:
            NotFound: no such feed.
            Unavailable: too much waits, or the disk is nearly full; also out of the future when the disk refuses.
        """
        self.feed_exists(feed)
        self._room()
        return self._acceptor.submit(feed, raws, lapsed)

    def _again(self, feed: str, raws: Sequence[Any], again: Again) -> Future[Verdict]:
        self._room()
        return self._acceptor.submit(feed, raws, again=again)

    def refuse(self, feed: str, items: Sequence[tuple[str, str]]) -> None:
        """Puts (raw text, reason) of what never became canonical into quarantine: whole bodies, lines, rows of files.

        Raises:
            Unavailable: the disk refuses.
        """
        self._room()
        now = self.clock.now_us()
        self.quarantine.put([Refused(feed, reason, now, raw) for raw, reason in items])
        self.book.refused(feed, len(items), now)

    def bulk(self, kind: str, feed: str, paths: Sequence[Path], offset: int | None = None) -> tuple[int, int]:
        """Publishes staged files of a feed, see `Bulks.publish`; Unavailable also while the disk is nearly full."""
        self._room()
        return self.bulks.publish(kind, feed, paths, offset)

    def retain(self, who: str, dry: bool) -> list[dict[str, Any]]:
        """Lets go of what has had its time, see `Keeper.carry_out`."""
        return self._keeper.carry_out(self._writer, who, dry)

    def _room(self) -> None:
        if short := shortage(self.folder):
            raise Unavailable(short)

    def _send_health(self, states: list[FeedHealth]) -> None:
        self._state.set_health([one for one in states if self.together is None or self.together.holds(one.feed)])

    def _heard(self, batch: Batch) -> None:
        """Assets that another collector accepted: stations must be known whoever takes their readings."""
        if batch.kind == "asset" and batch.rows:
            self._acceptor.order(lambda: self._registry.add(batch.rows))

    def _pass_on(self, batches: Sequence[Batch]) -> None:
        if self.together is not None:
            self._publisher.done = max([self._publisher.done, *(batch.seq1 for batch in batches)])
            return
        self._publisher.offer(batches)
        self._historian.offer(batches)

    def _committed(self, checkpoint: int) -> None:
        if self._acceptor.is_alive():
            self._acceptor.order(lambda: self._index.committed(checkpoint))
        owed = checkpoint if self.together is None else self.together.owed.first - 1
        self._spool.drop_until(min(checkpoint, self._publisher.done, owed))

    def _skip_to(self, seq: int) -> None:
        """Redis remembers numbers beyond ours (an older state folder was put back): new ones must lie above them."""
        log.error("Redis is ahead (seq %d): new rows continue above it", seq)
        self._acceptor.order(lambda: setattr(self._acceptor, "next_seq", max(self._acceptor.next_seq, seq + 1)))

    def _tick(self) -> None:
        tidied = 0.0
        while not self._ends.wait(TICK_S):
            self.book.tick(self._send_health, self.clock.now_us(), redis=self._publisher.away)
            self._look()
            if time.monotonic() - tidied > TIDY_S:
                tidied = time.monotonic()
                self._tidy()

    def _look(self) -> None:
        try:
            self._watch.tick(self.clock.now_us())
        except Unavailable as error:
            log.error("feeds not watched: %s", error)

    def seen(self, feed: str, raw: Any, whole: bool) -> None:
        """One record of a delivery as it came, so that a change of columns is noticed; `whole`: a row of a table."""
        if isinstance(raw, Mapping):
            try:
                said = self._drift.seen(feed, raw, self.clock.now_us(), None if whole else self._optional(feed))
            except Unavailable as error:
                said = str(error)
            if said:
                log.warning("feed %s: columns changed: %s", feed, said)

    def _optional(self, feed: str) -> set[str]:
        """Columns that a record of a feed may carry or not: those its mapping names, or the fields of its kind."""
        declared = self.pack.feeds[feed]
        return {*declared.map.columns()} or {spec.name for spec in FIELDS[declared.kind]} | {"demo"}

    def _tidy(self) -> None:
        try:
            self.quarantine.tidy(self.clock.now_us())
        except Unavailable as error:
            log.error("quarantine not tidied: %s", error)

    def status(self) -> dict[str, Any]:
        """Parts with their failure ('' = well), rows not yet published and not yet in the history, counts, feeds."""
        last = self._spool.last_seq
        redis = self._publisher.away or ("" if self._state.ok else "缓存（Redis）没有应答")
        return {
            "parts": {"spool": shortage(self.folder), "redis": redis, "history": self._historian.away},
            "lags": {"redis": max(0, last - self._publisher.done), "history": max(0, last - self._historian.done)},
            "owed": {} if self.together is None else self.together.owed.status(),
            "last_seq": last, "checkpoint": self._historian.safe, "assets": len(self._registry),
            "refused": self.quarantine.counts(), "late": self.book.late(), "feeds": self.book.states(),
        }


def _lease(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Unavailable(f"{path.parent} 已有采集器在运行；一个状态目录只能有一个，请先停掉它") from error
    return handle
