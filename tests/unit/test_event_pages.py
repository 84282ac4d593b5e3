"""Pages of events: each goes on after the last row of the one before, whatever comes or goes between them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from test_events_of_any_age import Told

from data.answers import Question, Scope
from data.rowsets import place_of
from data.windows import window_of

PAGE = 4


@pytest.fixture
def told(tmp_path: Path) -> Told:
    found = Told(tmp_path)
    for number in range(11):
        # Two and two have the same instants, so that only feed and id tell them apart.
        found.tell(f"e{number:02}", "received", 20 - number // 2, due=found.now.isoformat())
    found.load()
    return found


def page(told: Told, order: str, after: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    question = Question("rows", "events", order=order, limit=PAGE, after=after)  # type: ignore[arg-type]
    span = window_of({"window": "7d"}, datetime.now(UTC), "Asia/Shanghai")
    return list(told.gate.read(told.principal, question, Scope(told.pack.place.code), span).rows)


@pytest.mark.parametrize("order", ["newest", "open"])
def test_a_walk_sees_every_event_once_while_others_come(told: Told, order: str) -> None:
    seen, rows = [], page(told, order)
    while rows:
        seen += [row["id"] for row in rows]
        after = place_of(rows[-1], order)
        told.gate.live.tables.apply(told.tell(f"new{len(seen)}", "received", 0.01, due=told.now.isoformat()))
        rows = page(told, order, after)

    assert [one for one in seen if one.startswith("e")] == sorted(seen_ids(), key=seen.index)
    assert len(seen) == len(set(seen))


def test_an_event_that_is_closed_between_pages_takes_no_other_along(told: Told) -> None:
    first = page(told, "open")
    told.gate.live.tables.apply(told.tell(first[0]["id"], "closed", 0.5))
    second = page(told, "open", place_of(first[-1], "open"))
    third = page(told, "open", place_of(second[-1], "open"))

    assert sorted(row["id"] for row in [*first, *second, *third]) == seen_ids()


def seen_ids() -> list[str]:
    return [f"e{number:02}" for number in range(11)]
