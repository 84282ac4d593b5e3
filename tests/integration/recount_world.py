"""A few days of the demo county, pushed through acceptance into Parquet and memory, for tests that count them again.

The first part of the records enters history before memory is loaded, the rest arrives as live batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from data.acceptance import Lane
from data.batches import Batch
from data.clock import Clock
from data.gate import Gate
from data.history import HistoryReader, HistoryWriter
from data.identity import IdentityIndex
from data.live import Live
from data.pack import load_pack
from data.registry import Registry
from data.settings import load_settings
from data.state import State
from demo.assets import collection
from demo.days import DAY_S, day_number
from demo.economy import releases
from demo.opening import first_memory, opening
from demo.world import World, make_world
from geo.locate import Locator

YUDU = Path(__file__).parents[2] / "places" / "yudu"
NOW_S = day_number("2026-11-22") * DAY_S + 6 * 3600 + 125
NOW = NOW_S * 1_000_000
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, DAY_S * 1_000_000
Records = list[dict[str, Any]]


@dataclass
class Recounted:
    """The gate of the county, and DuckDB over the very Parquet files for counting again."""

    gate: Gate
    db: duckdb.DuckDBPyConnection
    folder: Path
    raw: dict[str, Records] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)

    def sql(self, text: str, **values: Any) -> Any:
        """Rows of a plain SQL question."""
        used = {name: value for name, value in values.items() if f"${name}" in text}
        return self.db.execute(text, used).fetchall()


class Desk:
    """Pushes raw records as received at an instant: acceptance, then history, and memory once it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.pack = load_pack(YUDU)
        self.reader = HistoryReader(folder / "history")
        self.writer = HistoryWriter(folder / "history")
        registry, index = Registry(self.pack.divisions, Locator(self.pack.divisions)), IdentityIndex(self.reader)
        self.lanes = {name: Lane(name, feed, self.pack, registry, index)
                      for name, feed in self.pack.feeds.items()}
        self.seq = 1
        self.raw: dict[str, Records] = {}
        self.refused: dict[str, list[str]] = {}
        self.live: Live | None = None

    def push(self, feed: str, records: Records, received: int) -> None:
        """Accepts, buffers for history and, once memory is loaded, applies."""
        found = self.lanes[feed].prepare(records, self.seq, received)
        wrong = {position for position, _ in found.rejected}
        self.refused.setdefault(feed, []).extend(reason for _, reason in found.rejected)
        self.raw.setdefault(feed, []).extend(row for at, row in enumerate(records) if at not in wrong)
        if not found.rows:
            return
        batch = Batch(self.seq, found.rows[-1]["seq"], feed, self.lanes[feed].kind, received, found.rows)
        self.seq = batch.seq1 + 1
        self.writer.append(batch)
        if self.live is not None:
            self.live.tables.apply(batch)


def register(world: World) -> Records:
    """The demo's assets as canonical records."""
    found = []
    for feature in collection(world.county)["features"]:
        facts = feature["properties"]
        lon, lat = feature["geometry"]["coordinates"]
        found.append({"id": feature["id"], "layer": facts["layer"], "name": facts["name"], "lon": lon, "lat": lat,
                      "properties": facts, "demo": True})
    return found


def observation(station: str, metric: str, time: int, value: float) -> dict[str, Any]:
    """One reading."""
    return {"station": station, "metric": metric, "time": time, "value": value, "demo": True}


def event(identity: str, stage: str, ago: float, received_ago: float, **more: Any) -> dict[str, Any]:
    """One stage of an event, hours before now; where it is must be among `more`."""
    return {"id": identity, "time": NOW - round(received_ago * HOUR), "category": "env_noise", "channel": "hotline",
            "stage": stage, "stage_time": NOW - round(ago * HOUR), "department": "县城管局", "demo": True, **more}


def old_part(desk: Desk, world: World) -> None:
    """What lies before memory: the register, figures, and eight days of events that ended two months ago."""
    desk.push("assets", register(world), NOW - 100 * DAY)
    for release in releases(NOW_S - 430 * DAY_S, NOW_S - 5 * DAY_S):
        desk.push("economy", world.economy.records(release), release.released * 1_000_000)
    desk.push("population", world.economy.population(2025), NOW - 90 * DAY)
    desk.push("events", world.events.changes(NOW_S - 62 * DAY_S, NOW_S - 54 * DAY_S), NOW - 50 * DAY)
    for feed in ("rain", "river", "air_hourly"):
        desk.push(feed, world.observations.coarse_records(feed, NOW_S - 5 * DAY_S, NOW_S - DAY_S), NOW - DAY)


def county(folder: Path, planted: dict[str, Records]) -> Recounted:
    """The county at NOW; `planted` records come last, as live batches."""
    desk = Desk(folder)
    world = make_world(desk.pack, "storm", NOW_S)
    old_part(desk, world)
    batches = opening(world, first_memory(NOW_S, "storm"))
    for feed, records in batches:
        desk.push(feed, records[:len(records) // 2], NOW - 2 * MINUTE)
    desk.writer.commit()
    settings = load_settings(place=YUDU, state=folder)
    clock = Clock(NOW_S - Clock().now().timestamp())
    desk.live = Live(desk.pack, State(f"unix://{folder}/none.sock", "t:"), desk.reader, clock, settings.state_dir)
    desk.live.tables.load(NOW)
    for feed, records in batches:
        desk.push(feed, records[len(records) // 2:], NOW - MINUTE)
    for feed, records in planted.items():
        for record in records:
            desk.push(feed, [record], NOW - 30_000_000)
    desk.writer.commit()
    gate = Gate(desk.pack, desk.live, desk.reader)
    return Recounted(gate, views(folder / "history"), folder, desk.raw, desk.refused)


def views(history: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with one view a kind: every stored version whose number nobody names as replaced."""
    db = duckdb.connect()
    for kind in ("event", "observation", "indicator", "asset", "warning"):
        db.execute(f"create table {kind}_all as select * from read_parquet('{history}/{kind}/*/*.parquet')")
        keys = {"event": "feed, id, stage, stage_time", "observation": "feed, station, metric, time",
                "indicator": "feed, indicator, division, period, basis"}.get(kind, "feed, id")
        db.execute(f"create table {kind} as select * from {kind}_all "
                   f"qualify row_number() over (partition by {keys} order by seq desc) = 1")
    return db
