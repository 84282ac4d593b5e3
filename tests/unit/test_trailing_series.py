"""A series of the last n steps is n buckets long, however short the window is, and keeps the window's end."""

from __future__ import annotations

from data.answers import Question, Scope, Window
from tests.unit.test_engine import NOW, ROOT, H, evaluator, event, metric

FLOW = {"flow": metric({"kind": "event_flow"}, "sum")}


def series(by: str, steps: int, window: Window):
    ev, memory = evaluator(FLOW)
    memory.events.add([event(f"e{k}", "received", NOW - k * 24 * H - H, NOW - k * 24 * H - H) for k in range(6)])
    return ev.evaluate(Question("metric", "flow", by, limit=steps), Scope(ROOT), window).series


def test_seven_days_of_a_day_long_window():
    found = series("day", 7, Window(NOW - 24 * H, NOW))
    assert [point.value for point in found] == [0, 1, 1, 1, 1, 1, 1]
    assert found[-1].time <= NOW < found[-1].time + 24 * H


def test_a_window_ending_on_the_step_has_no_empty_last_bucket():
    found = series("hour", 24, Window(NOW - 24 * H, NOW))
    assert len(found) == 24
    assert found[-1].time == NOW - H
    assert found[-1].value == 1


def test_without_a_limit_the_window_rules():
    found = series("hour", 0, Window(NOW - 3 * H, NOW))
    assert len(found) == 3
