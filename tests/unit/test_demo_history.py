"""The demo county's past is what went out live, is planned once, and is written once however often it is stopped."""

import json
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from demo_tree import PACK, county

from data.history_staged import first_wrong
from data.records import parse
from data.settings import Settings
from demo import history, staging
from demo.bulletins import Bulletins
from demo.city_events import CityEvents
from demo.days import DAY_S, day_number
from demo.economy import Economy
from demo.feeds import Observations
from demo.opening import first_memory, opening
from demo.world import World

NOW = day_number("2026-11-22") * DAY_S + 6 * 3600 + 125
COUNTY = county("quiet", NOW)
WORLD = World(COUNTY, Observations(COUNTY), CityEvents(COUNTY), Bulletins(COUNTY), Economy(COUNTY))


def test_history_and_live_records_are_the_same_at_the_seam(tmp_path: Path) -> None:
    memory = first_memory(NOW, "quiet")
    live = dict(opening(WORLD, memory))
    span = (memory.fine_from - 6 * 3600, memory.fine_from)
    for feed in ("rain", "air_hourly", "power"):
        (path, count), = staging.stage_observations(WORLD, feed, span, tmp_path)
        rows = pq.read_table(path).to_pylist()
        assert first_wrong("observation", pq.read_schema(path)) == ""
        told = {(row["station"], row["metric"], row["time"]): row["value"] for row in live[feed]}
        past = {(row["station"], row["metric"], row["time"]): row["value"] for row in rows}
        assert len(past) == count > 0
        assert all(told[key] == value for key, value in past.items())
        assert all(row["demo"] and row["received"] > row["time"] for row in rows)


def test_event_history_is_what_goes_out_live(tmp_path: Path) -> None:
    span = (NOW - 4 * 3600, NOW)
    files = list(staging.stage_events(WORLD, span, tmp_path))
    assert first_wrong("event", pq.read_schema(files[0][0])) == ""
    past = [parse("event", {key: value for key, value in row.items() if key != "received"})
            for path, _ in files for row in pq.read_table(path).to_pylist()]
    live = [parse("event", row) for row in WORLD.events.changes(*span)]

    def by_identity(row: dict) -> tuple:
        return row["id"], row["stage_time"], row["stage"]

    assert sorted(past, key=by_identity) == sorted(live, key=by_identity)


def test_figures_in_history_keep_every_column(tmp_path: Path) -> None:
    records = WORLD.economy.records(history.releases(NOW - 40 * DAY_S, NOW)[0])
    staging.stage_records(records, tmp_path / "economy.parquet", "released")
    rows = [parse("indicator", {key: value for key, value in row.items() if key != "received"})
            for row in pq.read_table(tmp_path / "economy.parquet").to_pylist()]
    assert rows == [parse("indicator", record) for record in records]


def test_plan_covers_three_years_once_and_newest_first() -> None:
    memory = first_memory(NOW, "quiet")
    jobs = history.plan(WORLD, memory, "full")
    assert len({job.key for job in jobs}) == len(jobs)
    total = sum(job.rows for job in jobs)
    assert 13_000_000 < total < 18_000_000
    rain = [job.span for job in jobs if job.feed == "rain"]
    assert rain[0][1] == memory.fine_from
    assert all(older[1] == newer[0] for newer, older in pairwise(rain))
    assert rain[-1][0] == memory.spans[0][0]
    small = history.plan(WORLD, memory, "small")
    assert sum(job.rows for job in small) < 0.1 * total


def test_history_is_done_once_and_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(place=PACK, state=tmp_path, history="small", _env_file=None)
    memory = first_memory(NOW, "quiet")
    memory.save(tmp_path)
    jobs = [job for job in history.plan(WORLD, memory, "small") if job.feed in ("hall", "population", "warnings")]
    imported: list[str] = []

    def bring(_settings: Settings, feed: str, files: list[Path]) -> bool:
        assert all(path.is_file() for path in files)
        if feed == "hall" and imported.count("hall") == 0:
            imported.append(feed)
            raise KeyboardInterrupt
        imported.append(feed)
        return True

    monkeypatch.setattr(history, "import_files", bring)
    monkeypatch.setattr(history, "make_world", lambda *_: WORLD)
    monkeypatch.setattr(history, "plan", lambda *_: jobs)
    with pytest.raises(KeyboardInterrupt):
        history.write_history(settings, None)
    assert history.write_history(settings, None) == 0
    assert history.write_history(settings, None) == 0
    assert sorted(imported) == ["hall", "hall", "population", "warnings"]
    told = json.loads((tmp_path / "history_progress.json").read_text())
    assert told["done"] == told["total"] > 0
    assert not [path for path in (tmp_path / "staging-demo").iterdir() if path.name != "done"]
