"""Rows that were acknowledged and then forgotten, taken up again: every version once, the newest on top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data import acceptance
from data.acceptance import Lane
from data.clock import Clock
from data.identity import IdentityIndex
from data.pack import load_pack
from data.records import Row
from data.registry import Registry
from geo.locate import Locator

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
NOW = Clock().now_us()
GAUGE = {"id": "g1", "layer": "gauge", "name": "站", "lon": 100.15, "lat": 30.05}


class Nothing:
    def identities(self, *_: object) -> list[tuple[bytes, bytes, int]]:
        return []


def reading(value: float, minute: int = 0) -> dict[str, Any]:
    return {"station": "g1", "metric": "level", "time": NOW - 3_600_000_000 + minute * 60_000_000, "value": value}


def lane_of(registry: Registry | None = None) -> Lane:
    registry = registry or Registry(PACK.divisions, Locator(PACK.divisions))
    index = IdentityIndex(Nothing())
    Lane("stations", PACK.feeds["stations"], PACK, registry, index).prepare([GAUGE], 1, NOW)
    return Lane("gauges", PACK.feeds["gauges"], PACK, registry, index)


def versions(*values: float, first: int = 10) -> list[Row]:
    """Versions of one reading as they were accepted."""
    lane = lane_of()
    return [row for n, value in enumerate(values) for row in lane.prepare([reading(value)], first + n, NOW).rows]


def told(rows: list[Row]) -> list[tuple[float, int, int]]:
    return [(row["value"], row["seq"], row["prev"]) for row in rows]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_versions_of_one_record_are_all_kept_and_the_newest_shows(cut: int) -> None:
    rows, lane, found, seq = versions(1.0, 2.0, 3.0), lane_of(), [], 40
    for part in (rows[:cut], rows[cut:]):
        taken = lane.again(part, seq, NOW).rows
        seq += len(taken)
        found += taken
    assert told(found) == [(1.0, 40, 0), (2.0, 41, 40), (3.0, 42, 41)]
    assert lane.again(rows, seq, NOW).duplicate == 3, "what was taken up is not taken up twice"


def test_forgotten_twice_they_still_come_in_their_first_order() -> None:
    rows, lane = versions(1.0, 2.0), lane_of()
    taken = lane.again(rows[:1], 40, NOW).rows
    lane._index.forget("observation", "gauges")
    found = lane.again(taken, 50, NOW).rows + lane.again(rows[1:], 51, NOW).rows
    assert told(found) == [(1.0, 50, 0), (2.0, 51, 50)]


def test_nothing_comes_in_place_of_what_was_accepted_since() -> None:
    rows, lane = versions(1.0, 2.0), lane_of()
    lane.prepare([reading(7.0)], 20, NOW)
    assert lane.again(rows, 40, NOW).duplicate == 2


def test_a_number_that_was_not_taken_after_all_tells_nothing() -> None:
    rows, lane = versions(1.0, 2.0), lane_of()
    mark = lane._index.mark()
    lane.again(rows[:1], 40, NOW)
    lane._index.roll_back(mark)
    assert lane.again(rows[1:], 40, NOW).rows[0]["value"] == 2.0
    assert lane.again(rows[:1], 41, NOW).duplicate == 1


def test_what_is_kept_of_them_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "MOST_RETAKEN", 4)
    lane, maker = lane_of(), lane_of()
    for minute in range(20):
        rows = maker.prepare([reading(1.0, minute)], 10 + minute, NOW).rows
        assert len(lane.again(rows, 100 + minute, NOW).rows) == 1
    assert len(lane._retaken) == 4
