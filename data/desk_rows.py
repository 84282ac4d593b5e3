"""Sets of rows about the feeds themselves, as the gate answers them."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from access.principal import CORRECT, Principal
from data.answers import Question, Scope
from data.feed_desk import FeedDesk, Health, Rows, wanted_item
from data.inputs import Tables
from data.pack import Pack

# What can be told of a past instant; of the rest only the present is kept.
OF_THEN = ("devices", "device_types")


@dataclass(frozen=True)
class Moment:
    """The county at an instant: its tables, the feeds' states, the instant in µs UTC, and what guards the tables."""

    tables: Tables
    health: Health
    at_us: int
    lock: AbstractContextManager[Any]


@dataclass(frozen=True)
class DeskRows:
    """One question: `feeds` are the rows of the question `feeds`."""

    desk: FeedDesk
    pack: Pack
    feeds: Rows
    moment: Moment

    def read(self, principal: Principal, question: Question, scope: Scope) -> tuple[Rows, int]:
        """Rows and how many there are in all. Raises NotFound, WrongInput, Unavailable."""
        now, tables = self.moment.at_us, self.moment.tables
        if question.name == "quarantine":
            may_correct = CORRECT in principal.capabilities
            groups = tuple({**group, "may": may_correct} for group in self.desk.groups(tables))
            return groups[: question.limit or len(groups)], sum(group["waiting"] for group in groups)
        if question.name == "quarantine_item":
            rows = self.desk.item(principal, wanted_item(scope.filters))
            return rows, len(rows)
        with self.moment.lock:
            devices = self.desk.devices(tables, self.moment.health, now)
        if question.name == "feed_departments":
            silent = Counter(row["feed"] for row in devices if row["silent"])
            found = self.desk.departments(self.feeds, silent, now)
            return found, len(found)
        inside = self._inside(devices, tables, scope)
        if question.name == "device_types":
            types = self.desk.device_types(inside)
            return types, len(types)
        quiet = tuple(row for row in inside if row["silent"])
        return quiet[: question.limit or len(quiet)], len(quiet)

    def _inside(self, devices: Rows, tables: Tables, scope: Scope) -> Rows:
        inside: Any = tables.divisions.below(scope.division)
        chain = self.pack.divisions
        return tuple({**row, "division": chain.get(row["division_code"]).name if row["division_code"] in chain else ""}
                     for row in devices if inside[row["index"]])
