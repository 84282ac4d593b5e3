"""What a finished window shows: unknown before anything was told, events as they were, no groups that are none."""

from __future__ import annotations

import pytest
from test_engine import NOW, ROOT, H, ask, evaluator, event, metric, reading

from data import rowsets
from data.answers import Question, Scope, Window
from data.clock import to_us
from data.errors import WrongInput


def test_before_the_first_event_none_is_unknown_and_not_zero_also_when_memory_holds_all() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count"),
                            "flow": metric({"kind": "event_flow", "stage": "received"}, "sum")})
    memory.events.add([event("a", "received", NOW - H, NOW - H)])
    before = Window(NOW - 2000 * H, NOW - 1999 * H)
    assert [ev.evaluate(Question("metric", name), Scope(ROOT), before).value for name in ("open", "flow")] == [None] * 2
    assert [point.value for point in ask(ev, "open", "hour").series[-3:]] == [None, 1, 1]


def test_an_event_is_listed_as_it_was_at_the_end_of_the_window() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count")})
    due = {"due": (NOW - 4 * H).isoformat()}
    memory.events.add([event("a", "received", NOW - 9 * H, NOW - 9 * H, **due),
                       event("a", "handling", NOW - 9 * H, NOW - 5 * H, **due),
                       event("a", "closed", NOW - 9 * H, NOW - 1 * H, **due)])
    for order, end in (("overdue", NOW - 2 * H), ("open", NOW - 6 * H)):
        span = (to_us(end - 24 * H), to_us(end))
        rows, total, _ = rowsets.events(ev, Question("rows", "events", order=order), Scope(ROOT), span)
        assert total == 1
        late = 7200 if order == "overdue" else 0
        assert (rows[0]["stage_code"], rows[0]["overdue_s"]) == ("handling" if late else "received", late)


@pytest.mark.parametrize(("kind", "by"), [("obs", "department"), ("obs", "category"), ("event_stock", "station"),
                                          ("warnings", "layer"), ("obs", "nosuch")])
def test_records_are_not_grouped_by_what_they_do_not_have(kind: str, by: str) -> None:
    ev, memory = evaluator({"x": metric({"kind": kind, "metric": "m"}, "sum")})
    memory.observations["f"].add([reading("a", 1.0, NOW - H)])
    with pytest.raises(WrongInput, match="不能按"):
        ask(ev, "x", by)
