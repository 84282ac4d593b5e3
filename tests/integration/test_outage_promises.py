"""R1, R2, R3, R10: Redis killed, hung or full, a flood: the web answers quickly, says so, nothing accepted is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import psutil
import pytest
import redis as redis_py
from own_redis import ROOT, TINY_PACK, RedisServer, wait_for
from web_server import serving

from bench.crowd import Crowd
from data.settings import load_settings
from data.statefolder import socket_path
from data.tokens import make_token

pytestmark = [pytest.mark.integration, pytest.mark.slow]
FEEDS = ("stations", "gauges", "cases")
SEED = int(os.environ.get("SEED", "20261122"))
HUNG_S, FLOOD_S = float(os.environ.get("HUNG_S", "20")), float(os.environ.get("FLOOD_S", "10"))
KILLS, DOWN_S = int(os.environ.get("KILLS", "1")), float(os.environ.get("DOWN_S", "6"))
VIEWERS, EVERY_S, MOST_S, SENDERS = int(os.environ.get("VIEWERS", "5")), 2.0, 3600.0, 4
HEALTH_S, PAGE_S, BADGE_S, BACK_S, HEALED_S, FLOODED_PAGE_S = 0.2, 1.0, 10.0, 10.0, 30.0, 2.0
_number = count(1)


class Held:
    """A collector process, the web, and a Redis to be ill-treated, over the tiny pack."""

    def __init__(self, client: httpx.Client, app: Any, process: subprocess.Popen[bytes], redis: RedisServer) -> None:
        self.client, self.live, self.process, self.redis = client, app.state.web.live, process, redis
        self.tokens = {feed: make_token(app.state.web.settings, feed) for feed in FEEDS}

    def push(self, feed: str, *records: dict[str, Any]) -> int:
        """How many were accepted; anything but 200 and 503 fails."""
        answer = self.client.post(f"/api/v1/feeds/{feed}/records", json=list(records),
                                  headers={"Authorization": f"Bearer {self.tokens[feed]}"})
        assert answer.status_code in (200, 503), answer.text
        return int(answer.json()["accepted"]) if answer.status_code == 200 else 0

    def case(self) -> int:
        """A new event; 1 when it was accepted."""
        now = datetime.now(UTC).isoformat()
        return self.push("cases", {"id": f"e{next(_number)}", "time": now, "stage_time": now, "category": "c",
                                   "channel": "hotline", "stage": "received", "division": "990101001000"})

    def cases(self) -> float:
        return self.client.get("/api/v1/metrics/open_cases").json()["value"] or 0.0

    def took(self, path: str) -> float:
        """Seconds of an answer that must be good."""
        began = time.monotonic()
        assert self.client.get(path).status_code == 200
        return time.monotonic() - began


@pytest.fixture
def held(tmp_path) -> Iterator[Held]:
    redis = RedisServer(tmp_path / "redis")
    redis.start()
    settings = load_settings(place=TINY_PACK, state=tmp_path / "s", redis_url=redis.url, cache_url=redis.url)
    told = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(settings.state_dir),
            "YIPING_REDIS_URL": redis.url}
    process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=told)
    try:
        wait_for(lambda: socket_path(settings, "collector.sock").exists(), 60)
        with serving(settings) as (client, app):
            found = Held(client, app, process, redis)
            assert found.push("stations", {"id": "g1", "layer": "gauge", "name": "站", "lon": 100.05, "lat": 30.05})
            assert found.case()
            wait_for(lambda: found.cases() == 1 and found.live.trouble == "", 30)
            yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        redis.stop()


@contextmanager
def viewers(held: Held) -> Iterator[None]:
    """Others look on meanwhile, each with a stream; none of them gets anything but an answer.

    The first looks are over when it begins: a page that was never made before costs what a new page costs.
    """
    paths = [f"/api/v1/view?screen={key}" for key in ("overview", "feeds")]
    crowd = Crowd(held.client.base_url.port or 0, paths, VIEWERS)
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(asyncio.run, crowd.run(MOST_S, EVERY_S))
        wait_for(lambda: len(crowd.took) >= VIEWERS or watching.done(), 60)
        try:
            yield
        finally:
            crowd.end = 0.0
            watching.result(60)
    assert crowd.errors == 0


def p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def watched(held: Held, seconds: float) -> tuple[list[float], list[float], int, float]:
    """(seconds of /healthz, of the page, accepted events, seconds until the page said something) meanwhile."""
    began, health, page, accepted, said = time.monotonic(), [], [], 0, -1.0
    while (passed := time.monotonic() - began) < seconds:
        health.append(held.took("/healthz"))
        page.append(held.took(f"/api/v1/view?screen=overview&t={passed}"))
        accepted += held.case()
        said = passed if said < 0 and held.live.trouble else said
        held.process.poll()
        threading.Event().wait(0.2)
    return health, page, accepted, said


def test_a_killed_redis_is_said_slows_nobody_down_and_loses_nothing(held: Held) -> None:
    chance, cases = random.Random(SEED), 1
    with viewers(held):
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(0, DOWN_S / 2))
            held.redis.stop()
            _, page, accepted, said = watched(held, DOWN_S)
            cases += accepted
            assert 0 <= said <= BADGE_S
            assert p95(page) < PAGE_S, sorted(page)[-5:]
            held.redis.start()
            began = time.monotonic()
            wait_for(lambda expected=cases: held.live.served_from == "live" and held.cases() == expected, BACK_S)
            wait_for(lambda: held.live.trouble == "", BACK_S - (time.monotonic() - began))
    assert cases > KILLS


def test_a_hung_redis_slows_nobody_down_and_loses_nothing(held: Held) -> None:
    with viewers(held):
        held.redis.send(signal.SIGSTOP)
        health, page, accepted, said = watched(held, HUNG_S)
        held.redis.send(signal.SIGCONT)
    began = time.monotonic()
    wait_for(lambda: held.live.served_from == "live" and held.cases() == 1 + accepted, BACK_S)
    assert 0 <= said <= BADGE_S
    assert held.live.heard_us
    assert accepted > 10
    assert max(health) < HEALTH_S, sorted(health)[-5:]
    assert p95(page) < PAGE_S, sorted(page)[-5:]
    assert time.monotonic() - began <= BACK_S
    wait_for(lambda: held.live.trouble == "", BACK_S)


def test_a_full_redis_is_said_reads_go_on_and_it_heals_by_itself(held: Held) -> None:
    with redis_py.Redis(unix_socket_path=str(held.redis.socket)) as client:
        client.config_set("maxmemory", "1")
        accepted = held.case()
        wait_for(lambda: "缓存只读" in held.live.trouble, BADGE_S)
        health, page, more, _ = watched(held, 5.0)
        assert held.live.served_from == "live"
        assert (accepted, more > 3) == (1, True)
        assert max(health) < HEALTH_S, sorted(health)[-5:]
        assert p95(page) < PAGE_S, sorted(page)[-5:]
        client.config_set("maxmemory", "0")
    began = time.monotonic()
    wait_for(lambda: held.cases() == 2 + more and held.live.trouble == "", HEALED_S)
    assert time.monotonic() - began <= HEALED_S


def test_a_flood_is_bounded_its_newest_shows_and_nothing_accepted_is_missing(held: Held) -> None:
    sent, ends, lock = [0], threading.Event(), threading.Lock()
    start = int(time.time()) - 40_000
    numbers = count()

    def send() -> None:
        with httpx.Client(base_url=held.client.base_url, timeout=30) as line:
            while not ends.is_set():
                with lock:
                    first = next(numbers) * 1000
                rows = [{"station": "g1", "metric": "level", "time": (start + (first + number) / 1000) * 1e6,
                         "value": (first + number) % 9} for number in range(1000)]
                answer = line.post("/api/v1/feeds/gauges/records", json=[{**row, "time": int(row["time"])}
                                                                         for row in rows],
                                   headers={"Authorization": f"Bearer {held.tokens['gauges']}"})
                assert answer.status_code in (200, 503), answer.text
                with lock:
                    sent[0] += int(answer.json().get("accepted", 0))

    process, sizes, page = psutil.Process(held.process.pid), [], []
    senders = [threading.Thread(target=send, daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    began = time.monotonic()
    with viewers(held):
        while time.monotonic() - began < FLOOD_S:
            page.append(held.took(f"/api/v1/view?screen=overview&t={time.monotonic()}"))
            sizes.append(process.memory_info().rss / 1e6)
            threading.Event().wait(0.1)
    ends.set()
    for sender in senders:
        sender.join(30)
    assert sent[0] > 10_000
    assert p95(page) < FLOODED_PAGE_S, sorted(page)[-5:]
    assert max(sizes) < 1000, sizes[-5:]
    table = held.live.tables.observations
    wait_for(lambda: "gauges" in table and table["gauges"].columns.size == sent[0], 60)
    assert held.case() == 1
    wait_for(lambda: held.cases() == 2, 10)
