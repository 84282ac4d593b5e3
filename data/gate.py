"""The one way in: every figure, row, layer and feed state is read here, every write is decided here."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from access.principal import READ, Principal, may
from data import rowsets
from data.answering import Answering, Asked
from data.answers import Answer, Question, Scope, Window
from data.clock import from_us, to_us
from data.contribution_memo import ContributionMemo
from data.desk_rows import DeskRows
from data.errors import NotAllowed, NotFound
from data.feed_desk import NAMES as DESK
from data.feed_desk import FeedDesk
from data.formulas import FORMULAS
from data.history_read import HistoryReader
from data.judging import Judge
from data.live import CHANGED, Live
from data.metrics import Evaluator
from data.pack import Metric, Pack
from data.settled import PointMemo
from data.sources_of import SourcesOf
from data.tables import MemoryTables

_MEMO, SETTLED_US, AGEING_US = 2000, 60_000_000, 86_400_000_000


class Gate:
    """Reads with the viewer's principal; the same question on the same data is computed once."""

    def __init__(self, pack: Pack, live: Live, reader: HistoryReader, desk: FeedDesk | None = None) -> None:
        self.pack, self.live, self._desk = pack, live, desk
        self._reader = reader
        self._judge = Judge(pack, live, desk.lost_at if desk is not None else None)
        self._sources = SourcesOf(pack)
        self._answering = Answering(live, self._judge, self._sources, desk)
        self._memo: OrderedDict[Any, tuple[Any, Answer]] = OrderedDict()
        self._past: OrderedDict[tuple[int, bool, int], MemoryTables] = OrderedDict()
        self._past_lock = threading.Lock()
        self.computed = self._minute = 0
        self._contributions = ContributionMemo(FORMULAS, self._stamp)
        self._points = PointMemo(self._stamp)
        self._assets = self._sources.of_kind("asset")

    def read(self, principal: Principal, question: Question, scope: Scope, window: Window) -> Answer:
        """The answer to a question.

        Raises:
            NotAllowed: the division is not the principal's. NotFound: no such division, metric or layer.
            WrongInput: a question that makes no sense. Unavailable: needed history cannot be read.
        """
        if scope.division not in self.pack.divisions:
            raise NotFound(f"没有区划 {scope.division!r:.40}；编码见 /api/v1/divisions/{self.pack.place.code}")
        if not may(principal, READ, self.pack.divisions.chain(scope.division)):
            raise NotAllowed("无权查看该区划")
        if question.kind == "rows" and question.name in DESK and self._desk is not None:
            return self._of_desk(principal, question, scope, window)
        past = self._replayed(window)
        with self.live.lock:
            key, served = self._key(question, scope, window), self._served(window)
            held, known = self._memo.get(key, (None, None))
            stamp = (past.version if past else 0, *self._data_stamp(question, window))
            if known is None or held != stamp:
                known = self._answer(question, scope, window, past)
                self.computed += 1
            if known.served_from != served:
                known = replace(known, served_from=served)
            self._remember(key, stamp, known)
        return known

    def _of_desk(self, principal: Principal, question: Question, scope: Scope, window: Window) -> Answer:
        """What the feeds' own page asks; it differs by what the reader may do, so it is not held."""
        feeds = self.read(principal, Question("feeds"), Scope(self.pack.divisions.root.code), window).rows
        rows, total = DeskRows(self._desk, self.live, feeds).read(principal, question, scope)  # type: ignore[arg-type]
        demo = bool(feeds) and self.demo(tuple(row["feed"] for row in feeds))
        return Answer(question, question.name, rows=rows, total=total, n=len(rows), at_division=scope.division,
                      freshness="live" if window.at is None else "unknown", time=from_us(self.live.clock.now_us()),
                      cadence_s=60.0, demo=demo, served_from=self._served(window))

    def _remember(self, key: Any, stamp: Any, known: Answer) -> None:
        """Keeps an answer, and lets go of those for windows that moved on: nobody asks for them again."""
        minute = self.live.clock.now_us() // 60_000_000
        if minute > self._minute:
            self._minute = minute
            for old in [old for old in self._memo if old[2] and old[4] < minute - 1]:
                del self._memo[old]
        self._memo[key] = (stamp, known)
        self._memo.move_to_end(key)
        while len(self._memo) > _MEMO:
            self._memo.popitem(last=False)

    def act(self, principal: Principal, capability: str, target: str) -> None:
        """Decides about a write on a division.

        Raises:
            NotFound: no such division. NotAllowed: the principal lacks the capability or the division.
        """
        act(self.pack, principal, capability, target)

    def version(self, feeds: tuple[str, ...] = ()) -> str:
        """Data version: generation, turns of feeds, newest seq of the feeds (all without any) and the minute."""
        tables = self.live.tables
        desk = f".{self.live.changes}" if CHANGED in feeds else ""
        newest = max((tables.versions.get(feed, 0) for feed in feeds), default=tables.seq)
        return f"{self.live.generation}.{self.live.turns}.{newest}.{self.live.clock.now_us() // 60_000_000}{desk}"

    def feeds_of(self, question: Question) -> tuple[str, ...]:
        """Feeds a question's answer depends on."""
        return self._sources.question(question)

    def _key(self, question: Question, scope: Scope, window: Window) -> Any:
        unit = 60_000_000 if window.name else 1
        start, end = to_us(window.start) // unit, to_us(window.end) // unit
        return (question, scope, window.name, start, end, window.at, window.known_now)

    def _data_stamp(self, question: Question, window: Window) -> Any:
        """What changes whenever the answer to a question may."""
        stamp = tuple(self.live.tables.versions.get(feed, 0) for feed in self.feeds_of(question))
        now = self.live.clock.now_us()
        second = now // 1_000_000 if question.kind == "feeds" else 0
        # Where the key does not move with the clock, freshness still does, until what is asked about is long past.
        moves = window.at or (window.end if not window.name else None)
        minute = now // 60_000_000 if moves is not None and to_us(moves) > now - AGEING_US else 0
        return (self.live.generation, self.live.turns, stamp, second, minute)

    def _stamp(self, metric: Metric, end_us: int) -> Any:
        tables = self.live.tables
        return (self.live.generation,
                *(tables.version_before(feed, end_us) for feed in (*self._sources.moving(metric), *self._assets)))

    def _served(self, window: Window) -> Any:
        return "history" if window.at is not None else self.live.served_from

    def _replayed(self, window: Window) -> MemoryTables | None:
        """The tables as of the window's instant, None for the live ones; read beside the pages, not in their way.

        What may still change (an instant of a minute ago, later corrections) is read again when history has grown.
        """
        if window.at is None:
            return None
        at = to_us(window.at)
        settled = not window.known_now and at < self.live.clock.now_us() - SETTLED_US
        key = (at, window.known_now, 0 if settled else self._reader.manifest().version)
        with self._past_lock:
            if key not in self._past:
                past = MemoryTables(self.pack, self._reader)
                past.load(at, None if window.known_now else at, at)
                past.past_events()
                self._past[key] = past
                while len(self._past) > 3:
                    self._past.popitem(last=False)
            return self._past[key]

    def _evaluator(self, past: MemoryTables | None) -> Evaluator:
        if past is None:
            return Evaluator(self.pack, self.live.tables, self._contributions.formulas, self._points)
        return Evaluator(self.pack, past)

    def event(self, principal: Principal, event_id: str, window: Window, feed: str = "") -> dict[str, Any]:
        """One event with its history, as of the window's instant; without a feed, of equal ids the newest.

        Raises:
            NotFound: no such event. NotAllowed: its division is not the principal's.
        """
        past = self._replayed(window)
        with self.live.lock:
            row = rowsets.one_event(self._evaluator(past), event_id, feed, to_us(window.end))
        self.act(principal, READ, row["division_code"])
        return row

    def _answer(self, question: Question, scope: Scope, window: Window, past: MemoryTables | None) -> Answer:
        return self._answering.answer(Asked(self._evaluator(past), question, scope, window, past))

    def demo(self, feeds: tuple[str, ...]) -> bool:
        """True when the newest records of a feed are marked as simulated."""
        return self._judge.demo(feeds)


def act(pack: Pack, principal: Principal, capability: str, target: str) -> None:
    """The decision of `Gate.act`, for commands that need no figures."""
    if target not in pack.divisions:
        raise NotFound(f"没有区划 {target!r:.40}")
    if not may(principal, capability, pack.divisions.chain(target)):
        raise NotAllowed(f"{principal.name} 无权执行 {capability}；请用启动时打印的一次性链接登录")
