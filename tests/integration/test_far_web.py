"""Two web parts and a collector without a folder in common: Redis, PostgreSQL and the collector by their addresses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from many_redis import free_ports
from own_databases import PostgresServer
from own_redis import ROOT, TINY_PACK, RedisServer, wait_for
from web_server import serving

from data import once
from data.collector_line import LEAST_SECRET, Line, line_of
from data.errors import WrongInput
from data.history import HistoryReader, Span
from data.history_postgres import PostgresEngine, Server
from data.live import Live
from data.settings import Settings, load_settings
from data.statefolder import prepare
from data.tokens import make_token

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SECRET = "s3cret-of-both-sides"
NOW = datetime.now(UTC).replace(microsecond=0)
STATIONS = [{"id": f"g{i}", "layer": "gauge", "name": f"站{i}", "lon": 100.15, "lat": 30.05} for i in range(20)]


class Far:
    """A collector's process and two webs."""

    def __init__(self, folder: Path, redis: RedisServer, history_url: str) -> None:
        self._folder, self._redis, self._history = folder, redis, history_url
        self.port, self.log = free_ports(1)[0], folder / "collector.log"
        self.own = load_settings(place=TINY_PACK, state=folder / "collector", redis_url=redis.url,
                                 history_url=history_url)
        self._environment = {
            **os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(self.own.state_dir),
            "YIPING_REDIS_URL": redis.url, "YIPING_HISTORY_URL": history_url, "YIPING_COLLECT_SECRET": SECRET,
            "YIPING_COLLECT_LISTEN": f"127.0.0.1:{self.port}"}
        self.process = self.start()
        self.webs: list[httpx.Client] = []
        self.lives: list[Live] = []
        self.tokens: dict[str, str] = {}

    def open(self, stack: ExitStack) -> None:
        wait_for(lambda: "collector ready" in self.log.read_text(), 60)
        self.tokens = {feed: make_token(self.own, feed) for feed in ("cases", "gauges", "stations")}
        for name in ("one", "two"):
            self.join(name, stack)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], stderr=log,
                                            env=self._environment)
        return self.process

    def web_settings(self, folder: Path, redis_url: str = "unix:///r", /, **more: str) -> Settings:
        told: dict[str, Any] = {"place": TINY_PACK, "state": folder, "cache_url": redis_url, "redis_url": redis_url,
                                "collect_at": f"127.0.0.1:{self.port}", "collect_secret": SECRET}
        return load_settings(**{**told, **more})

    def join(self, name: str, stack: ExitStack) -> None:
        settings = self.web_settings(self._folder / name, self._redis.url, history_url=self._history)
        prepare(settings, 0)
        link = once.make(settings)
        client, app = stack.enter_context(serving(settings))
        self.lives.append(app.state.web.live)
        assert client.get("/login", params={"once": link}).status_code == 303
        self.webs.append(client)

    def push(self, web: int, feed: str, rows: list[dict[str, Any]], token: str = "") -> httpx.Response:
        return self.webs[web].post(f"/api/v1/feeds/{feed}/records", json=rows,
                                   headers={"Authorization": f"Bearer {token or self.tokens[feed]}"})

    def both(self, path: str, **query: str) -> list[Any]:
        return [web.get("/api/v1" + path, params=query).json() for web in self.webs]


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    folder = tmp_path_factory.mktemp("far")
    redis = RedisServer(folder / "redis")
    redis.start()
    with ExitStack() as stack:
        stack.callback(redis.stop)
        found = Far(folder, redis, stack.enter_context(PostgresServer()).address)
        stack.callback(found.stop)
        found.open(stack)
        yield found
    assert SECRET not in found.log.read_text()


def case(number: int) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=2)).isoformat()
    return {"id": f"e{number}", "time": at, "category": "c", "channel": "hotline", "stage": "received",
            "stage_time": at, "division": "990101001000", "demo": True}


def reading(number: int, station: str = "g1", value: float = 1.0) -> dict[str, Any]:
    at = NOW - timedelta(hours=2) + timedelta(seconds=number)
    return {"station": station, "metric": "level", "time": at.isoformat(), "value": value}


def span(first: int, end: int) -> dict[str, str]:
    """The window of the readings with these numbers."""
    return {name: (NOW - timedelta(hours=2) + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for name, number in (("from", first), ("to", end))}


def test_a_push_by_either_is_seen_by_both(far: Far) -> None:
    assert far.push(0, "stations", STATIONS).json()["accepted"] == 20
    assert far.push(1, "cases", [case(1), case(2)]).json() == {"accepted": 2, "duplicate": 0, "rejected": []}
    assert far.push(0, "cases", [case(2)]).json()["duplicate"] == 1
    wait_for(lambda: [one["value"] for one in far.both("/metrics/open_cases")] == [2, 2])
    assert far.push(1, "gauges", [reading(1, value=7.5)]).json()["accepted"] == 1
    wait_for(lambda: [one["n"] for one in far.both("/metrics/level", **span(1, 2))] == [1, 1])
    assert [one["value"] for one in far.both("/metrics/level", **span(1, 2))] == [7.5, 7.5]
    wait_for(lambda: [one["freshness"] for one in far.both("/metrics/open_cases")] == ["live", "live"])


def test_the_token_of_the_feed_is_looked_at_where_it_lies(far: Far) -> None:
    for wrong in ("nonsense", far.tokens["gauges"]):
        reply = far.push(0, "cases", [case(3)], wrong)
        assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")
    assert far.webs[0].post("/api/v1/feeds/cases/records", json=[]).status_code == 401


def test_refused_rows_are_seen_and_put_right_from_either(far: Far) -> None:
    assert far.push(0, "gauges", [reading(5, "nobody"), reading(6, "g2", 9999.0)]).json()["accepted"] == 0
    wait_for(lambda: [one["total"] for one in far.both("/quarantine")] == [2, 2])
    kinds = [{row["kind"]: row["sample"] for row in one["rows"]} for one in far.both("/quarantine")]
    assert kinds[0] == kinds[1]
    item = next(number for kind, number in kinds[0].items() if kind.startswith("不认识的站点"))
    shown = far.webs[1].get(f"/api/v1/quarantine/{item}").json()["rows"][0]
    assert (shown["may"], "nobody" in shown["raw"]) == (True, True)
    wish = {"deed": "correct", "ids": [item], "raw": shown["raw"].replace("nobody", "g2")}
    assert far.webs[1].post("/api/v1/quarantine", json=wish).status_code == 200
    wait_for(lambda: [one["total"] for one in far.both("/quarantine")] == [1, 1])
    assert far.webs[0].get("/api/v1/quarantine/999999").status_code == 404


def test_the_ledger_is_read_by_both(far: Far) -> None:
    def rejected() -> list[int]:
        return [one["departments"][0]["rejected"] for one in far.both("/departments")]

    wait_for(lambda: rejected()[0] >= 2 and rejected()[0] == rejected()[1], 20)
    accepted = [one["departments"][0]["accepted"] for one in far.both("/departments")]
    assert accepted[0] == accepted[1] >= 3


@pytest.mark.parametrize(("secret", "path", "status"), [
    ("", "/health", 403), ("wrong", "/push/cases", 403), (SECRET[:-1], "/ask", 403), (SECRET, "/health", 200),
    (SECRET, "/bulk", 404), (SECRET, "/push/cases", 401), (SECRET, "/push/nothing", 404)])
def test_the_door_is_for_who_knows_the_secret(far: Far, secret: str, path: str, status: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{far.port}", headers={"x-yiping-secret": secret}) as client:
        reply = client.get(path) if path == "/health" else client.post(path, json=[])
    assert reply.status_code == status
    assert SECRET not in reply.text


@pytest.mark.parametrize("wish", [[], {"question": "row"}, {"question": "no", "values": {}},
                                  {"question": "row", "values": {"item": [1]}},
                                  {"question": "groups", "values": {"nothing": 1}}])
def test_a_wish_nobody_understands_is_one_sentence(far: Far, wish: Any) -> None:
    url = f"http://127.0.0.1:{far.port}/ask"
    reply = httpx.post(url, json=wish, headers={"x-yiping-secret": SECRET})
    assert (reply.status_code, "版本应相同" in reply.json()["detail"]) == (400, True)


def micros(number: int) -> int:
    """Instant of a reading."""
    return round((NOW - timedelta(hours=2) + timedelta(seconds=number)).timestamp() * 1e6)


def held(live: Live, sent: int) -> int:
    """Readings of the pusher in a web's memory."""
    with live.lock:
        found = live.tables.observations["gauges"].buckets("level", micros(100), micros(100 + sent), 60_000_000, 0)
        return int(found.n.sum())


class Pusher(threading.Thread):
    """Sends readings by both webs in turn until each is acknowledged."""

    def __init__(self, far: Far) -> None:
        super().__init__(daemon=True)
        self.acknowledged, self.refused, self.ends = 0, set[int](), threading.Event()
        self._far = far

    def run(self) -> None:
        tries = 0
        while not self.ends.wait(0.005):
            rows = [reading(100 + self.acknowledged, f"g{i}", i / 10) for i in range(20)]
            reply = self._far.push(tries % 2, "gauges", rows)
            tries += 1
            if reply.status_code == 200:
                verdict = reply.json()
                assert verdict["accepted"] + verdict["duplicate"] == 20, verdict
                self.acknowledged += 1
            else:
                self.refused.add(reply.status_code)


def test_a_collector_killed_under_load_is_missed_and_found_again(far: Far) -> None:
    pusher = Pusher(far)
    pusher.start()
    try:
        for _ in range(3):
            before = pusher.acknowledged
            wait_for(lambda before=before: pusher.acknowledged > before + 10, 60)
            far.process.kill()
            far.process.wait(10)
            wait_for(lambda: all("采集中断" in web.get("/readyz").json()["trouble"] for web in far.webs), 60)
            far.start()
            wait_for(lambda: not any("采集中断" in web.get("/readyz").json()["trouble"] for web in far.webs), 60)
    finally:
        pusher.ends.set()
        pusher.join(40)
    sent = pusher.acknowledged
    assert pusher.refused <= {503}
    wait_for(lambda: [held(live, sent) for live in far.lives] == [20 * sent] * 2, 60)
    far.stop()
    with closing(Server(far.own.history_url, "yiping_990101000000")) as server:
        reader = HistoryReader(PostgresEngine(server))
        rows = reader.rows("observation", Span(micros(100), micros(100 + sent)), ["gauges"], ("station", "time", "seq"))
    stored = Counter((row["station"], row["time"]) for row in rows.to_pylist())
    assert (len(stored), max(stored.values())) == (20 * sent, 1), "in the history each reading is there once"
    far.start()
    with ExitStack() as stack:
        far.join("three", stack)
        assert held(far.lives[2], sent) == 20 * sent, "a web that was not there has it from the history"
        del far.webs[2:], far.lives[2:]


@pytest.mark.parametrize(("more", "words"), [
    ({"collect_secret": "short"}, f"至少 {LEAST_SECRET} 个"), ({"collect_at": "http://x:1"}, "主机与端口"),
    ({"collect_at": "x:99999"}, "主机与端口"), ({"redis_url": ""}, "YIPING_REDIS_URL")])
def test_a_setting_that_cannot_be_is_one_sentence(far: Far, tmp_path: Path, more: dict[str, str], words: str) -> None:
    with pytest.raises(WrongInput, match=words):
        line_of(far.web_settings(tmp_path, **more))
    assert SECRET not in repr(far.web_settings(tmp_path))
    assert SECRET not in repr(Line(tmp_path, "h", 1, SECRET))
