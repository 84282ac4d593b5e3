"""Memory takes whatever the doors accept, counts what it reads twice once, and outlives what it cannot understand."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_collector_hostile import GOOD, HOSTILE, NOW, PACK, Nothing

from data.acceptance import Lane
from data.batches import Batch
from data.clock import Clock
from data.history import HistoryReader, HistoryWriter
from data.identity import IdentityIndex
from data.live import Live
from data.records import FIELDS, Row
from data.registry import Registry
from data.state import State
from data.tables import MemoryTables
from geo.locate import Locator

ILL_FORMED: list[tuple[str, dict[str, Any]]] = [("stations", {"properties": value}) for value in ("x", [1], 5, True)]
ILL_FORMED += [("stations", {"geometry": value}) for value in ("x", [1], 5)]
ILL_FORMED += [("warnings", {"references": value}) for value in (5, True, "w", [["w"]], [{}])]
ILL_FORMED += [("warnings", {"polygon": value}) for value in ("x", 5, [1])]


def accepted(feed: str, raws: list[dict[str, Any]]) -> list[Row]:
    registry = Registry(PACK.divisions, Locator(PACK.divisions))
    index = IdentityIndex(Nothing())
    Lane("stations", PACK.feeds["stations"], PACK, registry, index).prepare([GOOD["stations"]], 1, NOW)
    return Lane(feed, PACK.feeds[feed], PACK, registry, index).prepare(raws, 2, NOW).rows


@pytest.mark.parametrize("feed", sorted(GOOD))
def test_what_is_accepted_can_be_shown_and_read_again(feed: str, tmp_path: Path) -> None:
    chance, kind = random.Random(feed), PACK.feeds[feed].kind
    names = [spec.name for spec in FIELDS[kind]]
    rows = accepted(feed, [{**GOOD[feed], **{chance.choice(names): chance.choice(HOSTILE) for _ in range(2)}}
                           for _ in range(1500)])
    assert len(rows) > 50
    batch = Batch(rows[0]["seq"], rows[-1]["seq"], feed, kind, NOW, rows)
    writer, reader = HistoryWriter(tmp_path), HistoryReader(tmp_path)
    assert MemoryTables(PACK, reader).apply(batch)
    writer.append(batch)
    writer.commit()
    MemoryTables(PACK, reader).load(NOW)


@pytest.mark.parametrize(("feed", "more"), ILL_FORMED)
def test_json_of_the_wrong_form_is_refused_at_the_door(feed: str, more: dict[str, Any]) -> None:
    assert accepted(feed, [{**GOOD[feed], "id": "other", **more}]) == []


def test_json_of_the_right_form_is_taken() -> None:
    geometry = {"type": "Point", "coordinates": [100.05, 30.05]}
    assert accepted("stations", [{**GOOD["stations"], "id": "a", "geometry": geometry, "properties": {"limit": 5}}])
    area = {"type": "Polygon", "coordinates": [[[100, 30], [101, 30], [101, 31], [100, 30]]]}
    assert accepted("warnings", [{**GOOD["warnings"], "id": "a", "polygon": area, "references": ["w"]}])


def reading(seq: int, minutes: int, prev: int = 0, value: float = 1.0) -> Row:
    at = NOW - minutes * 60_000_000
    return {"seq": seq, "prev": prev, "received": NOW, "feed": "gauges", "code": "990101001000", "demo": False,
            "station": "g1", "metric": "level", "time": at, "value": value, "quality": None}


def test_rows_committed_while_memory_reads_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, reader = HistoryWriter(tmp_path), HistoryReader(tmp_path)
    batches = [Batch(n, n, "gauges", "observation", NOW, [reading(n, 60 - n)]) for n in range(1, 7)]
    batches.append(Batch(7, 7, "gauges", "observation", NOW, [reading(7, 54, prev=6, value=3.0)]))
    for batch in batches[:3]:
        writer.append(batch)
    writer.commit()
    plain = reader.rows

    def rows(*asked: Any) -> pa.Table:
        for batch in batches[3:6]:
            writer.append(batch)
        writer.commit()
        return plain(*asked)

    monkeypatch.setattr(reader, "rows", rows)
    tables = MemoryTables(PACK, reader)
    tables.load(NOW)
    for batch in batches:
        tables.apply(batch)
    found = tables.observations["gauges"].buckets("level", 0, NOW, 0, 0)
    assert (found.n.tolist(), found.total.tolist()) == ([6], [8.0])


def test_a_history_that_cannot_be_understood_does_not_end_the_following(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(PACK, State(f"unix://{tmp_path}/none.sock", "t:"), HistoryReader(tmp_path / "h"), Clock(), tmp_path)
    turns = []

    def turn() -> None:
        turns.append(1)
        live._stop.set() if len(turns) > 2 else None
        raise ValueError

    def load(*_: Any) -> None:
        raise TypeError

    monkeypatch.setattr(live, "_turn", turn)
    monkeypatch.setattr(live._stop, "wait", lambda _seconds: False)
    monkeypatch.setattr(MemoryTables, "load", load)
    live._run()
    assert len(turns) == 3
