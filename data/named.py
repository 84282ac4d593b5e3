"""What the gate is asked about named things: what was typed, what is at a pin, who answers for a division."""

from __future__ import annotations

from dataclasses import replace

from access.principal import Principal
from data.answering import Answering, Asked
from data.answers import Answer, Question, Scope
from data.finding import Finder
from data.here import read_pin, what_is_here
from data.inputs import Tables
from data.live import Live
from data.metrics import Evaluator
from data.pack import Pack
from data.people import People

# Questions that need the names of the tables to be known.
PLACED = ("search", "pin")


class NamedThings:
    """The names of the live tables follow their feeds; those of a replayed instant are taken when first asked for."""

    def __init__(self, pack: Pack, live: Live, answering: Answering) -> None:
        self.people = People(pack.root)
        self.feeds = frozenset(key for key, feed in pack.feeds.items() if feed.kind in ("asset", "event"))
        self._pack, self._live, self._finder = pack, live, Finder(pack)
        self._answering = answering
        answering.kinds |= {"pin": self._pinned, "people": self._persons}
        live.listen(self._heard)

    def _heard(self, _seq: int, feeds: tuple[str, ...]) -> None:
        if not self.feeds.isdisjoint(feeds):
            self.learn()

    def learn(self) -> None:
        """Makes the names ready for searching before anybody types."""
        self._finder.follow(self._live.tables, self._live.lock)

    def ready(self, tables: Tables) -> None:
        """Takes the names of tables that are not known yet. Never called under the lock of the tables."""
        if not self._finder.knows(tables):
            self._finder.follow(tables, self._live.lock)

    def search(self, evaluator: Evaluator, principal: Principal, asked: tuple[Question, Scope], end_us: int) -> Answer:
        """What was typed, among what the principal may see."""
        allowed = self._pack.divisions.below(principal.division)
        return self._finder.search(evaluator, asked, allowed, end_us, self._live.lock)

    def _pinned(self, asked: Asked) -> Answer:
        """The figure `question.by` of the pin's division, with everything else that is there in `parts`.

        Raises:
            WrongInput, NotFound, NotAllowed, Unavailable: as `what_is_here`.
        """
        question, end_us = asked.question, asked.span[1]
        parts = what_is_here(self._finder, asked.evaluator, read_pin(question.name), asked.scope.division, end_us)
        if not question.by or not parts["code"]:
            return self._answering.fresh(asked, Answer(question, "此处", parts=parts, at_division=parts["code"]))
        figure = self._answering.answer(replace(asked, question=Question("metric", question.by),
                                                scope=Scope(parts["code"])))
        return replace(figure, question=question, parts={**figure.parts, **parts})

    def _persons(self, asked: Asked) -> Answer:
        """Who answers for a division, masked."""
        rows = self.people.of(asked.scope.division)
        return Answer(asked.question, "人员", rows=rows, total=len(rows), n=len(rows),
                      at_division=asked.scope.division, freshness="live" if rows else "unknown",
                      demo=any(row["demo"] for row in rows))
