"""Instants made one from the other equal those read from history anew, over every store: late ones, corrections."""

from __future__ import annotations

import random
from typing import Any

import pytest
from history_stores import DAY, HOUR, T0, Store
from own_redis import TINY_PACK

from data.batches import Batch
from data.clock import Clock
from data.history_span import Span
from data.pack import load_pack
from data.past_tables import PastTables
from data.records import Row, parse
from data.reel import PIECE_US, Reel

pytestmark = pytest.mark.integration
PACK = load_pack(TINY_PACK)
WEST, EAST = "990101001000", "990101002000"
MINUTE = 60_000_000
BEGIN = T0 // PIECE_US * PIECE_US + HOUR
FEEDS = {"observation": "gauges", "event": "cases", "asset": "stations", "warning": "warnings"}


def told(kind: str, raw: dict[str, Any], seq: int, received: int, prev: int = 0) -> Row:
    return {**parse(kind, raw), "seq": seq, "prev": prev, "received": received, "feed": FEEDS[kind],
            "code": raw.get("division", WEST), "demo": False}


def raw_of(kind: str, number: int, at: int, chance: random.Random) -> dict[str, Any]:
    """A record of a kind that tells of a time not after `at`, sometimes of days before."""
    late = chance.choice([0, 0, 0, HOUR, 5 * DAY])
    if kind == "observation":
        return {"station": f"g{number % 3}", "metric": "level", "time": at - late - number % 7 * MINUTE,
                "value": float(number)}
    if kind == "event":
        # Stage by stage, as events go; what was heard of late is one of the first.
        stage = ("received", "filed", "dispatched", "handling", "reported", "closed")[min(number // 18, 5)]
        late = late if number < 54 else 0
        return {"id": f"e{number % 9}", "time": BEGIN - 50 * DAY + number % 9 * 12 * DAY // 2, "category": "c",
                "channel": "hotline", "stage": stage, "stage_time": at - late, "division": chance.choice([WEST, EAST]),
                "title": f"t{number}"}
    if kind == "asset":
        return {"id": f"g{number % 4}", "layer": "gauge", "name": f"站{number}", "lon": 100.05, "lat": 30.05}
    return {"id": f"w{number % 5}", "kind": "rain", "level": "red", "sent": at - late, "expires": at + 9 * HOUR,
            "divisions": [WEST], **({"references": [f"w{(number + 1) % 5}"]} if number % 3 == 0 else {})}


def county(store: Store, seed: int) -> list[int]:
    """Records of two days in several commits; when each was received."""
    chance, writer = random.Random(seed), store.writer()
    seq, at, held = 0, BEGIN - DAY, {}
    instants = []
    for _ in range(60):
        at += chance.randrange(1, 90) * MINUTE
        kind = chance.choice(["observation", "observation", "event", "event", "asset", "warning"])
        rows: list[Row] = []
        for _ in range(chance.randrange(1, 4)):
            seq += 1
            raw = raw_of(kind, seq, at, chance)
            key = (kind, raw.get("station") or raw.get("id"), raw.get("time") if kind == "observation" else None,
                   raw.get("stage"), raw.get("stage_time"))
            rows.append(told(kind, raw, seq, at, held.get(key, 0)))
            held[key] = seq
        writer.append(Batch(rows[0]["seq"], rows[-1]["seq"], FEEDS[kind], kind, at, rows))
        if chance.random() < 0.3:
            writer.commit()
        instants.append(at)
    writer.commit()
    return instants


def facts(tables: PastTables) -> dict[str, Any]:
    """What the tables say, in an order of its own."""
    span = Span(tables.at_us - 9 * DAY, tables.at_us + 1, HOUR)
    buckets = tables.buckets(("gauges",), ["level"], span)[0]
    rows = zip(*(getattr(buckets, name).tolist() for name in ("station", "bucket", "n", "total", "last", "last_time")),
               strict=True)
    events = {}
    for table in (tables.events, tables.past_events()):
        for at in range(len(table)):
            names = ("time", "stage", "stage_time", "division", "due")
            events[table.key(at)] = ([int(table.columns[name][at]) for name in names],
                                     table.columns["reached"][at].tolist())
    return {"observations": sorted(rows), "events": events,
            "assets": {key: row["name"] for key, row in tables.assets.rows.items()},
            "warnings": {key: [row[name] for name in ("sent", "expires", "status")]
                         for key, row in tables.warnings.rows.items()},
            "in force": sorted(row["id"] for row in tables.warnings.active(tables.at_us))}


@pytest.mark.parametrize("seed", [1, 2])
def test_instants_made_from_each_other_equal_those_read_anew(store: Store, seed: int) -> None:
    received, reader = county(store, seed), store.reader()
    reel = Reel(reader, Clock())
    moving = PastTables(PACK, reader)
    moving.read(received[20], known_now=False)
    kept = [(moving, facts(moving))]
    for at in [*received[21::6], received[-1] + 1]:
        moving = moving.after(at, reel.between(moving.at_us, at))
        anew = PastTables(PACK, reader)
        anew.read(at, known_now=False)
        assert facts(moving) == facts(anew), at - BEGIN
        kept.append((moving, facts(moving)))
    for tables, was in kept:
        assert facts(tables) == was, "a later instant changes no earlier one"


def test_a_piece_is_read_once_and_none_that_may_still_grow(store: Store) -> None:
    received = county(store, 3)
    reader = store.reader()
    asked: list[str] = []
    run = reader.run
    reader.run = lambda expression: asked.append("run") or run(expression)  # type: ignore[method-assign, func-returns-value]
    reel = Reel(reader, Clock())
    begin = received[-1] - 2 * PIECE_US
    first = {kind: table.num_rows for kind, table in reel.between(begin, received[-1]).items()}
    once = len(asked)
    assert {kind: table.num_rows for kind, table in reel.between(begin, received[-1]).items()} == first
    assert len(asked) == once > 0
    young = Reel(reader, Clock((received[-1] - Clock().now_us()) / 1e6))
    for _ in range(2):
        asked.clear()
        young.between(received[-1] - MINUTE, received[-1])
        assert asked, "what was received a moment ago is asked for again"
