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
from collecting import assert_published
from own_redis import ROOT, TINY_PACK, RedisServer, wait_for
from unix_http import ask

from data.history import HistoryReader

pytestmark = pytest.mark.integration
KILLS = int(os.environ.get("KILLS", 400 if os.environ.get("ENDURANCE") else 20))
BATCH = 50
STATIONS = [{"id": f"g{i}", "layer": "gauge", "name": f"站{i}", "lon": 100.15, "lat": 30.05} for i in range(BATCH)]


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

    def end(self, pid: int, number: int = signal.SIGKILL) -> None:
        assert self._process.stdout is not None
        os.kill(pid, number)
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
@pytest.mark.endurance
def test_kills_lose_and_double_nothing(redis_server: RedisServer, tmp_path: Path) -> None:
    redis_url = redis_server.url
    state_dir = tmp_path / "s"
    environment = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(state_dir),
                   "YIPING_REDIS_URL": redis_url}
    socket = state_dir / "collector.sock"
    chance = random.Random(20261122)
    now = int(time.time()) - 600
    nursery = Nursery(environment)
    pid = nursery.spawn()
    first = Sender(socket, "stations", iter([STATIONS]))
    first.run()
    senders = [Sender(socket, "gauges", gauge_batches(now)), Sender(socket, "cases", case_batches(now))]
    for sender in senders:
        sender.start()
    for number in range(KILLS):
        before = _count(senders)
        if number % 2:
            # Every other kill hits a collector at work, the rest any moment from its first on.
            wait_for(lambda before=before: _count(senders) > before, 30)
        time.sleep(chance.uniform(0.0, 0.5))
        nursery.end(pid)
        pid = nursery.spawn()
    for sender in senders:
        sender.ends.set()
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
    nursery.end(pid, signal.SIGTERM)
    nursery.close()
    assert sum(sender.repeated for sender in senders) > KILLS

    # A last, ordinary start carries everything to the end.
    last = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=environment)
    wait_for(lambda: _carried(socket), 30)
    last.terminate()
    assert last.wait(20) == 0

    assert [sender.wrong for sender in (first, *senders)] == [[], [], []]
    _stored_is_acknowledged(state_dir / "history", senders[0].acknowledged, senders[1].acknowledged)
    _numbers_are_whole(state_dir, redis_url)


def _count(senders: list[Sender]) -> int:
    return sum(len(sender.acknowledged) for sender in senders)


def _stored_is_acknowledged(history: Path, sent_gauges: list[dict[str, Any]], sent_cases: list[dict[str, Any]]) -> None:
    gauges = [(r["station"], r["time"], r["value"]) for r in stored(history, "observation")]
    assert Counter(gauges) == Counter((r["station"], r["time"], r["value"]) for r in sent_gauges)
    cases = [(r["id"], r["stage"]) for r in stored(history, "event")]
    assert Counter(cases) == Counter((r["id"], r["stage"]) for r in sent_cases)
    assert len(stored(history, "asset")) == BATCH


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
    assert_published(redis_url, seqs)
