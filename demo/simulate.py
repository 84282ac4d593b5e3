"""`simulate`: the demo county, live: every feed through the same doors as a real system's."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import Unavailable, WrongInput, os_words
from data.pack import load_pack
from data.parts import bound
from data.pulse import beat_file
from data.settings import ROOT, Settings
from demo import memory as memories
from demo import truth
from demo.days import DAY_S
from demo.doors import PushDoor
from demo.drops import drop_assets, drop_figures
from demo.feeds import OBSERVED
from demo.history import Progress, write_history
from demo.opening import first_memory, opening, resume
from demo.people import write_people
from demo.series import MICRO
from demo.world import World, make_world

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from data.clock import Clock
    from demo.memory import Memory

PAUSES_S = (1, 2, 4, 8, 15)
EVERY_S = {"sensors": 5, "events": 1, "warnings": 10}
OTHERS_EVERY_S = 3
GAP_S = {"sensors": 1800}
OTHER_GAP_S = 6 * 3600
UNFINISHED_S = 3600
FIGURES_BACK_S = 420 * DAY_S


def commands(add: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `simulate`."""
    parser = add.add_parser("simulate", help="演示县：向本机服务推送模拟数据（水印“演示数据”）")
    parser.add_argument("--place", type=Path, default=argparse.SUPPRESS, help="地区包目录")
    parser.add_argument("--port", type=int, help="网页端口（默认 8050）")
    parser.add_argument("--now", help="演示时钟从这一刻开始，如 2026-11-22T08:00")
    parser.add_argument("--scenario", choices=("quiet", "storm", "feed-down"), help="演示情景")
    parser.add_argument("--history", choices=("full", "small", "none"), help="演示历史的长短")
    parser.add_argument("--only-history", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Runs until stopped.

    Raises:
        WrongInput: production mode, which takes no simulated records.
    """
    if settings.mode == "production":
        raise WrongInput("生产模式不接受模拟数据；请去掉 YIPING_MODE=production 再运行 simulate")
    pack = load_pack(settings.place_dir)
    if not {"sensors", "events"} <= pack.feeds.keys():
        say(f"{pack.place.name} 没有演示数据源，模拟器不需要运行")
        return 0
    folder = settings.state_dir
    folder.mkdir(parents=True, exist_ok=True)
    if args.only_history:
        return write_history(settings, pack)
    signal.signal(signal.SIGTERM, _stop)
    clock = settings.clock()
    now, kept = clock.now_us() // MICRO, memories.load(folder)
    if kept is not None and (kept.sent or 0 <= now - kept.began < UNFINISHED_S):
        memory = kept
    else:
        memory = first_memory(now, settings.scenario)
        memory.save(folder)
    first = not memory.sent
    if not first:
        resume(memory, now, settings.scenario)
    if first and settings.history != "none":
        # Said before the first page: what has not come yet is not compared with.
        Progress(folder, 1).tell("演示历史即将导入")
    simulator = Simulator(make_world(pack, memory.scenario, memory.anchor), memory, PushDoor(settings), clock, folder)
    simulator.start(first)
    child = start_history(settings)
    try:
        simulator.forever()
    finally:
        memory.save(folder)
        if child is not None:
            child.terminate()
    return 0


def _stop(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def start_history(settings: Settings) -> subprocess.Popen[bytes] | None:
    """The older past is written by a process of its own, at low priority, that ends with this one."""
    if settings.history == "none":
        return None
    told = os.environ | {"YIPING_PLACE": str(settings.place_dir), "YIPING_STATE": str(settings.state_dir),
                         "YIPING_HISTORY": settings.history, "YIPING_CLOCK_OFFSET_S": repr(settings.clock().offset_s),
                         "YIPING_PORT": str(settings.port)}
    command = bound([sys.executable, str(ROOT / "app.py"), "--debug", "simulate", "--only-history"])
    return subprocess.Popen(["nice", "-n", "10", *command], env=told)  # noqa: S603, S607


class Simulator:
    """Pushes what is due. What is not acknowledged is made and sent again."""

    def __init__(self, world: World, memory: Memory, door: PushDoor, clock: Clock, folder: Path):
        self.world, self.memory, self.door, self.clock, self.folder = world, memory, door, clock, folder
        self._lost = 0
        self._full = False
        self._told: set[str] = set()
        self._saved = 0.0

    def now(self) -> int:
        """The place's clock, s."""
        return self.clock.now_us() // MICRO

    def start(self, first: bool) -> None:
        """The register, then (on the first start) the present state of every feed, then the monthly figures."""
        register = drop_assets(self.world, self.folder, self.now())
        write_people(self.world, self.folder)
        if first:
            self.until_read(register)
            for feed, records in opening(self.world, self.memory):
                self.surely(feed, records)
            feeds = [*OBSERVED, "events", "warnings"]
            self.memory.sent = dict.fromkeys(feeds, self.memory.began)
            drop_figures(self.world, self.folder, self.memory.began - FIGURES_BACK_S, self.memory.began)
            self.memory.sent |= {"figures": self.memory.began, "assets": self.memory.began}
        self.memory.save(self.folder)
        say(f"演示县已就位：送达 {self.door.accepted} 条（重复 {self.door.duplicate}）")

    def until_read(self, file: Path) -> None:
        """Waits until the collector has put a dropped file aside: before the register, no station is known."""
        while file.exists():
            self.beat()
            time.sleep(0.1)

    def surely(self, feed: str, records: list[dict[str, Any]]) -> None:
        """Pushes until acknowledged, however long that takes."""
        self.beat()
        while not self.try_push(feed, records):
            self.beat()
            time.sleep(PAUSES_S[min(self._lost, len(PAUSES_S)) - 1])

    def try_push(self, feed: str, records: list[dict[str, Any]]) -> bool:
        """True when all are acknowledged; a loss is told once, and once that it is over."""
        try:
            self.door.push(feed, records)
        except Unavailable as error:
            if not self._lost:
                say(str(error))
            self._lost += 1
            return False
        if self._lost:
            say("推送已恢复")
        self._lost = 0
        for name, reason in self.door.rejected.items():
            if name not in self._told:
                self._told.add(name)
                say(f"数据源 {name} 有记录被退回：{reason}")
        return True

    def forever(self) -> None:
        """Once a second: what is due, then a piece of what was left out."""
        while True:
            began = time.monotonic()
            if not self.try_tick():
                time.sleep(PAUSES_S[min(self._lost, len(PAUSES_S)) - 1])
                continue
            self.fill_gap()
            time.sleep(max(0.05, 1.0 - (time.monotonic() - began)))

    def beat(self) -> None:
        """Shows the supervisor that this process is not stuck."""
        with suppress(OSError):
            beat_file(self.folder, "simulator").touch()

    def try_tick(self) -> bool:
        """A tick; False when the door is shut or the disk refuses, which is told once."""
        try:
            self.beat()
            done = self.tick(self.now())
        except OSError as error:
            if not self._full:
                say(f"{self.folder} 写不进去（{os_words(error)}）；请腾出磁盘空间，之后自动继续")
            self._full = True
            self._lost = max(1, self._lost)
            return False
        self._full = self._full and not done
        return done

    def tick(self, now: int) -> bool:
        """Sends what became due; False as soon as the door is shut."""
        for feed in [*OBSERVED, "events", "warnings"]:
            sent = self.memory.sent.setdefault(feed, now)
            if now - sent < EVERY_S.get(feed, OTHERS_EVERY_S):
                continue
            records = self.due(feed)(sent, now)
            if records and not self.try_push(feed, records):
                return False
            self.memory.sent[feed] = now
        self.files(now)
        if time.monotonic() - self._saved > 2.0:
            self._saved = time.monotonic()
            self.memory.save(self.folder)
        return True

    def due(self, feed: str) -> Callable[[int, int], list[dict[str, Any]]]:
        """The function (after, until) → records of a feed."""
        if feed == "events":
            return self.world.events.changes
        if feed == "warnings":
            return self.world.bulletins.records
        since = self.memory.fine_from
        return lambda after, until: self.world.observations.reported(feed, after, until, since)

    def files(self, now: int) -> None:
        """Drops the register once a local day, released figures, and the truths of days that began."""
        zone = self.world.county.days.zone_s
        if (self.memory.sent.get("assets", 0) + zone) // DAY_S != (now + zone) // DAY_S:
            drop_assets(self.world, self.folder, now)
            self.memory.sent["assets"] = now
        figures = self.memory.sent.setdefault("figures", now)
        if now - figures >= 60:
            drop_figures(self.world, self.folder, figures, now)
            self.memory.sent["figures"] = now
        today = (now + zone) // DAY_S
        if self.memory.truth_day <= today:
            first = self.memory.truth_day or (self.memory.began + zone) // DAY_S - 30
            truth.append(self.folder, self.world.events, range(first, today + 1))
            self.memory.truth_day = today + 1

    def fill_gap(self) -> None:
        """Sends one piece of what was left out, newest first."""
        for feed, gaps in self.memory.gaps.items():
            if not gaps:
                continue
            first, last = gaps[-1]
            cut = max(first, last - GAP_S.get(feed, OTHER_GAP_S))
            records = self.due(feed)(cut, last)
            if not records or self.try_push(feed, records):
                gaps[-1] = (first, cut)
                if cut <= first:
                    gaps.pop()
            return


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()
