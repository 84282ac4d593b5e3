"""Good days as a series: each point is the figure at its end, and another division costs no second computation."""

from __future__ import annotations

from typing import Any

import numpy as np
from test_engine import NOW, ROOT, TOWN_A, TOWN_B, H, evaluator, metric

from data.answers import Question, Scope, Window
from data.clock import to_us
from data.contribution_memo import ContributionMemo
from data.formulas import FORMULAS
from data.formulas_quality import POLLUTANTS
from data.metrics import Evaluator

GOOD_DAYS: dict[str, Any] = {"kind": "good_days", "days": 3, "scale": 100}
DAYS = 9
WINDOW = Window(NOW - 5 * 24 * H, NOW, "5d")


def county() -> tuple[Evaluator, Any]:
    """Hours of nine days; the air of every third day is bad, of another there are too few hours."""
    ev, memory = evaluator({"good": metric(GOOD_DAYS, "ratio", level="county")})
    rows, chance = [], np.random.default_rng(5)
    for hour in range(24 * DAYS):
        at = NOW - hour * H
        day = (to_us(at) + 8 * 3_600_000_000) // 86_400_000_000
        if day % 7 == 3 and hour % 2:
            continue
        level = 160.0 if day % 3 == 0 else float(chance.uniform(10, 30))
        rows += [{"prev": 0, "station": "a", "metric": name, "time": to_us(at), "code": TOWN_A, "demo": False,
                  "value": 0.5 if name == "co" else level} for name in POLLUTANTS]
    memory.observations["f"].add([row | {"seq": number} for number, row in enumerate(rows, 1)])
    return ev, memory


def test_every_point_is_the_share_at_the_end_of_its_day() -> None:
    ev, _ = county()
    series = ev.evaluate(Question("metric", "good", "day"), Scope(ROOT), WINDOW).series
    ends = [*(point.time for point in series[1:]), NOW]
    single = [ev.evaluate(Question("metric", "good"), Scope(ROOT), Window(end - H, end)) for end in ends]
    assert [(point.value, point.n) for point in series] == [(one.value, one.n) for one in single]
    assert len({point.value for point in series}) > 1
    assert {point.n for point in series} == {2, 3}


def test_a_drill_computes_no_day_again() -> None:
    ev, memory = county()
    asked: list[int] = []
    read = memory.buckets

    def counted(*told: Any) -> Any:
        asked.append(1)
        return read(*told)

    memory.buckets = counted
    remembering = Evaluator(ev.pack, memory, ContributionMemo(FORMULAS, lambda _metric, _end: 0).formulas)
    for code in (ROOT, TOWN_A, TOWN_B):
        remembering.evaluate(Question("metric", "good", "day"), Scope(code), WINDOW)
        if code == ROOT:
            first = len(asked)
    assert (first > 0, len(asked)) == (True, first)
