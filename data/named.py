"""What the gate is asked about named things: what was typed, what is at a pin, who answers for a division."""

from __future__ import annotations

from access.principal import Principal
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

    def __init__(self, pack: Pack, live: Live) -> None:
        self.people = People(pack.root)
        self.feeds = frozenset(key for key, feed in pack.feeds.items() if feed.kind in ("asset", "event"))
        self._pack, self._live, self._finder = pack, live, Finder(pack)
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

    def pinned(self, evaluator: Evaluator, question: Question, top: str, end_us: int) -> Answer:
        """What is at a pin, in `parts`. Raises WrongInput, NotFound, NotAllowed, Unavailable."""
        found = what_is_here(self._finder, evaluator, read_pin(question.name), top, end_us)
        return Answer(question, "此处", parts=found, at_division=found["code"])

    def persons(self, question: Question, division: str) -> Answer:
        """Who answers for a division, masked."""
        rows = self.people.of(division)
        return Answer(question, "人员", rows=rows, total=len(rows), n=len(rows), at_division=division,
                      freshness="live" if rows else "unknown", demo=any(row["demo"] for row in rows))
