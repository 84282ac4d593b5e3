"""A steady flow of new readings through the push door: how soon they are seen, and what they cost in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

import httpx
import psutil

from bench.endured import GROWTH, Found, Scale, running, slope_of
from bench.load import stations_of
from bench.place import Place, until
from bench.scene import Scene
from bench.series import Series, p99

RATE, BATCH, STEP_S = 2_000, 100, 0.05


class Flow(threading.Thread):
    """Pushes new readings of this moment, RATE a second; `behind_s`: how late the last batch went out."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self.rows, self.behind_s, self.failed = 0, 0.0, ""
        self._place, self._ends = place, threading.Event()
        self._stations = stations_of(place)
        self._metric, check = next(iter(place.pack.feeds["sensors"].checks.items()))
        self._low, self._high = float(check.low or 0), float(check.high or 1)

    def run(self) -> None:
        """Until stopped, or refused."""
        began = time.monotonic()
        with httpx.Client(base_url=self._place.url, timeout=30.0, trust_env=False) as client:
            number = 0
            while not self._ends.wait(max(0.0, began + number * STEP_S - time.monotonic())):
                self.behind_s = max(0.0, time.monotonic() - began - number * STEP_S)
                reply = client.post("/api/v1/feeds/sensors/records", json=self._batch(number),
                                    headers=self._place.headers())
                if reply.status_code != 200 or reply.json()["accepted"] != BATCH:
                    self.failed = reply.text[:300]
                    return
                self.rows += BATCH
                number += 1

    def _batch(self, number: int) -> list[dict[str, object]]:
        now = self._place.now_us()
        values = [round(self._low + (self._high - self._low) * (k % 90) / 100, 3) for k in range(BATCH)]
        return [{"station": self._stations[(number * BATCH + k) % len(self._stations)], "metric": self._metric,
                 "value": values[k], "time": now - k, "demo": True} for k in range(BATCH)]

    def stop(self) -> None:
        """Ends it."""
        self._ends.set()
        self.join(40)


@contextmanager
def flowing(place: Place) -> Iterator[Flow]:
    """Readings come in while inside. Raises RuntimeError when one was refused."""
    flow = Flow(place)
    flow.start()
    try:
        yield flow
    finally:
        flow.stop()
    if flow.failed:
        raise RuntimeError(flow.failed)


def visible(scene: Scene) -> list[Series]:
    """From an event's acknowledgement until `gate.read` shows it by the API, while RATE readings a second come in.

    Upper bounds: what the question itself takes is in them.
    """
    place, seconds, took = scene.place, scene.rounds(60, 15), list[float]()
    township = place.townships()[0]
    client = httpx.Client(base_url=place.url, timeout=30.0, trust_env=False)
    with client, place.still(), flowing(place) as flow:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            event = place.event(township)
            place.push("events", [event])
            told = time.monotonic()
            until(lambda key=event["id"]: client.get(f"/api/v1/events/{key}").status_code == 200, 30, "记录没有出现")
            took.append((time.monotonic() - told) * 1000)
            time.sleep(0.1)
    facts: dict[str, object] = {"rate": RATE, "rows": flow.rows, "seconds": seconds, "p99_ms": round(p99(took), 1),
                                "behind_s": round(flow.behind_s, 2)}
    return [Series("visible_ms", "ms", took, f"每秒 {RATE} 条之下", facts)]


def fresh(folder: Path, scale: Scale) -> Found:
    """Twenty minutes of readings that are all new, RATE a second: the collector's memory after its warm-up.

    The short form ends before its first hour's bucket is divided and only shows the slope of that.
    """
    seconds, found = float(scale.times(1200, 120)), list[tuple[float, float]]()
    with running(folder) as place:
        process = psutil.Process(place.pid("collector"))
        with flowing(place) as flow:
            began = time.monotonic()
            while (passed := time.monotonic() - began) < seconds and not flow.failed:
                found.append((passed, process.memory_info().rss / 1e6))
                time.sleep(1.0)
    late = found[len(found) // 2:]
    slope = slope_of(late)
    grown = slope * (late[-1][0] - late[0][0]) / mean(size for _, size in late)
    facts = {"rows": flow.rows, "mb_first": round(found[0][1], 1), "mb_last": round(found[-1][1], 1),
             "mb_most": round(max(size for _, size in found), 1), "mb_per_hour": round(slope * 3600, 1),
             "grown": round(grown, 4), "limit_grown": GROWTH}
    return Found(grown <= GROWTH, facts)
