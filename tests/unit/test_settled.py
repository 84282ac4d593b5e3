"""What newer records cannot change is computed once; what a late record or a correction touches is computed anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from test_engine import NOW, ROOT, TOWN_A, H, Memory, metric, pack, tree

from data import settled
from data.answers import Answer, Question, Scope, Window
from data.clock import to_us
from data.formulas import FORMULAS
from data.inputs import Inputs
from data.metrics import Evaluator
from data.records import Row
from data.settled import PointMemo, Reach

KINDS: dict[str, dict[str, Any]] = {
    "obs": {"kind": "obs", "metric": "m", "take": "sum"},
    "online": {"kind": "online", "layers": ["device"], "scale": 100},
}


def reading(seq: int, hours_ago: float, value: float, prev: int = 0) -> Row:
    return {"seq": seq, "prev": prev, "station": "d1", "metric": "m", "time": to_us(NOW - hours_ago * H),
            "value": value, "code": TOWN_A, "demo": False}


class County:
    """Live tables of one feed, an evaluator that keeps points and one that does not."""

    def __init__(self, kind: str) -> None:
        made = metric(KINDS[kind], "sum" if kind == "obs" else "ratio")
        self.memory, self.reach, self.spans = Memory(tree()), Reach(), list[tuple[int, int]]()
        self.memory.assets.add([{"id": "d1", "layer": "device", "name": "d", "properties": {}, "lon": None, "lat": None,
                                 "code": TOWN_A, "seq": 1, "feed": "f", "received": 1, "demo": False, "geometry": None,
                                 "prev": 0}])
        self.pack = pack({"x": made}, self.memory.divisions)
        points = PointMemo(lambda _metric, end: self.reach.before(end))
        formula = FORMULAS[made.formula["kind"]]

        def watched(inputs: Inputs) -> Any:
            self.spans.append((inputs.start, inputs.end))
            return formula(inputs)

        self.keeping = Evaluator(self.pack, self.memory, {made.formula["kind"]: watched}, points)
        self.plain = Evaluator(self.pack, self.memory)

    def told(self, *rows: Row) -> None:
        self.memory.observations["f"].add(list(rows))
        self.reach.note(rows[-1]["seq"], min(row["time"] for row in rows))

    def ask(self, window: Window) -> Answer:
        question = Question("metric", "x", "hour")
        self.spans.clear()
        kept, plain = (one.evaluate(question, Scope(ROOT), window) for one in (self.keeping, self.plain))
        assert kept.series == plain.series
        return kept


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_series_with_kept_points_equals_one_without_whatever_comes(kind: str) -> None:
    county, chance = County(kind), np.random.default_rng(3)
    for seq in range(1, 60):
        late = float(chance.choice([0.01, 0.3, 2.2, 9.0]))
        county.told(reading(seq, late + float(chance.uniform(0, 0.5)), float(seq)))
        moved = timedelta(minutes=seq)
        county.ask(Window(NOW - 12 * H - moved, NOW - moved))
        county.ask(Window(NOW - 12 * H + moved, NOW + moved, "12h"))
    assert len({point.value for point in county.ask(Window(NOW - 12 * H, NOW)).series}) > 1


def test_a_new_reading_lets_only_the_present_bucket_be_computed_again() -> None:
    county, window = County("obs"), Window(NOW - 6 * H, NOW + 0.5 * H)
    county.told(*(reading(seq, seq / 4, 1.0) for seq in range(1, 20)))
    county.ask(window)
    county.told(reading(30, -0.2, 5.0))
    assert county.ask(window).series[-1].value is not None
    series = [span for span in county.spans if span != (to_us(window.start), to_us(window.end))]
    assert [end - start <= 3_600_000_000 for start, end in series] == [True]


def test_a_correction_of_the_past_is_seen() -> None:
    county, window = County("obs"), Window(NOW - 6 * H, NOW)
    county.told(reading(1, 3.5, 4.0), reading(2, 0.1, 1.0))
    before = [point.value for point in county.ask(window).series]
    county.told(reading(3, 3.5, 40.0, prev=1))
    after = [point.value for point in county.ask(window).series]
    assert (4.0 in before, 40.0 in before, 4.0 in after, 40.0 in after) == (True, False, False, True)


def test_reach_names_the_newest_version_that_told_of_before_an_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(1, 50), (2, 70), (3, 60), (4, 90), (5, 95), (6, 20), (7, 96)]
    reach, seen = Reach(), list[tuple[int, int]]()
    for version, oldest in told:
        reach.note(version, oldest)
        seen.append((version, oldest))
        for end in range(0, 110, 5):
            assert reach.before(end) == max((old for old, since in seen if since < end), default=0)
    monkeypatch.setattr(settled, "MOST_STEPS", 4)
    short = Reach()
    for version in range(1, 100):
        short.note(version, 10 * version)
        # What was let go of may be named newer than it was, never older.
        assert all(short.before(end) >= min(version, (end - 1) // 10) for end in range(1, 1000, 7))
    assert len(short._since) <= 4


def test_points_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "MOST_POINTS", 20)
    county = County("obs")
    county.told(reading(1, 3.5, 4.0))
    memo = county.keeping._points
    assert memo is not None
    inputs = county.keeping.inputs("x", Scope(ROOT), Window(NOW - 12 * H, NOW))
    for number in range(8):
        scope = replace(inputs, filters=(("stage", str(number)),), step=3_600_000_000)
        starts = np.arange(scope.start, scope.end, scope.step)
        memo.series(scope, ROOT, starts, lambda part, own: county.keeping._bucket_points(ROOT, part, own))
    assert sum(map(len, memo._kept.values())) <= 20 + 12
