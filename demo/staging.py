"""The demo county's past as Parquet in canonical columns, for the bulk door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from data.records import STAGES
from demo.city_events import ACTS, RATED, EventDay
from demo.days import DAY_S
from demo.feeds import OBSERVED
from demo.intake import BY_POINT, BY_TOWN
from demo.series import MICRO
from demo.texts import CHANNELS, DETAIL, URGENT
from demo.world import World

CHUNK_DAYS = 31
EVENT_DELAY_S = 2


def _write(path: Path, tables: list[pa.Table]) -> int:
    whole = pa.concat_tables(tables)
    pq.write_table(whole, path, compression="zstd", compression_level=1)
    return int(whole.num_rows)


def stage_observations(world: World, feed: str, span: tuple[int, int], folder: Path) -> Iterator[tuple[Path, int]]:
    """Files of hourly values (sensors: every 5 minutes) with times in (from, to], a month or a day of sensors each."""
    days = 1 if feed == "sensors" else CHUNK_DAYS
    for first in range(span[0], span[1], days * DAY_S):
        last = min(first + days * DAY_S, span[1])
        tables = _fine(world, feed, first, last) if feed == "sensors" else _coarse(world, feed, first, last)
        if tables:
            path = folder / f"{feed}-{first}.parquet"
            yield path, _write(path, tables)


def _coarse(world: World, feed: str, first: int, last: int) -> list[pa.Table]:
    tables = []
    for series, rows in world.observations.coarse(feed, first, last):
        late = world.observations.lateness(feed, series.ids)
        tables.append(_table(series.ids, series.metric, series.times, late, series.chosen(rows)))
    return [table for table in tables if table.num_rows]


def _fine(world: World, feed: str, first: int, last: int) -> list[pa.Table]:
    tables = []
    for day in range(first // DAY_S, (last - 1) // DAY_S + 1):
        for series in world.observations.block(feed, day):
            late = world.observations.lateness(feed, series.ids)
            rows = (series.times > first) & (series.times <= last)
            tables.append(_table(series.ids, series.metric, series.times, late, series.chosen(rows)))
    return [table for table in tables if table.num_rows]


def _table(ids: tuple[str, ...], metric: str, times: Any, late: Any, cells: tuple[Any, Any, Any]) -> pa.Table:
    when, where, values = cells
    station = pa.array(ids).take(pa.array(where))
    name = pa.array([metric]).take(pa.array(np.zeros(len(where), np.int64)))
    return pa.table({"station": station, "metric": name, "time": times[when] * MICRO, "value": values,
                     "received": (times[when] + late[where]) * MICRO, "demo": np.ones(len(where), bool)})


def stage_events(world: World, span: tuple[int, int], folder: Path) -> Iterator[tuple[Path, int]]:
    """Files of stage changes in (from, to]."""
    days = world.events.days(*span)
    for first in range(days.start, days.stop, CHUNK_DAYS):
        tables = [events_table(world, world.events.of_day(day), span)
                  for day in range(first, min(first + CHUNK_DAYS, days.stop))]
        tables = [table for table in tables if table.num_rows]
        if tables:
            path = folder / f"events-{first}.parquet"
            yield path, _write(path, tables)


def events_table(world: World, day: EventDay, span: tuple[int, int]) -> pa.Table:
    """The stage changes of one day's events that happen in (from, to], the same records that go out live."""
    steps, made, desk = day.steps, day.intake, world.events.desk
    rows = np.flatnonzero((steps.at > span[0]) & (steps.at <= span[1]))
    event = steps.event[rows]
    take = pa.array(event)
    category = np.array(desk.keys, object)[made.category]
    channel = np.array(CHANNELS, object)[made.channel]
    details = [DETAIL[name].format(title=title) for name, title in zip(channel, day.titles, strict=True)]
    point = made.placing == BY_POINT
    villages = np.array([village.code for village in world.county.ground.villages], object)[made.village]
    towns = np.array([town.code for town in world.county.ground.towns], object)[
        world.county.ground.village_town[made.village]]
    division = np.where(made.placing == BY_TOWN, towns, villages)
    division[point] = None
    urgent = np.array(["紧急" if name in URGENT else "一般" for name in category], object)
    acts = np.array([None, *ACTS[1:]], object)
    score = np.where(steps.stage[rows] == RATED, steps.score[rows], np.nan)

    def each(values: Any) -> pa.Array:
        return pa.array(values, pa.string()).take(take)

    return pa.table({
        "id": each(day.ids), "time": made.time[event] * MICRO, "category": each(category), "channel": each(channel),
        "stage": pa.array(STAGES).take(pa.array(steps.stage[rows])), "stage_time": steps.at[rows] * MICRO,
        "lon": pa.array(np.where(point, np.round(made.lon, 6), np.nan)[event], from_pandas=True),
        "lat": pa.array(np.where(point, np.round(made.lat, 6), np.nan)[event], from_pandas=True),
        "division": each(division), "title": each(day.titles), "detail": each(details),
        "department": each(np.array(desk.departments, object)[made.category]), "due": steps.due[rows] * MICRO,
        "level": each(urgent), "act": pa.array(acts[steps.act[rows]], pa.string()),
        "satisfaction": pa.array(score, from_pandas=True), "reporter": each(day.reporters),
        "received": (steps.at[rows] + EVENT_DELAY_S) * MICRO, "demo": np.ones(len(rows), bool)})


def stage_records(records: list[dict[str, Any]], path: Path, received: str) -> int:
    """Plain records (indicators, warnings) with the field that tells when they became known; JSON fields as text."""
    plain = [{name: orjson.dumps(value).decode() if isinstance(value, list) else value
              for name, value in record.items()} | {"received": record[received]} for record in records]
    # from_pylist alone takes the columns of the first row and silently loses the others
    names = list(dict.fromkeys(name for record in plain for name in record))
    columns = {name: [record.get(name) for record in plain] for name in names}
    return _write(path, [pa.table(columns)])


def rows_per_day(world: World, feed: str) -> float:
    """How many rows a day of a feed's past has, about (for the progress bar)."""
    if feed == "events":
        return 3150.0
    step = 300 if feed == "sensors" else max(3600, OBSERVED[feed].step_s)
    return sum(len(series.ids) for series in world.observations.block(feed, 20_000)) * DAY_S / step
