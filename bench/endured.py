"""What the long forms do to a running place: kill, stop, flood, restart and fill it, and what must hold meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import psutil

from bench.place import Place, until
from bench.series import p95
from data.parts import PartStatus, read_status
from data.settings import ROOT

PARTS = ("web", "collector", "redis-state", "redis-cache", "simulator")
BACK_S, HUNG_S, START_S, IMPORT_S, PAGES = 5.0, 22.0, 10.0, 900.0, 2.0
CALM_S = 61.0
WATCHED = ("web", "collector", "redis-state")
GROWTH = 0.05
SETTLE_S = 2400.0
FLAT_ROWS_S = 2000


@dataclass(frozen=True)
class Scale:
    """Long or short form."""

    short: bool

    def times(self, long: int, short: int) -> int:
        """How often, or how many seconds."""
        return short if self.short else long


@dataclass(frozen=True)
class Found:
    """Whether the promise held, and the figures."""

    held: bool
    facts: dict[str, Any] = field(default_factory=dict)


@contextmanager
def running(folder: Path, history: str = "none") -> Iterator[Place]:
    """The demo county, running."""
    place = Place(folder / "state", history, ROOT / "places" / "yudu")
    try:
        place.start(240)
        until(lambda: place.client.get("/readyz").status_code == 200, 120, "没有就绪")
        yield place
    finally:
        place.stop()


def _status(place: Place, part: str) -> PartStatus:
    return read_status(place.state)[part]


def _strike(place: Place, part: str, number: signal.Signals, patience_s: float) -> float:
    """Sends a signal to a part and gives the seconds until its successor is up."""
    until(lambda: _status(place, part).state == "up", 60, f"{part} 没有运行")
    before = _status(place, part)
    began = time.monotonic()
    os.kill(before.pid, number)
    until(lambda: _status(place, part).restarts > before.restarts and _status(place, part).state == "up", patience_s,
          f"{part} 没有回来")
    return time.monotonic() - began


def parts(folder: Path, scale: Scale) -> Found:
    """kill -9 of each part in turn; each is back within 5 s and the whole is ready again."""
    took: dict[str, list[float]] = {part: [] for part in PARTS}
    with running(folder) as place:
        for number in range(scale.times(20, 2)):
            for part in PARTS:
                # A part that has just come back is restarted more slowly, on purpose.
                until(lambda part=part: time.time() - _status(place, part).since / 1e6 > CALM_S, 90, f"{part} 不稳定")
                took[part].append(round(_strike(place, part, signal.SIGKILL, 60), 2))
            until(lambda: place.client.get("/readyz").status_code == 200, 60, "没有再就绪")
            place.push("events", [place.event(place.townships()[number % 20])])
    worst = {part: max(values) for part, values in took.items()}
    return Found(max(worst.values()) <= BACK_S, {"limit_s": BACK_S, "worst_s": worst, "took_s": took})


def hung(folder: Path, scale: Scale) -> Found:
    """SIGSTOP of each part that has a door; it is found, ended and back within 22 s."""
    took: dict[str, list[float]] = {part: [] for part in PARTS if part != "simulator"}
    with running(folder) as place:
        for _ in range(scale.times(5, 1)):
            for part, values in took.items():
                until(lambda part=part: time.time() - _status(place, part).since / 1e6 > CALM_S, 90, f"{part} 不稳定")
                values.append(round(_strike(place, part, signal.SIGSTOP, 90), 2))
                assert "没有应答" in _status(place, part).reason
            until(lambda: place.client.get("/readyz").status_code == 200, 60, "没有再就绪")
    worst = {part: max(values) for part, values in took.items()}
    return Found(max(worst.values()) <= HUNG_S, {"limit_s": HUNG_S, "worst_s": worst, "took_s": took})


def soak(folder: Path, scale: Scale) -> Found:
    """Days of updates in minutes: the same readings and events corrected over and over while viewers look.

    No key is new after the first round, so memory must stay as it is: its slope over the second half of the time is
    taken by least squares.
    """
    seconds = float(scale.times(3600, 300))
    sizes: dict[str, list[tuple[float, float]]] = {part: [] for part in WATCHED}
    with running(folder) as place:
        pids = {part: place.pid(part) for part in WATCHED}
        flood = _flood(place)
        rows, views, began, looked = 0, 0, time.monotonic(), 0.0
        while (passed := time.monotonic() - began) < seconds:
            rows += next(flood)
            if passed - looked >= 1.0:
                looked = passed
                views += _looked_at(place, views)
                for part, pid in pids.items():
                    sizes[part].append((passed, psutil.Process(pid).memory_info().rss / 1e6))
        same = pids == {part: place.pid(part) for part in WATCHED}
    facts: dict[str, Any] = {"rows": rows, "views": views, "of_a_day": round(rows / 432_000, 2), "restarted": not same}
    grown = {}
    for part, series in sizes.items():
        late = series[len(series) // 2:]
        slope = slope_of(late)
        grown[part] = slope * (late[-1][0] - late[0][0]) / mean(size for _, size in late)
        facts[part] = {"mb_first": round(series[0][1], 1), "mb_last": round(series[-1][1], 1),
                       "mb_per_hour": round(slope * 3600, 2), "grown": round(grown[part], 4)}
    return Found(same and max(grown.values()) <= GROWTH, facts | {"limit_grown": GROWTH})


def flat(folder: Path, scale: Scale) -> Found:
    """E3: 2,000 rows a second into the collector; its memory, open files and threads stay as they are after warm-up.

    Files and threads are judged from the first compaction on, ten minutes after the start: it starts pools that stay.
    """
    seconds, warm = float(scale.times(1200, 40)), float(scale.times(120, 10))
    since = {"rss_mb": warm, "files": float(scale.times(660, 10)), "threads": float(scale.times(660, 10))}
    series: dict[str, list[tuple[float, float]]] = {"rss_mb": [], "files": [], "threads": []}
    with running(folder) as place:
        process = psutil.Process(place.pid("collector"))
        flood, rows, began = _flood(place), 0, time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            rows += next(flood)
            for name, value in (("rss_mb", process.memory_info().rss / 1e6), ("files", float(process.num_fds())),
                                ("threads", float(process.num_threads()))):
                if passed >= since[name]:
                    series[name].append((passed, value))
            # No faster than the promise speaks of.
            time.sleep(max(0.0, began + rows / FLAT_ROWS_S - time.monotonic()))
        same = process.pid == place.pid("collector")
    grown = {name: slope_of(found) * (found[-1][0] - found[0][0]) / mean(value for _, value in found)
             for name, found in series.items()}
    facts: dict[str, Any] = {"rows_s": round(rows / seconds), "wanted_rows_s": FLAT_ROWS_S, "restarted": not same,
                             "limit_grown": GROWTH}
    facts |= {name: {"first": found[0][1], "last": found[-1][1], "grown": round(grown[name], 4)}
              for name, found in series.items()}
    facts["rose"] = {name: _rose(series[name]) for name in ("files", "threads")}
    return Found(same and max(grown.values()) <= GROWTH, facts)


def _rose(series: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """(second, value) of each new maximum."""
    found: list[tuple[int, int]] = []
    for at, value in series:
        if not found or value > found[-1][1]:
            found.append((round(at), round(value)))
    return found


def _looked_at(place: Place, number: int) -> int:
    """Some viewers' next look; how many."""
    divisions = place.townships()[number % 7::7]
    for division in divisions:
        place.client.get("/api/v1/view", params={"screen": "overview", "division": division}).raise_for_status()
    return len(divisions)


def _flood(place: Place) -> Iterator[int]:
    """Pushes the next batch each time it is asked; how many rows were in it."""
    keys = [key for key in place.pack.layers if key.startswith("sensor_")]
    stations = [feature["properties"]["id"] for key in keys
                for feature in place.client.get(f"/api/v1/layers/{key}.geojson").json()["features"]]
    metric, check = next(iter(place.pack.feeds["sensors"].checks.items()))
    low, high, start = float(check.low or 0), float(check.high or 1), place.now_us() - 3_600_000_000
    cases = [place.event(code) for code in place.townships()]
    for number in count():
        value = low + (high - low) * (number % 90) / 100
        batch = [{"station": station, "metric": metric, "value": value, "time": start + number % 6 * 300_000_000,
                  "demo": True} for station in stations[number * 500 % 1500:][:500]]
        place.push("sensors", batch)
        changed = [case | {"title": f"性能测量 {number}"} for case in cases]
        place.push("events", changed)
        yield len(batch) + len(changed)


def slope_of(series: list[tuple[float, float]]) -> float:
    """Least squares: units per second."""
    at, size = mean(x for x, _ in series), mean(y for _, y in series)
    spread = sum((x - at) ** 2 for x, _ in series)
    return sum((x - at) * (y - size) for x, y in series) / spread if spread else 0.0


def restart(folder: Path, scale: Scale) -> Found:
    """A start on an existing state stands within 10 s, again and again."""
    with running(folder, "small") as place:
        settled = place.settled(SETTLE_S)
        took = []
        for _ in range(scale.times(10, 3)):
            place.stop()
            took.append(round(place.start(120), 2))
    return Found(settled and max(took) <= START_S, {"limit_s": START_S, "took_s": took, "history_in": settled})


def history(folder: Path, scale: Scale) -> Found:
    """The older past is in within 15 minutes, and pages meanwhile take at most twice their idle p95."""
    with running(folder, "small" if scale.short else "full") as place:
        began, busy = time.monotonic(), []
        while not _imported(place) and time.monotonic() - began < SETTLE_S:
            busy += _asked(place, 10)
        took = time.monotonic() - began
        time.sleep(30)
        idle = [seconds for _ in range(20) for seconds in _asked(place, 10)]
        rows = _progress(place)
    ratio = p95(busy) / p95(idle) if busy and idle else 0.0
    facts = {"import_s": round(took), "limit_s": IMPORT_S, "rows": rows.get("total"), "n": len(busy),
             "busy_p95_ms": round(p95(busy) * 1000, 1), "idle_p95_ms": round(p95(idle) * 1000, 1),
             "ratio": round(ratio, 2), "limit_ratio": PAGES}
    return Found(took <= IMPORT_S and ratio <= PAGES, facts)


def _progress(place: Place) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((place.state / "history_progress.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found


def _imported(place: Place) -> bool:
    told = _progress(place)
    return bool(told.get("total")) and told["done"] >= told["total"]


def _asked(place: Place, times: int) -> list[float]:
    """Seconds of some views of different divisions, one after the other."""
    took = []
    for number in range(times):
        division = place.townships()[number % 20]
        began = time.monotonic()
        answer = place.client.get("/api/v1/view", params={"screen": "overview", "division": division, "t": str(began)})
        if answer.status_code == httpx.codes.OK:
            took.append(time.monotonic() - began)
        time.sleep(0.1)
    return took
