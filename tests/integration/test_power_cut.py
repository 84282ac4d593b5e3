"""R7: power is cut under everything at once, and what no fsync made durable is gone; nothing acknowledged is missing.

`CUTS` = cuts (4; the long form 50), `SEED` chooses moments and what each cut takes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import orjson
import pytest
from own_redis import ROOT, TINY_PACK, RedisServer, wait_for
from power_disk import PowerDisk
from test_collector_kill import (
    BATCH,
    STATIONS,
    Nursery,
    Sender,
    _carried,
    _count,
    _numbers_are_whole,
    _stored_is_acknowledged,
    case_batches,
    gauge_batches,
)
from unix_http import ask
from web_server import serving

from data.quarantine_view import Chosen, QuarantineView
from data.settings import load_settings

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.endurance]
CUTS = int(os.environ.get("CUTS", "4"))
SEED = int(os.environ.get("SEED", "20261122"))


class Refusals(threading.Thread):
    """Sends records that cannot be taken, each again until it is answered; keeps what was acknowledged as refused."""

    def __init__(self, socket: Path) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self.ends = threading.Event()
        self._socket = socket

    def run(self) -> None:
        number = 0
        while not self.ends.is_set():
            try:
                status, verdict = ask(self._socket, "/push/cases", [{"id": f"odd{number}"}])
            except (OSError, HTTPException):
                time.sleep(0.005)
                continue
            assert (status, len(verdict["rejected"])) == (200, 1), verdict
            self.acknowledged.append(f"odd{number}")
            number += 1


class Powered:
    """The collector and Redis on one disk; `cut` ends them all at once and takes what was not durable."""

    def __init__(self, folder: Path, lies: str = "") -> None:
        self.disk = PowerDisk(folder)
        self.state = self.disk.root / "state"
        self.socket = self.state / "collector.sock"
        self._layer = self.disk.environment(lies)
        self.redis = RedisServer(self.disk.root / "redis", layer=self._layer)
        self.disk.settle()
        self.environment = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(self.state),
                            "YIPING_REDIS_URL": self.redis.url}
        self._nursery = Nursery({**self.environment, **self._layer})
        self._pid = 0
        self.told: list[str] = []

    def start(self) -> None:
        self.redis.start()
        self._pid = self._nursery.spawn()

    def cut(self, chance: random.Random) -> None:
        self.end()
        names, torn = chance.random() < 1 / 3, chance.random() < 1 / 3
        self.disk.cut(names, chance if torn else None)
        self.told.append(f"names {'kept' if names else 'lost'}, bytes {'torn' if torn else 'lost'}")

    def end(self) -> None:
        if self._pid:
            self._nursery.end(self._pid)
        self._pid = 0
        self.redis.stop(signal.SIGKILL)

    def close(self) -> None:
        self.end()
        self._nursery.close()


@pytest.fixture
def powered(tmp_path: Path) -> Iterator[Powered]:
    made = Powered(tmp_path)
    yield made
    made.close()


def test_power_cuts_lose_nothing_acknowledged(powered: Powered) -> None:
    chance, now = random.Random(SEED), int(time.time()) - 600
    powered.start()
    first = Sender(powered.socket, "stations", iter([STATIONS]))
    first.run()
    senders = [Sender(powered.socket, "gauges", gauge_batches(now)), Sender(powered.socket, "cases", case_batches(now))]
    odd = Refusals(powered.socket)
    for thread in (*senders, odd):
        thread.start()
    for _ in range(CUTS):
        before = [len(one.acknowledged) for one in (*senders, odd)]
        wait_for(lambda before=before: all(len(one.acknowledged) > count for one, count
                                           in zip((*senders, odd), before, strict=True)), 30)
        time.sleep(chance.uniform(0.0, 1.5))
        powered.cut(chance)
        powered.start()
    _finish([*senders, odd])
    powered.cut(chance)

    # A last, ordinary start carries everything to the end.
    powered.redis.start()
    last = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=powered.environment)
    wait_for(lambda: _carried(powered.socket), 30)
    told = f"seed {SEED}: {powered.told}, {_count(senders)} acknowledged"
    try:
        _pages_say(powered, senders[1].acknowledged)
    finally:
        last.terminate()
        assert last.wait(20) == 0, told
    assert [sender.wrong for sender in (first, *senders)] == [[], [], []], told
    _stored_is_acknowledged(powered.state / "history", senders[0].acknowledged, senders[1].acknowledged)
    _numbers_are_whole(powered.state, powered.redis.url)
    assert _refused(powered.state) >= set(odd.acknowledged), told


def _finish(threads: list[Any]) -> None:
    for thread in threads:
        thread.ends.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def _pages_say(powered: Powered, cases: list[dict[str, Any]]) -> None:
    """The figure of the page, over HTTP: every acknowledged event is received once and stands open."""
    settings = load_settings(place=TINY_PACK, state=powered.state, redis_url=powered.redis.url)
    number = len({case["id"] for case in cases})
    with serving(settings) as (client, _app):
        def value(metric: str) -> Any:
            return client.get(f"/api/v1/metrics/{metric}", params={"window": "7d"}).json()["value"]

        wait_for(lambda: (value("calls"), value("open_cases")) == (number, number), 20)


def _refused(state: Path) -> set[str]:
    view = QuarantineView(state / "quarantine")
    return {orjson.loads(row["raw"])["id"] for chunk in view.chunks(Chosen((), "cases", "", "")) for row in chunk}


@pytest.mark.parametrize("lies", ["/spool/", "/quarantine"])
def test_a_forgotten_fsync_loses_what_was_acknowledged(tmp_path: Path, lies: str) -> None:
    """The layer bites: with one planted fault, the same cut loses data."""
    powered = Powered(tmp_path, lies)
    try:
        powered.start()
        Sender(powered.socket, "stations", iter([STATIONS])).run()
        odd = [{"id": f"odd{number}"} for number in range(5)]
        wait_for(lambda: ask(powered.socket, "/push/cases", odd)[0] == 200)
        powered.end()
        powered.disk.cut()
        powered.start()
        wait_for(lambda: powered.socket.exists(), 30)
        wait_for(lambda: _carried(powered.socket), 30)
        assets = ask(powered.socket, "/health")[1]["assets"]
    finally:
        powered.close()
    lost = {"/spool/": assets < BATCH, "/quarantine": _refused(powered.state) == set()}
    assert lost == {name: name == lies for name in lost}
