"""Past instants: the county's tables as they were, each made from those of an instant before where there are such."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from data.answer_memo import AnswerMemo
from data.answers import Window
from data.clock import to_us
from data.contribution_memo import ContributionMemo
from data.formulas import FORMULAS
from data.history_read import HistoryReader
from data.live import Live
from data.metrics import Evaluator
from data.pack import Metric, Pack
from data.past_tables import PastTables
from data.reel import PIECE_US, SETTLED_US, Reel
from data.settled import PointMemo

MOST_INSTANTS, MOST_STRIPS = 12, 2
# Of each instant: what a view of many panels asks several times over.
MOST_ANSWERS, MOST_ROWS = 300, 5_000
# From an instant so far before, the rows received since are taken; from further back everything is read anew.
REACH_US = 2 * PIECE_US
MINUTE = 60_000_000
# What takes so long to read for as known now holds so many times as long: a view of many panels asks for it many times
# while history grows under it, and read anew for each of them it took minutes.
LONG_S, REST = 1.0, 5.0
Feeds = Callable[[Metric], tuple[str, ...]]


class Strip:
    """Instants that were made from each other, with what stays true from one to the next. One thread at a time.

    `feeds`: those whose records may change a metric.
    """

    def __init__(self, root: PastTables, feeds: Feeds) -> None:
        self.lock = threading.RLock()
        self.instants: OrderedDict[int, Then] = OrderedDict()
        self._tables, self._feeds = root, feeds
        # A window that follows the clock ends at the instant itself, not at its minute: nothing is taken from another.
        self._contributions = ContributionMemo(FORMULAS, lambda metric, end: (self._tables.at_us,
                                                                              *self._stamp(metric, end)))
        self._points = PointMemo(self._stamp)

    def _stamp(self, metric: Metric, end_us: int) -> Any:
        return tuple(self._tables.version_before(feed, end_us) for feed in self._feeds(metric))

    def evaluator(self, pack: Pack, tables: PastTables) -> Evaluator:
        """What evaluates at an instant of this strip until the next one is asked for; for who holds the lock."""
        self._tables = tables
        return Evaluator(pack, tables, self._contributions.formulas, self._points)


@dataclass
class Then:
    """The county at an instant: its tables, the strip they belong to, and what was asked of them.

    assets_us: an instant of the strip, not after this one, since which no asset changed.
    """

    tables: PastTables
    strip: Strip
    assets_us: int
    answers: AnswerMemo = field(default_factory=lambda: AnswerMemo(MOST_ANSWERS, MOST_ROWS))


class Past:
    """The instants that were asked for last; safe to use from several threads.

    What may still change (an instant of a minute ago or to come, later corrections) is read again when history has
    grown; as known now and of instants to come, where that takes seconds, not at once but some seconds later.
    """

    def __init__(self, pack: Pack, live: Live, reader: HistoryReader, feeds: Feeds) -> None:
        self._pack, self._live, self._reader, self._feeds = pack, live, reader, feeds
        self._lock = threading.Lock()
        self._strips: OrderedDict[Any, Strip] = OrderedDict()
        # key → the manifest's version that was read, and until when (monotonic s) it holds whatever came since
        self._read: dict[Any, tuple[int, float]] = {}
        self._reels: tuple[int, Reel] = (-1, Reel(reader, live.clock))

    def settled(self, window: Window) -> bool:
        """Whether what a window of the past shows can never change."""
        return (window.at is not None and not window.known_now
                and to_us(window.at) < self._live.clock.now_us() - SETTLED_US)

    def edition(self) -> str:
        """What changes when old rows are imported."""
        return f"past.{self._reader.manifest().bulk}"

    def then(self, window: Window) -> Then | None:
        """The county at the window's instant, None for now.

        Raises:
            Unavailable: history cannot be read.
        """
        if window.at is None:
            return None
        at, manifest = to_us(window.at), self._reader.manifest()
        with self._lock:
            if self.settled(window):
                return self._on_strip(at, manifest.bulk)
            now = self._live.clock.now_us()
            holds = window.known_now or at > now
            key = (at, window.known_now, manifest.bulk, now // MINUTE if at > now else 0)
            if not self._stands(key, manifest.version):
                began = time.monotonic()
                self._keep(key, self._strip_from(at, window.known_now))
                done = time.monotonic()
                rest = REST * (done - began) if holds and done - began >= LONG_S else 0.0
                held = {one: told for one, told in self._read.items() if one in self._strips}
                self._read = held | {key: (manifest.version, done + rest)}
            return self._alone(key, at)

    def _stands(self, key: Any, version: int) -> bool:
        seen, until = self._read.get(key, (-1, 0.0))
        return key in self._strips and (seen == version or time.monotonic() < until)

    def _alone(self, key: Any, at: int) -> Then:
        self._strips.move_to_end(key)
        return self._strips[key].instants[at]

    def _on_strip(self, at: int, bulk: int) -> Then:
        """On a strip that holds the instant or one not long before it, else on a new one."""
        if self._reels[0] != bulk:
            # An import of old rows changes what was known when.
            self._strips.clear()
            self._reels = (bulk, Reel(self._reader, self._live.clock))
        for key, strip in reversed(self._strips.items()):
            if key[0] == "strip" and (found := self._step(strip, at)) is not None:
                self._strips.move_to_end(key)
                return found
        strip = self._strip_from(at, False)
        self._keep(("strip", at), strip)
        return strip.instants[at]

    def _step(self, strip: Strip, at: int) -> Then | None:
        reel = self._reels[1]
        with strip.lock:
            before = max((instant for instant in strip.instants if instant <= at), default=None)
            if before is None or at - before > REACH_US:
                return None
            found = strip.instants[before]
            if before < at:
                tables = found.tables.after(at, reel.between(before, at))
                since = found.assets_us if tables.assets is found.tables.assets else at
                strip.instants[at] = found = Then(tables, strip, since)
                _let_go(strip, since)
            strip.instants.move_to_end(at)
        reel.ahead(at)
        return found

    def _strip_from(self, at: int, known_now: bool) -> Strip:
        tables = PastTables(self._pack, self._reader)
        tables.read(at, known_now)
        strip = Strip(tables, self._feeds)
        strip.instants[at] = Then(tables, strip, at)
        return strip

    def _keep(self, key: Any, strip: Strip) -> None:
        self._strips[key] = strip
        while len(self._strips) > MOST_STRIPS:
            self._strips.popitem(last=False)


def _let_go(strip: Strip, kept_us: int) -> None:
    """Forgets the instants that were asked for longest ago, but for one that others still refer to."""
    if kept_us in strip.instants:
        strip.instants.move_to_end(kept_us)
    while len(strip.instants) > MOST_INSTANTS:
        strip.instants.popitem(last=False)
