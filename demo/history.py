"""The older past of the demo county: written as Parquet and imported by the bulk door, newest first, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from data.loading import PROGRESS
from data.pack import Pack
from data.parts import bound
from data.settings import ROOT, Settings
from demo import memory as memories
from demo import staging, truth
from demo.days import DAY_S
from demo.economy import releases
from demo.feeds import OBSERVED
from demo.memory import Memory
from demo.opening import OPENING_WARNINGS_S
from demo.series import MICRO
from demo.world import World, make_world

FOLDER = "staging-demo"
SENSOR_DAYS = {"full": 14, "small": 2}
SMALL_DAYS = 30
TIERS = (40, 400, 1100)
FIGURE_MONTHS = {"full": 60, "small": 25}
NAMES = {"economy": "经济指标", "population": "人口", "warnings": "预警", "events": "城市事件", "sensors": "感知设备",
         "rain": "雨量", "river": "河道", "reservoir": "水库", "air_hourly": "空气", "water_quality": "水质",
         "power": "用电", "parking": "停车", "traffic": "车流", "hall": "大厅"}
PAUSES_S = (2, 5, 10, 20, 30)
Files = Iterator[tuple[Path, int]]


@dataclass(frozen=True)
class Job:
    """One import: a feed's stretch (from, to] (s), about `rows` rows."""

    feed: str
    span: tuple[int, int]
    rows: int

    @property
    def key(self) -> str:
        """Name of its folder and of its marker."""
        return f"{self.feed}-{self.span[0]}-{self.span[1]}"


def plan(world: World, memory: Memory, size: str) -> list[Job]:
    """All jobs, in the order in which they help a reader most: figures, the last weeks, sensors, then year by year."""
    jobs = []
    for number, (first, last) in enumerate(memory.spans):
        ended = memory.began if number == 0 else last
        if number == 0 and size == "small":
            first = last - SMALL_DAYS * DAY_S
        if number == 0:
            months = FIGURE_MONTHS[size]
            figures = (ended - months * 31 * DAY_S, ended)
            jobs += [Job("economy", figures, months * 20 * 24), Job("population", figures, months * 35)]
        for tier, days in enumerate(TIERS):
            newest = last - (TIERS[tier - 1] * DAY_S if tier else 0)
            part = (max(first, last - days * DAY_S), newest)
            if part[0] < part[1]:
                jobs += _tier(world, part, ended if tier == 0 else newest)
            if tier == 0:
                jobs.append(_job(world, "sensors", (max(first, last - SENSOR_DAYS[size] * DAY_S), last)))
    return jobs


def _tier(world: World, part: tuple[int, int], ended: int) -> list[Job]:
    jobs = [Job("warnings", (part[0], ended), 30), _job(world, "events", (part[0], ended))]
    return jobs + [_job(world, feed, part) for feed in OBSERVED
                   if feed != "sensors" and world.observations.delivered(feed)]


def _job(world: World, feed: str, span: tuple[int, int]) -> Job:
    return Job(feed, span, int(staging.rows_per_day(world, feed) * (span[1] - span[0]) / DAY_S))


def write_history(settings: Settings, pack: Pack) -> int:
    """Does every job that has no marker yet; safe to be stopped and started again at any moment."""
    folder = settings.state_dir
    memory = memories.load(folder)
    if memory is None or settings.history == "none":
        return 0
    world = make_world(pack, memory.scenario, memory.anchor)
    jobs = plan(world, memory, settings.history)
    done_folder = folder / FOLDER / "done"
    done_folder.mkdir(parents=True, exist_ok=True)
    told = Progress(folder, sum(job.rows for job in jobs))
    for job in jobs:
        if not (done_folder / job.key).exists():
            _do(settings, world, job, told)
            (done_folder / job.key).touch()
        told.finished(job)
    told.tell("演示历史已全部导入")
    return 0


class Progress:
    """The file that shows how far history is: {done, total, words, time}."""

    def __init__(self, folder: Path, total: int):
        self.path, self.total, self.done = folder / PROGRESS, total, 0

    def finished(self, job: Job) -> None:
        """Counts a job."""
        self.done += job.rows
        self.tell(f"已导入{NAMES.get(job.feed, job.feed)}历史")

    def tell(self, words: str, part: int = 0) -> None:
        """Replaces the file."""
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"done": min(self.done + part, self.total), "total": self.total, "words": words,
                                        "time": time.time()}))
        fresh.replace(self.path)


def _do(settings: Settings, world: World, job: Job, told: Progress) -> None:
    folder = settings.state_dir / FOLDER / job.key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name, rows, files = NAMES.get(job.feed, job.feed), 0, []
    for path, count in _files(world, job, folder):
        files.append(path)
        rows += count
        told.tell(f"正在生成{name}历史", min(rows, job.rows) // 2)
    if job.feed == "events":
        _truths(settings.state_dir, world, job)
    told.tell(f"正在导入{name}历史（{rows} 行）", job.rows // 2)
    for attempt in range(1_000_000):
        if not files or import_files(settings, job.feed, files):
            break
        told.tell(f"{name}历史导入未成功，稍后重试", job.rows // 2)
        time.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
    shutil.rmtree(folder)


def _files(world: World, job: Job, folder: Path) -> Files:
    plain: dict[str, Callable[[], Files]] = {
        "events": lambda: staging.stage_events(world, job.span, folder),
        "economy": lambda: _economy(world, job, folder), "population": lambda: _population(world, job, folder),
        "warnings": lambda: _warnings(world, job, folder)}
    if job.feed in plain:
        return plain[job.feed]()
    return staging.stage_observations(world, job.feed, job.span, folder)


def _economy(world: World, job: Job, folder: Path) -> Files:
    for number, release in enumerate(releases(*job.span)):
        path = folder / f"economy-{number:03d}.parquet"
        yield path, staging.stage_records(world.economy.records(release), path, "released")


def _population(world: World, job: Job, folder: Path) -> Files:
    first, last = (time.gmtime(moment).tm_year for moment in job.span)
    for year in range(first, last):
        records = world.economy.population(year)
        if records[0]["released"] <= job.span[1] * MICRO:
            path = folder / f"population-{year}.parquet"
            yield path, staging.stage_records(records, path, "released")


def _warnings(world: World, job: Job, folder: Path) -> Files:
    # The last days are live: a warning that is lifted there must not come back from here.
    sent = world.bulletins.between(job.span[0], job.span[1] - OPENING_WARNINGS_S)
    records = [world.bulletins.record(one, one.ends, "actual" if one.ends == one.expires else "cancelled")
               for one in sent]
    if records:
        path = folder / "warnings.parquet"
        yield path, staging.stage_records(records, path, "sent")


def _truths(folder: Path, world: World, job: Job) -> None:
    zone = world.county.days.zone_s
    live_from = (memories.load(folder) or Memory(0, 0, 0, "")).began + zone
    first, last = (job.span[0] + zone) // DAY_S, min((job.span[1] + zone) // DAY_S, live_from // DAY_S - 30)
    truth.append(folder, world.events, range(first, last))


def import_files(settings: Settings, feed: str, files: list[Path]) -> bool:
    """Runs `./yiping import FEED FILES…`; False when it failed, its last words go to standard error."""
    command = bound([sys.executable, str(ROOT / "app.py"), "--place", str(settings.place_dir), "import", feed,
                     *map(str, files)])
    told = os.environ | {"YIPING_STATE": str(settings.state_dir), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=told, capture_output=True, check=False)  # noqa: S603
    if ended.returncode:
        last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
        sys.stderr.write(f"导入 {feed} 历史失败：{''.join(last)}\n")
    return ended.returncode == 0
