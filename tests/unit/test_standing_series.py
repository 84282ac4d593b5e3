"""A series of what stands (a load, a level) ends at the figure: stations not heard in the newest bucket still stand."""

from __future__ import annotations

import numpy as np
import pytest
from test_engine import NOW, ROOT, TOWN_B, VILLAGE, H, ask, evaluator, metric, reading

from data.answers import Question, Scope, Window
from data.records import Row

LOAD = {"kind": "obs", "metric": "m", "take": "last"}


def test_the_newest_bucket_holds_stations_that_have_not_reported_in_it() -> None:
    ev, memory = evaluator({"load": metric(LOAD, "sum")})
    memory.observations["f"].add([reading("a", 100.0, NOW - 0.6 * H), reading("b", 180.0, NOW - 0.7 * H, TOWN_B)])
    memory.observations["f"].add([reading("a", 101.0, NOW - 0.001 * H)])
    answer = ask(ev, "load", "hour")
    assert (answer.value, answer.series[-1].value) == (281.0, 281.0)


def test_a_station_that_fell_silent_stands_for_its_patience_and_no_longer() -> None:
    ev, memory = evaluator({"load": metric(LOAD, "sum")})
    memory.observations["f"].add([reading("a", 1.0, NOW - 16.5 * H), reading("b", 10.0, NOW - 16.4 * H)])
    memory.observations["f"].add([reading("b", 10.0, NOW - hours * H) for hours in range(12, 0, -1)])
    told = {point.time: point.value for point in ask(ev, "load", "hour").series}
    # The feed's cadence is an hour: ten hours of patience.
    assert [told[NOW - hours * H] for hours in (18, 17, 8, 7, 6)] == [None, 11.0, 11.0, 10.0, 10.0]


@pytest.mark.parametrize("formula", [LOAD, {"kind": "margin", "metric": "m", "above": 50, "count": True},
                                     {"kind": "margin", "metric": "m", "above": 50}], ids=["obs", "count", "margin"])
def test_every_point_equals_the_figure_at_the_end_of_its_bucket(formula: dict[str, object]) -> None:
    ev, memory = evaluator({"x": metric(formula, "max" if len(formula) == 3 and "above" in formula else "sum")})
    chance = np.random.default_rng(11)
    rows: list[Row] = []
    for number in range(120):
        at, code = NOW - float(chance.uniform(0, 40)) * H, (VILLAGE, TOWN_B)[number % 2]
        rows.append(reading(f"s{number % 6}", float(chance.uniform(0, 100)), at, code))
    memory.observations["f"].add(rows)
    series = ev.evaluate(Question("metric", "x", "hour"), Scope(ROOT), Window(NOW - 30 * H, NOW)).series
    ends = [*(point.time for point in series[1:]), NOW]
    single = [ev.evaluate(Question("metric", "x"), Scope(ROOT), Window(end - H, end)).value for end in ends]
    assert [point.value for point in series] == pytest.approx(single, nan_ok=True)
    assert len(set(single)) > 5
