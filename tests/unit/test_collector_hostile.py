"""Whatever is accepted can be spooled, published and stored: hostile values are refused before, not after."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.acceptance import Lane
from data.batches import Batch
from data.history import HistoryReader, HistoryWriter
from data.identity import IdentityIndex
from data.latest import Newest
from data.pack import load_pack
from data.records import FIELDS
from data.registry import Registry
from data.spool import decode, encode
from data.times import parse_instant
from geo.locate import Locator

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
NOW = parse_instant("2026-11-22T08:00:00+08:00")
HOSTILE: tuple[Any, ...] = (
    None, "", " ", "x", "于都", "\x00", "\ud800", "'; drop", "<img src=x>", "=1+1", "x" * 5000, 0, -1, 1.5,
    1e308, -1e308, float("inf"), float("nan"), (1 << 63) - 1, 1 << 63, -(1 << 63), 10**40, True, False, [], {},
    [1, [2]], {"a": None}, {1: 2}, b"bytes", "2026-11-22T07:00:00Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "24:00", "1e999", NOW, "2026-13", "2026-10", "current", "received", "red",
    "990101001000", ["990101001000"], "g1", "level", 100.05, 30.05)
GOOD: dict[str, dict[str, Any]] = {
    "gauges": {"station": "g1", "metric": "level", "time": NOW, "value": 1.0},
    "cases": {"id": "c", "time": NOW, "category": "r", "channel": "p", "stage": "filed", "stage_time": NOW,
              "lon": 100.05, "lat": 30.05},
    "monthly": {"indicator": "gdp", "division": "990101001000", "period": "2026-10", "basis": "current", "value": 1.0},
    "stations": {"id": "g1", "layer": "gauge", "name": "站", "lon": 100.05, "lat": 30.05},
    "warnings": {"id": "w", "kind": "rain", "level": "red", "sent": NOW, "expires": NOW, "divisions": ["990101001000"]},
}


class Nothing:
    def identities(self, kind: str, feed: str, start_us: int, end_us: int) -> list[tuple[bytes, bytes, int]]:
        return []


@pytest.mark.parametrize("feed", sorted(GOOD))
def test_what_is_accepted_can_be_kept(feed: str, tmp_path: Path) -> None:
    chance = random.Random(feed)
    registry = Registry(PACK.divisions, Locator(PACK.divisions))
    index = IdentityIndex(Nothing())
    stations = Lane("stations", PACK.feeds["stations"], PACK, registry, index)
    stations.prepare([GOOD["stations"]], 1, NOW)
    lane = Lane(feed, PACK.feeds[feed], PACK, registry, index)
    names = [spec.name for spec in FIELDS[lane.kind]]
    raws = [{**GOOD[feed], **{chance.choice(names): chance.choice(HOSTILE) for _ in range(chance.choice((1, 1, 2, 3)))}}
            for _ in range(1200)]
    found = lane.prepare(raws, 2, NOW)
    assert len(found.rows) + len(found.rejected) + found.duplicate == len(raws)
    assert len(found.rows) > 50
    assert len(found.rejected) > 200
    batch = Batch(2, 1 + len(found.rows), feed, lane.kind, NOW, found.rows)
    again = decode(encode(batch))
    assert again == batch, "the spool gives back what went in"
    fresh, _ = Newest().choose(again)
    assert all(orjson.loads(row) for row in fresh.values())
    writer = HistoryWriter(tmp_path)
    writer.append(again)
    writer.commit()
    reader = HistoryReader(tmp_path)
    kept = {digest: (content, seq) for digest, content, seq in reader.identities(lane.kind, feed, 0, 1 << 62)}
    for digest, entry in _current(index, lane.kind, feed).items():
        assert kept.pop(digest) == (entry[:8], int.from_bytes(entry[8:], "big")), "history knows it as accepted"
    assert kept == {}


def _current(index: IdentityIndex, kind: str, feed: str) -> dict[bytes, bytes]:
    own = [bucket.entries for key, bucket in index._buckets.items() if key[:2] == (kind, feed)]
    return {digest: entry for entries in own for digest, entry in entries.items()
            if int.from_bytes(entry[8:], "big") > 1}
