"""Sources that we read from ourselves: one thread a feed reads, maps, hands in, and only then notes how far it came."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from typing import Any

from data import embedded_redis
from data.collect import Collector, prefix_of
from data.cursors import Cursors
from data.egress import Egress
from data.errors import YipingError
from data.health import seconds
from data.leases import LAPSED, Leases
from data.mapping import RowMapper
from data.pack import PULLED, Feed
from data.sandbox import Parser
from data.settings import Settings
from data.source import Portion, Site, Source
from data.source_faults import Away, Unreadable
from data.state import State

log = logging.getLogger("yiping.pull")
BATCH = 1_000
# Kinds whose rows all have the same columns: a column that is not there has gone.
TABLES = ("file", "sql")
STOP_S = 1.0
STANDBY_S, STEADY_S = 0.5, 60.0
LEAST_S, MOST_S = 1.0, 900.0
BACK_OFF_S, MOST_BACK_OFF_S, MOST_ASKED_S = 30.0, 300.0, 3600.0
BROKEN = "读取这个数据源的程序出错；请把采集器的日志交给维护人员"
# Kind of source → its module; imported when a feed is of that kind, for each brings a library of its own.
KINDS = {"file": "data.sources.dropped", "http": "data.sources.http", "sql": "data.sources.sql",
         "mqtt": "data.sources.mqtt"}


def open_source(site: Site) -> Source:
    """The source of a feed whose kind is one of KINDS.

    Raises:
        WrongInput: a setting that it needs is missing.
    """
    source: Source = import_module(KINDS[site.feed.source.kind]).open_source(site)
    return source


def pause(feed: Feed) -> float:
    """Seconds between two rounds: as declared, else a quarter of the feed's rhythm (1 s to 15 min); files: 1 s."""
    if feed.source.every:
        return max(LEAST_S, seconds(feed.source.every))
    if feed.source.kind == "file":
        return LEAST_S
    return min(MOST_S, max(LEAST_S, seconds(feed.cadence) / 4))


def back_off(failures: int, every_s: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after so many failures in a row: doubling, half to one and a half of it by chance."""
    most = min(MOST_BACK_OFF_S, max(BACK_OFF_S, 4 * every_s))
    return float(min(most, 2.0 ** min(failures, 20))) * (0.5 + chance())


class Pulling:
    """All pulled feeds of a collector, and their leases where several collectors share one Redis."""

    def __init__(self, collector: Collector, settings: Settings, parser: Parser | None = None) -> None:
        feeds = {name: feed for name, feed in collector.pack.feeds.items() if feed.source.kind in KINDS}
        leased = [name for name, feed in feeds.items() if feed.source.kind in PULLED]
        # With the embedded Redis nobody else can be there: the lock of the state folder is the lease.
        shared = leased and embedded_redis.is_shared(settings)
        self._state = State(embedded_redis.url(settings, "state"), prefix_of(collector.pack)) if shared else None
        self._cursors = Cursors(collector.folder / "cursors", self._state)
        # One of several collectors has leases of all feeds, and keeps them itself.
        self._own = collector.together is None
        self._leases = collector.together.leases if collector.together else Leases(
            self._state, leased, self._cursors.turn)
        alone = Leases(None, (), self._cursors.turn)
        egress, self.parser = Egress(settings.pull_allow), parser or Parser()
        sites = [Site(name, feed, collector.pack, collector.folder, collector.clock, egress, self.parser)
                 for name, feed in feeds.items()]
        of = {site.name: self._leases if site.name in leased or not self._own else alone for site in sites}
        self.pullers = {site.name: Puller(collector, site, of[site.name], self._cursors) for site in sites}

    def start(self) -> None:
        """Begins to pull."""
        for thread in (*([self._leases] if self._own else []), *self.pullers.values()):
            thread.start()

    def stop(self) -> None:
        """Ends after the present batches and gives the leases back."""
        for puller in self.pullers.values():
            puller.stop()
        until = time.monotonic() + STOP_S
        for puller in self.pullers.values():
            if puller.ident is not None:
                puller.join(max(0.0, until - time.monotonic()))
        if not any(puller.is_alive() for puller in self.pullers.values()):
            # Taken from under a puller, the parser's end would be held against the file; it ends with us anyhow.
            self.parser.close()
        if self._own:
            self._leases.stop()
        if self._state is not None:
            self._state.close()


class Puller(threading.Thread):
    """Reads one feed, round after round; while another collector holds its lease it only waits."""

    def __init__(self, collector: Collector, site: Site, leases: Leases, cursors: Cursors) -> None:
        super().__init__(name=f"pull-{site.name}", daemon=True)
        self._collector, self._site, self._leases, self._cursors = collector, site, leases, cursors
        self._ends = threading.Event()
        self._source: Source | None = None
        self._every = pause(site.feed)
        self._failures, self._wait, self._begun = 0, 0.0, 0.0
        self._mappers: dict[str, RowMapper] = {}
        self._counts = [0, 0, 0]

    def stop(self) -> None:
        """Ends the thread after the present batch."""
        self._ends.set()

    def run(self) -> None:
        """Rounds until stopped; should even this end by an exception, the whole process is started afresh."""
        finished = False
        try:
            while not self._ends.wait(self._pause()):
                self.look()
            self._close()
            finished = True
        finally:
            if not finished:
                self._collector.failed.set()

    def _pause(self) -> float:
        if self._source is None and not self._failures:
            return STANDBY_S if self._leases.turn(self._site.name) < 0 else 0.0
        return self._wait

    def look(self) -> None:
        """One round, if the feed is ours; a failure is booked and makes the next one wait longer."""
        turn = self._leases.turn(self._site.name)
        if turn < 0:
            self._failures = 0
            self._close()
            return
        self._begun = time.monotonic()
        try:
            self._round(turn)
        except YipingError as error:
            self._failed(str(error), error.raw if isinstance(error, (Away, Unreadable)) else "",
                         min(MOST_ASKED_S, error.retry_after_s) if isinstance(error, Away) else 0.0)
        except Exception:
            # A source that breaks the program must not stop the other feeds.
            log.exception("feed %s: pulling failed", self._site.name)
            self._failed(BROKEN, "", 0.0)
        else:
            self._failures = 0
            self._wait = self._every * random.uniform(0.9, 1.1)

    def _failed(self, sentence: str, raw: str, asked_s: float) -> None:
        if time.monotonic() - self._begun > STEADY_S:
            # A source that never ends (MQTT) went well until now.
            self._failures = 0
        first = not self._failures
        self._failures += 1
        self._wait = max(asked_s, back_off(self._failures, self._every))
        self._close()
        self._collector.book.failed(self._site.name, sentence, self._collector.clock.now_us())
        if first and raw:
            try:
                self._collector.refuse(self._site.name, [(raw, sentence)])
            except YipingError as error:
                log.error("feed %s: not kept in quarantine: %s", self._site.name, error)

    def _round(self, turn: int) -> None:
        if self._source is None:
            self._source = open_source(self._site)
        with closing(self._source.portions(self._cursors.read(self._site.name, self._site.feed))) as portions:
            for portion in portions:
                if self._ends.is_set() or self._leases.turn(self._site.name) != turn:
                    # A connection that stays would be in the successor's way.
                    self._close()
                    return
                self._deliver(portion, turn)

    def _deliver(self, portion: Portion, turn: int) -> None:
        name, book, clock = self._site.name, self._collector.book, self._collector.clock
        rows, bad = self._understood(portion)
        if bad:
            self._collector.refuse(name, bad)
            self._counts[2] += len(bad)
        for start in range(0, len(rows), BATCH):
            verdict = self._collector.submit(name, rows[start:start + BATCH], lambda: self._lapsed(turn)).result()
            for i, number in enumerate((verdict.accepted, verdict.duplicate, len(verdict.rejected))):
                self._counts[i] += number
        if portion.cursor is not None:
            self._cursors.keep(name, self._site.feed, turn, portion.cursor)
        portion.done()
        if portion.title:
            log.warning("feed %s: %s: accepted %d, duplicate %d, rejected %d", name, portion.title, *self._counts)
            self._counts = [0, 0, 0]
        if portion.down:
            book.failed(name, portion.down, clock.now_us())
        else:
            book.answered(name, clock.now_us(), portion.read_as)

    def _understood(self, portion: Portion) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        """Canonical rows of a portion, and (raw text, reason) of what is none; its columns are noticed."""
        sample = next(iter(portion.rows), portion.sample)
        if sample is not None:
            self._collector.seen(self._site.name, sample, whole=self._site.feed.source.kind in TABLES)
        if not portion.rows:
            return portion.canonical, portion.bad
        mapped = self._mapper(portion.bare_time).apply(portion.rows)
        return [*portion.canonical, *mapped.rows], [*portion.bad, *mapped.rejected]

    def _lapsed(self, turn: int) -> str:
        return "" if self._leases.turn(self._site.name) == turn else LAPSED

    def _mapper(self, bare_time: str) -> RowMapper:
        found = self._mappers.get(bare_time)
        if found is None:
            found = self._mappers[bare_time] = RowMapper(self._site.feed, self._site.clock, bare_time)
        return found

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()
