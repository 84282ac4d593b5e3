"""The one way in: every figure, row, layer and feed state is read here, every write is decided here."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

from access.principal import READ, Principal, may
from data import rowsets
from data.answer_memo import AnswerMemo
from data.answering import Answering, Asked
from data.answers import Answer, Question, Scope, Window
from data.area_ground import AreaGround
from data.clock import from_us, to_us
from data.contribution_memo import ContributionMemo
from data.desk_rows import OF_THEN, DeskRows, Moment
from data.errors import NotAllowed, NotFound
from data.feed_desk import NAMES as DESK
from data.feed_desk import FeedDesk
from data.formulas import FORMULAS
from data.history_read import HistoryReader
from data.judging import Judge
from data.live import CHANGED, Live
from data.metrics import Evaluator
from data.named import PLACED, NamedThings
from data.pack import Metric, Pack
from data.past import Past, Then
from data.settled import PointMemo
from data.sources_of import SourcesOf
from data.timeline import Timeline, asked

_MEMO, _MEMO_ROWS, AGEING_US = 2000, 60_000, 86_400_000_000


class Gate:
    """Reads with the viewer's principal; the same question on the same data is computed once."""

    def __init__(self, pack: Pack, live: Live, reader: HistoryReader, desk: FeedDesk | None = None) -> None:
        self.pack, self.live, self._desk = pack, live, desk
        self.ground = AreaGround(pack)
        self._judge = Judge(pack, live, desk.lost_at if desk is not None else None)
        self._sources = SourcesOf(pack)
        self._answering = Answering(self._judge, self._sources, desk,
                                    Timeline(reader, desk.spells if desk is not None else None), self.ground)
        self.named = NamedThings(pack, live, self._answering)
        self._memo = AnswerMemo(_MEMO, _MEMO_ROWS)
        self.computed = self._minute = 0
        self._contributions = ContributionMemo(FORMULAS, self._stamp)
        self._points = PointMemo(self._stamp)
        self._assets = self._sources.of_kind("asset")
        self._past = Past(pack, live, reader, lambda metric: (*self._sources.moving(metric), *self._assets))

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
        unheld = self._unheld(principal, question, scope, window)
        if unheld is not None:
            return unheld
        scope, window = self._meant(principal, question, scope, window)
        if window.at is not None:
            return self._read_then(question, scope, window)
        with self.live.lock:
            key, served = self._key(question, scope, window), self.live.served_from
            held, known = self._memo.get(key)
            stamp = self._data_stamp(question, window)
            if known is None or held != stamp:
                known = self._answer(question, scope, window, None)
                self.computed += 1
            if known.served_from != served:
                known = replace(known, served_from=served)
            self._remember(key, stamp, known)
        return known

    def _meant(self, principal: Principal, question: Question, scope: Scope, window: Window) -> tuple[Scope, Window]:
        """Where and when a question looks, whatever the view is: help and what is around a pin do not end at the border
        of the division in view, only at what may be read; a replay's strip has an interval of its own.
        """
        if question.kind == "area":
            # Made here, to be found ready: mending an outline takes a while, and the lock stops every page.
            self.ground.area(question.name)
        if question.kind == "nearest":
            self.ground.place(question.name)
            return replace(scope, division=principal.division), window
        if question.kind == "timeline":
            return scope, asked(question, window, self.live.clock.now(), self.pack.place.timezone)
        if question.kind in PLACED:
            then = self._past.then(window)
            self.named.ready(then.tables if then is not None else self.live.tables)
            return Scope(principal.division), window
        return scope, window

    def _unheld(self, principal: Principal, question: Question, scope: Scope, window: Window) -> Answer | None:
        """What is asked once, or differs by what the reader may do, is not held."""
        if question.kind == "rows" and question.name in DESK and self._desk is not None:
            return self._of_desk(principal, question, scope, window)
        if question.kind != "search":
            return None
        then = self._past.then(window)
        past = then.tables if then is not None else None
        self.named.ready(past or self.live.tables)
        with then.strip.lock if then is not None else nullcontext():
            found = self.named.search(self._evaluator(then), principal, (question, scope), to_us(window.end))
        judged = self._judge.fresh(found, self.feeds_of(question), window, past)
        return replace(judged, served_from="history" if then is not None else self.live.served_from)

    def _read_then(self, question: Question, scope: Scope, window: Window) -> Answer:
        """The answer at a past instant, beside the pages of now and not in their way."""
        then = self._past.then(window)
        assert then is not None
        with then.strip.lock:
            _, known = then.answers.get((question, scope, window))
            if known is None:
                known = replace(self._answer(question, scope, window, then), served_from="history")
                then.answers.put((question, scope, window), None, known)
                self.computed += 1
        return known

    def _of_desk(self, principal: Principal, question: Question, scope: Scope, window: Window) -> Answer:
        """What the feeds' own page asks; it differs by what the reader may do, so it is not held."""
        feeds = self.read(principal, Question("feeds"), Scope(self.pack.divisions.root.code), window).rows
        demo = bool(feeds) and self.demo(tuple(row["feed"] for row in feeds))
        then = self._past.then(window)
        states, at_us = self._judge.states(window, then.tables if then is not None else None)
        tables = then.tables if then is not None else self.live.tables
        moment = Moment(tables, states, at_us, then.strip.lock if then is not None else self.live.lock)
        found = Answer(question, question.name, at_division=scope.division, time=from_us(at_us), cadence_s=60.0,
                       demo=demo, freshness="live", served_from=self.live.served_from)
        if then is not None:
            found = replace(found, served_from="history")
            if question.name not in OF_THEN:
                return replace(found, freshness="unknown", time=None, note="只有现在的情况，没有留下当时的")
        desk = DeskRows(self._desk, self.pack, feeds, moment)  # type: ignore[arg-type]
        rows, total = desk.read(principal, question, scope)
        return replace(found, rows=rows, total=total, n=len(rows))

    def _remember(self, key: Any, stamp: Any, known: Answer) -> None:
        """Keeps an answer, and lets go of those for windows that moved on: nobody asks for them again."""
        minute = self.live.clock.now_us() // 60_000_000
        if minute > self._minute:
            self._minute = minute
            self._memo.forget(lambda old: bool(old[2]) and old[4] < minute - 1)
        self._memo.put(key, stamp, known)

    def act(self, principal: Principal, capability: str, target: str) -> None:
        """Decides about a write on a division.

        Raises:
            NotFound: no such division. NotAllowed: the principal lacks the capability or the division.
        """
        act(self.pack, principal, capability, target)

    def version(self, feeds: tuple[str, ...] = (), window: Window | None = None) -> str:
        """Data version: generation, turns of feeds, newest seq of the feeds (all without any) and the minute; of a
        window of the past that cannot change any more, how often old rows were imported.
        """
        if window is not None and self._past.settled(window):
            return self._past.edition()
        tables = self.live.tables
        desk = f".{self.live.changes}" if CHANGED in feeds else ""
        newest = max((tables.versions.get(feed, 0) for feed in feeds), default=tables.seq)
        return f"{self.live.generation}.{self.live.turns}.{newest}.{self.live.clock.now_us() // 60_000_000}{desk}"

    def settled(self, window: Window) -> bool:
        """Whether what a window shows can never change."""
        return self._past.settled(window)

    def assets_at(self, window: Window) -> datetime | None:
        """An instant since which, up to the window's past instant, no asset changed; None for now.

        Raises:
            Unavailable: history cannot be read.
        """
        then = self._past.then(window)
        return None if then is None else from_us(then.assets_us)

    def feeds_of(self, question: Question) -> tuple[str, ...]:
        """Feeds a question's answer depends on."""
        return self._sources.question(question)

    def _key(self, question: Question, scope: Scope, window: Window) -> Any:
        unit = 60_000_000 if window.name else 1
        start, end = to_us(window.start) // unit, to_us(window.end) // unit
        return (question, scope, window.name, start, end, window.at, window.known_now)

    def _data_stamp(self, question: Question, window: Window) -> Any:
        """What changes whenever the answer to a question may."""
        stamp: tuple[Any, ...] = tuple(self.live.tables.versions.get(feed, 0) for feed in self.feeds_of(question))
        if question.kind == "people":
            stamp = self.named.people.stamp
        now = self.live.clock.now_us()
        second = now // 1_000_000 if question.kind == "feeds" else 0
        # Where the key does not move with the clock, freshness still does, until what is asked about is long past.
        moves = window.end if not window.name else None
        minute = now // 60_000_000 if moves is not None and to_us(moves) > now - AGEING_US else 0
        return (self.live.generation, self.live.turns, stamp, second, minute)

    def _stamp(self, metric: Metric, end_us: int) -> Any:
        tables = self.live.tables
        return (self.live.generation,
                *(tables.version_before(feed, end_us) for feed in (*self._sources.moving(metric), *self._assets)))

    def _evaluator(self, then: Then | None) -> Evaluator:
        if then is None:
            return Evaluator(self.pack, self.live.tables, self._contributions.formulas, self._points)
        return then.strip.evaluator(self.pack, then.tables)

    def event(self, principal: Principal, event_id: str, window: Window, feed: str = "") -> dict[str, Any]:
        """One event with its history, as of the window's instant; without a feed, of equal ids the newest.

        Raises:
            NotFound: no such event. NotAllowed: its division is not the principal's.
        """
        then = self._past.then(window)
        with then.strip.lock if then is not None else self.live.lock:
            row = rowsets.one_event(self._evaluator(then), event_id, feed, to_us(window.end))
        self.act(principal, READ, row["division_code"])
        return row

    def _answer(self, question: Question, scope: Scope, window: Window, then: Then | None) -> Answer:
        past = then.tables if then is not None else None
        return self._answering.answer(Asked(self._evaluator(then), question, scope, window, past))

    def demo(self, feeds: tuple[str, ...]) -> bool:
        """True when the newest records of a feed are marked as simulated."""
        return self._judge.demo(feeds)


def act(pack: Pack, principal: Principal, capability: str, target: str) -> None:
    """The decision of `Gate.act`, for commands that need no figures."""
    if target not in pack.divisions:
        raise NotFound(f"没有区划 {target!r:.40}")
    if not may(principal, capability, pack.divisions.chain(target)):
        raise NotAllowed(f"{principal.name} 无权执行 {capability}；请用启动时打印的一次性链接登录")
