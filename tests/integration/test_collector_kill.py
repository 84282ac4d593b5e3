"""kill -9 at any moment loses nothing acknowledged and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from own_redis import ROOT, TINY_PACK, wait_for
from unix_http import ask

from data.history import HistoryReader
from data.state import State

pytestmark = pytest.mark.integration
KILLS = 20
BATCH = 50


class Nursery:
    """Keeps a collector running: a killed one is followed by the next."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("collector_nursery.py"))],
                                         env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def spawn(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def kill(self, pid: int) -> None:
        assert self._process.stdout is not None
        os.kill(pid, signal.SIGKILL)
        assert self._process.stdout.readline() == "gone\n"

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


class Sender(threading.Thread):
    """Sends batches one after the other, each again and again until it is acknowledged; keeps what was."""

    def __init__(self, socket: Path, feed: str, batches: Iterator[list[dict[str, Any]]]) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.repeated = 0
        self.ends = threading.Event()
        self._feed, self._batches = feed, batches
        self._socket = socket

    def run(self) -> None:
        for batch in self._batches:
            self._send(batch)
            if self.ends.is_set():
                break

    def _send(self, batch: list[dict[str, Any]]) -> None:
        while True:
            try:
                status, verdict = ask(self._socket, f"/push/{self._feed}", batch)
            except (OSError, HTTPException):
                self.repeated += 1
                time.sleep(0.005)
                continue
            if status != 200 or verdict["rejected"] or verdict["accepted"] + verdict["duplicate"] != len(batch):
                self.wrong.append(str(verdict))
            self.acknowledged += batch
            return


def gauge_batches(now: int) -> Iterator[list[dict[str, Any]]]:
    """Every reading once, then a correction and the first value again: A, B, A are three versions."""
    number = 0
    while True:
        micros = (now - 90_000 + number * 10) * 1_000_000
        first = [{"station": f"g{i}", "metric": "level", "time": micros, "value": i / 10} for i in range(BATCH)]
        yield first
        if number % 5 == 0:
            second = [{**record, "value": record["value"] + 1} for record in first[:10]]
            yield second
            yield first[:10]
        number += 1


def case_batches(now: int) -> Iterator[list[dict[str, Any]]]:
    number = 0
    while True:
        common = {"time": now * 1_000_000, "category": "road", "channel": "phone", "lon": 100.05, "lat": 30.05}
        yield [{**common, "id": f"case{number + i}", "stage": stage, "stage_time": (now + step) * 1_000_000}
               for i in range(5) for step, stage in enumerate(("received", "filed", "dispatched"))]
        number += 5


def stored(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Every row of every Parquet file that the manifest names, versions included."""
    manifest = HistoryReader(folder).manifest()
    return [row for entry in manifest.files if entry.kind == kind
            for row in pq.read_table(folder / entry.path).to_pylist()]


@pytest.mark.slow
def test_twenty_kills_lose_and_double_nothing(redis_url: str, tmp_path: Path) -> None:
    state_dir = tmp_path / "s"
    environment = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(state_dir),
                   "YIPING_REDIS_URL": redis_url}
    socket = state_dir / "collector.sock"
    chance = random.Random(20261122)
    now = int(time.time()) - 600
    nursery = Nursery(environment)
    pid = nursery.spawn()
    stations = [{"id": f"g{i}", "layer": "gauge", "name": f"站{i}", "lon": 100.15, "lat": 30.05} for i in range(BATCH)]
    first = Sender(socket, "stations", iter([stations]))
    first.run()
    senders = [Sender(socket, "gauges", gauge_batches(now)), Sender(socket, "cases", case_batches(now))]
    for sender in senders:
        sender.start()
    kills_with_news = 0
    for _ in range(KILLS):
        before = sum(len(sender.acknowledged) for sender in senders)
        time.sleep(chance.uniform(0.02, 1.2))
        kills_with_news += sum(len(sender.acknowledged) for sender in senders) > before
        nursery.kill(pid)
        pid = nursery.spawn()
    for sender in senders:
        sender.ends.set()
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
    os.kill(pid, signal.SIGTERM)
    nursery.close()
    assert kills_with_news >= 5, "the kills must hit a working collector"
    assert sum(sender.repeated for sender in senders) > KILLS

    # A last, ordinary start carries everything to the end.
    last = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=environment)
    wait_for(lambda: _carried(socket), 30)
    last.terminate()
    assert last.wait(5) == 0

    assert [sender.wrong for sender in (first, *senders)] == [[], [], []]
    gauges = [(r["station"], r["time"], r["value"]) for r in stored(state_dir / "history", "observation")]
    assert Counter(gauges) == Counter((r["station"], r["time"], r["value"]) for r in senders[0].acknowledged)
    cases = [(r["id"], r["stage"]) for r in stored(state_dir / "history", "event")]
    assert Counter(cases) == Counter((r["id"], r["stage"]) for r in senders[1].acknowledged)
    assert len(stored(state_dir / "history", "asset")) == BATCH
    _numbers_are_whole(state_dir, redis_url)


def _carried(socket: Path) -> bool:
    try:
        return bool(ask(socket, "/health")[1]["lags"] == {"redis": 0, "history": 0})
    except (OSError, HTTPException):
        return False


def _numbers_are_whole(state_dir: Path, redis_url: str) -> None:
    rows = [row for kind in ("observation", "event", "asset") for row in stored(state_dir / "history", kind)]
    seqs = sorted(row["seq"] for row in rows)
    assert seqs == list(range(1, len(rows) + 1)), "numbers ascend without a gap or a double"
    replaced = [row["prev"] for row in rows if row["prev"]]
    assert len(replaced) == len(set(replaced)), "a version is replaced once"
    state = State(redis_url, "yp:990101000000:")
    published: list[int] = []
    while batches := state.tail(published[-1] if published else 0):
        published += [row["seq"] for batch in batches for row in batch.rows]
    assert state.last_seq() == seqs[-1]
    assert published == sorted(set(published)), "nothing is published twice"
    assert set(published) == set(seqs), "everything is published"
    state.close()
