"""Memory tables loaded from a real history on disk equal the same tables fed by live batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.batches import Batch
from data.clock import to_us
from data.history import HistoryReader, HistoryWriter
from data.manifest import DAY_US, Load, Manifest
from data.pack import load_pack
from data.records import Row, parse
from data.tables import MemoryTables

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
WEST = "990101001000"


def row(kind: str, feed: str, seq: int, raw: dict[str, Any], prev: int = 0) -> Row:
    meta = {"seq": seq, "prev": prev, "received": to_us(NOW), "feed": feed, "code": WEST, "demo": True}
    return {**parse(kind, raw), **meta}


def reading(seq: int, value: float, minutes: int, prev: int = 0) -> Row:
    at = (NOW - timedelta(minutes=minutes)).isoformat()
    return row("observation", "gauges", seq, {"station": "g1", "metric": "level", "time": at, "value": value}, prev)


def case(seq: int, stage: str, hours: float) -> Row:
    at = (NOW - timedelta(hours=hours)).isoformat()
    return row("event", "cases", seq, {"id": "e1", "time": at, "category": "c", "channel": "hotline", "stage": stage,
                                       "stage_time": at, "division": WEST})


BATCHES = (Batch(1, 2, "gauges", "observation", to_us(NOW), [reading(1, 5.0, 30), reading(2, 9.0, 10)]),
           Batch(3, 3, "gauges", "observation", to_us(NOW), [reading(3, 6.0, 10, prev=2)]),
           Batch(4, 5, "cases", "event", to_us(NOW), [case(4, "received", 24 * 60), case(5, "handling", 3)]),
           Batch(6, 6, "cases", "event", to_us(NOW), []))


@pytest.fixture
def reader(tmp_path: Path) -> HistoryReader:
    writer = HistoryWriter(tmp_path)
    for batch in BATCHES:
        writer.append(batch)
    writer.commit()
    return HistoryReader(tmp_path)


def facts(tables: MemoryTables) -> dict[str, Any]:
    latest = tables.observations["gauges"].latest("level", 0, to_us(NOW))
    whole = tables.observations["gauges"].buckets("level", 0, to_us(NOW), 0, 0)
    return {"seq": tables.seq, "demo": tables.demo, "last": latest.last.tolist(), "total": whole.total.tolist(),
            "open": int(tables.events.stands(to_us(NOW)).sum()), "stage": tables.events.columns["stage"].tolist(),
            "delivered": tables.delivered(("gauges",))}


def test_history_and_live_batches_make_the_same_tables(tmp_path: Path, reader: HistoryReader) -> None:
    pack = load_pack(TINY)
    loaded, live = MemoryTables(pack, reader), MemoryTables(pack, HistoryReader(tmp_path / "none"))
    loaded.load(to_us(NOW))
    for batch in BATCHES:
        assert live.apply(batch)
    assert facts(loaded) == facts(live)
    assert facts(live) == {"seq": 6, "demo": {"gauges": True, "cases": True}, "last": [6.0], "total": [11.0], "open": 1,
                           "stage": [3], "delivered": True}


def test_an_empty_history_loads_as_nothing(tmp_path: Path) -> None:
    tables = MemoryTables(load_pack(TINY), HistoryReader(tmp_path))
    tables.load(to_us(NOW))
    assert (tables.loaded, tables.seq, len(tables.events), tables.demo.get("gauges", False)) == (False, 0, 0, False)


def test_a_batch_already_held_is_left_alone(reader: HistoryReader) -> None:
    tables = MemoryTables(load_pack(TINY), reader)
    tables.load(to_us(NOW))
    before = facts(tables)
    assert not any(tables.apply(batch) for batch in BATCHES)
    assert facts(tables) == before


def test_memory_is_read_again_only_for_what_it_holds(reader: HistoryReader) -> None:
    tables, today = MemoryTables(load_pack(TINY), reader), to_us(NOW) // DAY_US
    tables.load(to_us(NOW))
    before = dict(tables.versions)
    old, fresh = Load("observation", "gauges", today - 30, 900), Load("observation", "gauges", today - 1, 950)
    assert not tables.holds([old])
    assert tables.holds([old, fresh])
    assert tables.holds([Load("event", "cases", today - 900, 960)])
    tables.grew_older([old])
    assert tables.versions == {**before, "gauges": 900}


def test_a_manifest_remembers_its_last_bulk_publishes() -> None:
    loads = tuple(Load("observation", "gauges", day, day) for day in (1, 2, 3))
    manifest = Manifest(bulk=5, loads=loads)
    assert manifest.loads_after(5) == ()
    assert manifest.loads_after(3) == loads[1:]
    assert manifest.loads_after(2) == loads
    assert manifest.loads_after(1) is None
    assert manifest.loads_after(-1) is None
