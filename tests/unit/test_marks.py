"""Marks of the map: told one by one where few are in sight, else clusters that hold them all and show the worst."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_event_facts import HOUR, NOW, PACK, change

from analysis.density import bandwidth_m, density_of, peak, zoom_for
from data import marks as module
from data.answers import Question, Scope
from data.batches import Batch
from data.errors import WrongInput
from data.history import HistoryReader
from data.marks import SQUARE_PX, marks
from data.metrics import Evaluator
from data.tables import MemoryTables

ALL = Scope(PACK.place.code)
WEST, SOUTH, EAST, NORTH = 114.0, 24.0, 114.6, 24.5


@pytest.fixture
def county(tmp_path: Path) -> Evaluator:
    """4,000 open events with coordinates in three states of lateness, 50 without, 30 closed."""
    chance, tables = random.Random(3), MemoryTables(PACK, HistoryReader(tmp_path))
    rows = []
    for number in range(4080):
        due = NOW + chance.choice((-48, -2, 5, 90)) * HOUR
        row = change(number + 1, f"e{number}", "closed" if number >= 4050 else "handling", NOW - HOUR, NOW - 200 * HOUR,
                     due=due)
        if number < 4000 or number >= 4050:
            row |= {"lon": round(chance.uniform(WEST, EAST), 5), "lat": round(chance.uniform(SOUTH, NORTH), 5)}
        rows.append(row)
    tables.apply(Batch(1, len(rows), "cases", "event", NOW, rows))
    return Evaluator(PACK, tables)


def told(county: Evaluator, **asked: Any) -> tuple[tuple[dict[str, Any], ...], int, int]:
    return marks(county, Question("marks", "events", **asked), ALL, (NOW - 24 * HOUR, NOW))


def square(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """By the formula of the tiles of EPSG:3857."""
    side, y = 256 * 2**zoom / SQUARE_PX, math.asinh(math.tan(math.radians(lat)))
    return math.floor((lon + 180) / 360 * side), math.floor((1 - y / math.pi) / 2 * side)


@pytest.mark.parametrize("zoom", [6, 9, 11, 13])
def test_clusters_hold_every_mark_and_show_the_worst(county: Evaluator, zoom: int) -> None:
    single, total, blind = told(county)
    assert (len(single), total, blind) == (4000, 4050, 50)
    clusters, total, blind = told(county, zoom=zoom)
    assert (sum(row["n"] for row in clusters), total, blind) == (4000, 4050, 50)
    held = Counter(square(row["lon"], row["lat"], zoom) for row in single)
    assert sorted(held.values()) == sorted(row["n"] for row in clusters)
    by_square: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in single:
        by_square.setdefault(square(row["lon"], row["lat"], zoom), []).append(row)
    ranks = ("ok", "att", "warn", "alarm")
    for row in clusters:
        inside = by_square[square(row["lon"], row["lat"], zoom)]
        assert row["state"] == max((each["state"] for each in inside), key=ranks.index)
        assert row["lon"] == pytest.approx(sum(each["lon"] for each in inside) / len(inside))
        assert row["lat"] == pytest.approx(sum(each["lat"] for each in inside) / len(inside))
        assert next(each["state"] for each in inside if each["id"] == row["id"]) == row["state"]


def test_few_in_sight_are_told_one_by_one_however_far_out(county: Evaluator) -> None:
    box = (114.1, 24.1, 114.3, 24.3)
    inside = [row for row in told(county)[0] if box[0] <= row["lon"] <= box[2] and box[1] <= row["lat"] <= box[3]]
    rows = told(county, box=box, zoom=5)[0]
    assert [row["id"] for row in rows] == [row["id"] for row in inside]
    assert all(row["n"] == 1 for row in rows)


def test_more_than_an_answer_holds_is_refused_not_cut(county: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 3999)
    with pytest.raises(WrongInput, match="4000 处，一次最多给 3999 处；请用 bbox"):
        told(county)
    assert sum(row["n"] for row in told(county, zoom=8)[0]) == 4000


def test_devices_are_marks_too(tmp_path: Path) -> None:
    tables = MemoryTables(PACK, HistoryReader(tmp_path))
    rows = [{"id": f"a{k}", "layer": "pump", "name": f"泵 {k}", "lon": 114.0 + k / 1e4, "lat": 24.2,
             "properties": '{"state": "warn"}' if k == 7 else "{}", "geometry": None, "demo": False, "seq": k + 1,
             "prev": 0, "received": NOW, "feed": "stations", "code": PACK.place.code} for k in range(3100)]
    rows[0] |= {"lon": None, "lat": None}
    tables.apply(Batch(1, len(rows), "stations", "asset", NOW, rows))
    found, total, blind = marks(Evaluator(PACK, tables), Question("marks", "assets:pump", zoom=6), ALL, (0, NOW))
    assert (sum(row["n"] for row in found), total, blind) == (3099, 3100, 1)
    assert [row.get("state") for row in found if row["id"] == "a7"] == ["warn"]


def test_what_an_asset_says_of_itself_is_a_word_and_no_state(tmp_path: Path) -> None:
    """A mark of a state that no map knows would not be drawn at all."""
    tables, said = MemoryTables(PACK, HistoryReader(tmp_path)), ({"state": "待修"}, {"ready": False}, {"stage": "在建"})
    rows = [{"id": f"h{k}", "layer": "pump", "name": "栓", "lon": 114.0, "lat": 24.2, "properties": json.dumps(told),
             "geometry": None, "demo": False, "seq": k + 1, "prev": 0, "received": NOW, "feed": "stations",
             "code": PACK.place.code} for k, told in enumerate(said)]
    tables.apply(Batch(1, len(rows), "stations", "asset", NOW, rows))
    found, _, _ = marks(Evaluator(PACK, tables), Question("marks", "assets:pump"), ALL, (0, NOW))
    assert [(row["state"], row["text"], row["stage"]) for row in found] == [
        ("", "待修", ""), ("", "不可出动", ""), ("", "在建", "")]


def test_the_density_of_more_marks_than_one_answer_holds(tmp_path: Path) -> None:
    """25,000 devices: joined by squares none is lost, and the classes are those of every single one."""
    chance, tables = random.Random(5), MemoryTables(PACK, HistoryReader(tmp_path))
    spots = [(chance.gauss(114.3, 0.05), chance.gauss(24.25, 0.04)) for _ in range(25_000)]
    rows = [{"id": f"a{k}", "layer": "pump", "name": "泵", "lon": lon, "lat": lat, "properties": "{}", "geometry": None,
             "demo": False, "seq": k + 1, "prev": 0, "received": NOW, "feed": "stations", "code": PACK.place.code}
            for k, (lon, lat) in enumerate(spots)]
    tables.apply(Batch(1, len(rows), "stations", "asset", NOW, rows))
    area_km2 = 2_900.0
    zoom = zoom_for(bandwidth_m(area_km2), SQUARE_PX, 24.25)
    found, total, _ = marks(Evaluator(PACK, tables), Question("marks", "assets:pump", zoom=zoom), ALL, (0, NOW))
    assert (sum(row["n"] for row in found), total) == (25_000, 25_000)
    assert len(found) < module.MOST_AT_ONCE
    joined = [(row["lon"], row["lat"], row["n"]) for row in found]
    single = [(lon, lat, 1) for lon, lat in spots]
    assert peak(joined, bandwidth_m(area_km2)) == pytest.approx(peak(single, bandwidth_m(area_km2)), rel=0.03)
    assert density_of(joined, area_km2) == density_of(single, area_km2)
