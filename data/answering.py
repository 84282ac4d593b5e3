"""How each kind of question is answered: one function a kind, listed once; freshness stands beside every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from data import catalogue, rowsets
from data.answers import Answer, Question, Scope, Window
from data.clock import from_us, to_us
from data.errors import WrongInput
from data.feed_desk import FeedDesk
from data.judging import Judge
from data.live import Live
from data.marks import marks
from data.metrics import Evaluator
from data.pack import Metric
from data.sources_of import SourcesOf
from data.tables import MemoryTables

Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Asked:
    """A question with what answers it: the tables' evaluator, and the tables of the past when it is of the past."""

    evaluator: Evaluator
    question: Question
    scope: Scope
    window: Window
    past: MemoryTables | None

    @property
    def span(self) -> tuple[int, int]:
        """The window in µs UTC, half-open."""
        return to_us(self.window.start), to_us(self.window.end)


class Answering:
    """Answers by kind. It decides no rights and keeps nothing: that is the gate's."""

    def __init__(self, live: Live, judge: Judge, sources: SourcesOf, desk: FeedDesk | None) -> None:
        self._live, self._judge, self._sources, self._desk = live, judge, sources, desk
        self.kinds: dict[str, Callable[[Asked], Answer]] = {
            "metric": self._metric, "rows": self._rows, "marks": self._marks, "warnings": self._warnings,
            "feeds": self._feeds, "layers": self._layers, "profile": self._profile}

    def answer(self, asked: Asked) -> Answer:
        """The answer. Raises WrongInput for a kind that does not exist, and what the kind's own function raises."""
        if asked.question.kind not in self.kinds:
            raise WrongInput(f"不认识的提问 {asked.question.kind!r:.20}")
        return self.kinds[asked.question.kind](asked)

    def fresh(self, asked: Asked, found: Answer) -> Answer:
        """The answer with the freshness of the feeds that its question depends on."""
        return self._judge.fresh(found, self._sources.question(asked.question), asked.window, asked.past)

    def _listed(self, asked: Asked, rows: Rows, total: int) -> Answer:
        question = asked.question
        return self.fresh(asked, Answer(question, question.name or question.kind, rows=rows, total=total, n=len(rows),
                                        at_division=asked.scope.division, demo=any(row.get("demo") for row in rows)))

    def _metric(self, asked: Asked) -> Answer:
        answer = asked.evaluator.evaluate(asked.question, asked.scope, asked.window)
        metric = asked.evaluator.metric(asked.question.name)
        answer = self._judge.fresh(answer, self._sources.metric(metric), asked.window, asked.past)
        return self._judge.settled(self._judge.beside(answer, metric), asked.window)

    def _rows(self, asked: Asked) -> Answer:
        rowsets.check_rows(asked.question)
        found = (rowsets.events(asked.evaluator, asked.question, asked.scope, asked.span)
                 if asked.question.name == "events" else rowsets.assets(asked.evaluator, asked.question, asked.scope))
        return replace(self._listed(asked, *found[:2]), unlocated=found[2])

    def _marks(self, asked: Asked) -> Answer:
        rowsets.check_rows(asked.question)
        rows, total, blind = marks(asked.evaluator, asked.question, asked.scope, asked.span)
        return replace(self._listed(asked, rows, total), unlocated=blind)

    def _warnings(self, asked: Asked) -> Answer:
        found = rowsets.warnings(asked.evaluator, asked.scope, asked.span[1], asked.question.limit)
        return self._listed(asked, *found)

    def _feeds(self, asked: Asked) -> Answer:
        """Feeds as they stand; of the past without counts, volumes and scores, which are only kept of now."""
        states, at_us = self._judge.states(asked.window, asked.past)
        rows, total = rowsets.feeds(asked.evaluator, states, lambda feed: self._judge.word(feed, states, at_us))
        if asked.past is not None:
            return self._listed(asked, tuple({**row, **rowsets.UNCOUNTED, "judged_us": at_us} for row in rows), total)
        facts = self._desk.facts(at_us, states) if self._desk is not None else {}
        return self._listed(asked, tuple({**row, **facts.get(row["feed"], {})} for row in rows), total)

    def _layers(self, asked: Asked) -> Answer:
        """What the map can show, each with the freshness that its own answer would have."""
        def judged(feeds: tuple[str, ...], metric: Metric | None) -> Answer:
            own = self._sources.metric(metric) if metric is not None else feeds
            found = self._judge.fresh(Answer(Question("layers"), ""), own, asked.window, asked.past)
            return self._judge.beside(found, metric) if metric is not None else found

        rows, total = catalogue.entries(asked.evaluator, asked.scope, asked.span[1], judged, self._sources.question)
        return Answer(asked.question, "图层目录", rows=rows, total=total, at_division=asked.scope.division,
                      freshness="live", time=from_us(self._live.clock.now_us()), cadence_s=60.0)

    def _profile(self, asked: Asked) -> Answer:
        counted = rowsets.population(asked.evaluator, asked.scope.division)
        facts = rowsets.profile(asked.evaluator, asked.scope, counted)
        answer = Answer(asked.question, "", parts=facts, at_division=asked.scope.division,
                        time=counted.time if counted else None)
        return self.fresh(asked, answer) if counted else answer
