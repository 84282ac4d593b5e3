"""Two collectors and two webs of one place without a folder in common; one is killed, one stalls past its lease."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from many_redis import free_ports
from own_databases import PostgresServer
from own_redis import RedisServer, wait_for
from pull_site import Server, say
from pull_site import serving as site
from pulled_place import collect, pack_with
from web_server import serving

from data import once
from data.history import HistoryReader, Span
from data.history_postgres import PostgresEngine
from data.history_postgres import Server as Database
from data.live import Live
from data.settings import load_settings
from data.state import State
from data.statefolder import prepare

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SECRET, TOKEN, PREFIX = "s3cret-of-both-sides", "token-of-all-the-feeds", "yp:990101000000:"
NAMES, PUSHED = ("hill", "town"), ("gauges", "cases", "warnings", "p1", "p2", "p3")
FEEDS = ("stations", *PUSHED, "shared", "~history")
NOW = datetime.now(UTC).replace(microsecond=0)
STATIONS = [{"id": f"g{i}", "layer": "gauge", "name": f"站{i}", "lon": 100.15, "lat": 30.05} for i in range(4)]
MORE = """{name}:
  name: {name}
  topic: M1
  department: test
  kind: observation
  cadence: 5min
  source: {{kind: push}}
"""


class Feeder:
    """A source that remembers who asked and when."""

    def __init__(self, server: Server) -> None:
        self.asked: list[tuple[float, str]] = []
        server.answers["/a"] = self.answer

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        who = str(request.headers.get("X-Who"))
        self.asked.append((time.monotonic(), who))
        at = datetime.now(UTC).replace(microsecond=0).isoformat()
        say(orjson.dumps([{"t": at, "who": "g0", "v": 1.5}]))(request)


class Several:
    """The collectors' processes and the webs."""

    def __init__(self, folder: Path, redis_url: str, history_url: str, port: int) -> None:
        self.folder, self.redis_url, self.history_url = folder, redis_url, history_url
        source = (f"{{kind: http, every: 1s, http: {{url: 'http://localhost:{port}/a', timeout: 3, token_env: WHO, "
                  "token_header: X-Who, token_prefix: ''}}")
        mapping = "{fields: {station: who, time: t, value: v}, constants: {metric: level}}"
        self.environment = pack_with(folder, {"shared": (source, mapping)}, f"localhost:{port}")
        with (folder / "pack" / "feeds.yaml").open("a", encoding="utf-8") as file:
            file.write("".join(MORE.format(name=name) for name in ("p1", "p2", "p3")))
        self.ports = dict(zip(NAMES, free_ports(2), strict=True))
        self.environment |= {"YIPING_HISTORY_URL": history_url, "YIPING_COLLECT_SECRET": SECRET}
        self.environment |= {f"YIPING_TOKEN_{feed.upper()}": TOKEN for feed in ("stations", *PUSHED)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.webs: list[httpx.Client] = []
        self.lives: list[Live] = []
        self.state = State(redis_url, PREFIX)

    def start(self, name: str) -> None:
        own = {"YIPING_COLLECTOR": name, "YIPING_COLLECT_LISTEN": f"127.0.0.1:{self.ports[name]}", "WHO": name}
        self.processes[name] = collect(self.environment | own, self.folder / name, self.redis_url,
                                       self.folder / f"{name}.log")

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def join(self, name: str, stack: ExitStack) -> None:
        settings = load_settings(place=self.folder / "pack", state=self.folder / name, cache_url=self.redis_url,
                                 redis_url=self.redis_url, history_url=self.history_url, collect_secret=SECRET,
                                 collect_at=",".join(f"127.0.0.1:{port}" for port in self.ports.values()))
        prepare(settings, 0)
        link = once.make(settings)
        client, app = stack.enter_context(serving(settings))
        self.lives.append(app.state.web.live)
        assert client.get("/login", params={"once": link}).status_code == 303
        self.webs.append(client)

    def holders(self) -> dict[str, str]:
        return {feed: (self.state.holder(feed) or ["", "", ""])[2] for feed in FEEDS}

    def holder(self, feed: str) -> str:
        """Who has a feed, once all have a holder: one that changes hands has none for a moment."""
        seen: list[dict[str, str]] = []
        wait_for(lambda: seen.append(self.holders()) or set(seen[-1].values()) == set(NAMES), 20)  # type: ignore[func-returns-value]
        return seen[-1][feed]

    def push(self, web: int, feed: str, rows: list[dict[str, Any]]) -> httpx.Response:
        return self.webs[web].post(f"/api/v1/feeds/{feed}/records", json=rows,
                                   headers={"Authorization": f"Bearer {TOKEN}"})

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            process.wait(20)
        self.state.close()


@pytest.fixture
def several(tmp_path: Path) -> Iterator[tuple[Several, Feeder]]:
    redis = RedisServer(tmp_path / "redis")
    with ExitStack() as stack:
        stack.callback(redis.stop)
        redis.start()
        server = stack.enter_context(site())
        found = Several(tmp_path, redis.url, stack.enter_context(PostgresServer()).address, server.port)
        stack.callback(found.stop)
        feeder = Feeder(server)
        for name in NAMES:
            found.start(name)
        for name in ("one", "two"):
            found.join(name, stack)
        wait_for(lambda: set(found.holders().values()) == set(NAMES), 40)
        yield found, feeder


def micros(number: int) -> int:
    return round((NOW - timedelta(hours=2) + timedelta(seconds=number)).timestamp() * 1e6)


def row_of(feed: str, number: int, part: int) -> dict[str, Any]:
    at = (NOW - timedelta(hours=2) + timedelta(seconds=number)).isoformat()
    if feed == "cases":
        return {"id": f"e{number}-{part}", "time": at, "category": "c", "channel": "hotline", "stage": "received",
                "stage_time": at, "division": "990101001000", "demo": True}
    if feed == "warnings":
        return {"id": f"w{number}-{part}", "sent": at, "severity": "minor", "event": "rain", "headline": "h",
                "onset": at, "expires": at, "divisions": ["990101001000"], "status": "actual"}
    return {"station": f"g{part}", "metric": "level", "time": at, "value": part / 10}


class Pusher(threading.Thread):
    """Sends one feed's rows by both webs in turn until each is acknowledged."""

    def __init__(self, several: Several, feed: str) -> None:
        super().__init__(daemon=True)
        self.feed, self.acknowledged, self.refused = feed, 0, Counter[int]()
        self.ends, self.answered, self.odd = threading.Event(), [time.monotonic()], ""
        self._several = several

    def run(self) -> None:
        tries = 0
        while not self.ends.wait(0.02):
            rows = [row_of(self.feed, self.acknowledged, part) for part in range(4)]
            reply = self._several.push(tries % 2, self.feed, rows)
            tries += 1
            if reply.status_code != 200:
                self.refused[reply.status_code] += 1
                assert reply.headers.get("retry-after"), "who is refused is told when to come again"
                continue
            verdict = reply.json()
            if verdict["accepted"] + verdict["duplicate"] != 4:
                self.odd = str(verdict)
                return
            self.acknowledged += 1
            self.answered.append(time.monotonic())

    @property
    def gap(self) -> float:
        """The longest time without an acknowledgement, seconds."""
        return max(after - before for before, after in pairwise(self.answered))


def stored(several: Several, feed: str) -> list[tuple[Any, ...]]:
    kind, key = ("event", ("id",)) if feed == "cases" else ("observation", ("station", "time"))
    with closing(Database(several.history_url, "yiping_990101000000")) as server:
        reader = HistoryReader(PostgresEngine(server))
        rows = reader.rows(kind, Span(micros(-10), micros(9000)), [feed], (*key, "seq")).to_pylist()
    return [tuple(row[name] for name in (*key, "seq")) for row in rows]


def memory(live: Live, feed: str) -> int:
    with live.lock:
        if feed == "cases":
            return len(live.tables.events)
        table = live.tables.observations.get(feed)
        return 0 if table is None else int(table.buckets("level", micros(0), micros(7000), 60_000_000, 0).n.sum())


def test_a_death_and_a_stall_lose_nothing_and_double_nothing(several: tuple[Several, Feeder]) -> None:
    place, feeder = several
    wait_for(lambda: place.push(0, "stations", STATIONS).status_code == 200, 10)
    wait_for(lambda: all(len(live.tables.assets.rows) == 4 for live in place.lives))
    pushers = [Pusher(place, feed) for feed in ("gauges", "cases", "p1", "p2", "p3")]
    for pusher in pushers:
        pusher.start()
    wait_for(lambda: all(pusher.acknowledged > 10 for pusher in pushers), 20)
    dead = place.holder("p1")
    other = next(name for name in NAMES if name != dead)
    killed = time.monotonic()
    place.processes[dead].kill()
    place.processes[dead].wait(10)
    wait_for(lambda: set(place.holders().values()) == {other}, 12)
    held = time.monotonic() - killed
    before = [pusher.acknowledged for pusher in pushers]
    wait_for(lambda: all(pusher.acknowledged > had + 5 for pusher, had in zip(pushers, before, strict=True)), 12)
    taken = max(pusher.gap for pusher in pushers)
    sys.stdout.write(f"killed: leases passed on after {held:.1f} s, longest silence of a feed {taken:.1f} s\n")
    assert held < 10
    place.start(dead)
    wait_for(lambda: set(place.holders().values()) == set(NAMES), 20)
    place.processes[other].send_signal(signal.SIGSTOP)
    wait_for(lambda: set(place.holders().values()) == {dead}, 12)
    before = [pusher.acknowledged for pusher in pushers]
    wait_for(lambda: sum(pusher.acknowledged for pusher in pushers) > sum(before) + 20, 12)
    place.processes[other].send_signal(signal.SIGCONT)
    wait_for(lambda: set(place.holders().values()) == set(NAMES), 12)
    before = [pusher.acknowledged for pusher in pushers]
    wait_for(lambda: all(pusher.acknowledged > had + 5 for pusher, had in zip(pushers, before, strict=True)), 12)
    for pusher in pushers:
        pusher.ends.set()
    for pusher in pushers:
        pusher.join(40)
    assert not any(pusher.odd for pusher in pushers), [pusher.odd for pusher in pushers]
    assert {status for pusher in pushers for status in pusher.refused} <= {503}
    _agree(place, pushers)
    _one_at_a_time(feeder)


def _agree(place: Several, pushers: list[Pusher]) -> None:
    """Each acknowledged row once in both webs and once in the history, each number once."""
    for pusher in pushers:
        sent = 4 * pusher.acknowledged
        wait_for(lambda sent=sent, feed=pusher.feed: [memory(live, feed) for live in place.lives] == [sent] * 2, 20)
        wait_for(lambda sent=sent, feed=pusher.feed: len(stored(place, feed)) >= sent, 20)
    numbers: Counter[int] = Counter()
    for pusher in pushers:
        rows = stored(place, pusher.feed)
        assert len({row[:-1] for row in rows}) == len(rows) == 4 * pusher.acknowledged
        numbers.update(row[-1] for row in rows)
    assert max(numbers.values()) == 1, "each number once over all feeds and collectors"


def _one_at_a_time(feeder: Feeder) -> None:
    """A feed's next holder asks only once the former one has stopped: nobody comes back between."""
    order = [who for _, who in feeder.asked]
    turns = 1 + sum(before != after for before, after in pairwise(order))
    assert turns <= 5, f"{turns} changes of hands are more than the deaths and returns: {order}"
