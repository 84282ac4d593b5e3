"""Leases: of two collectors one pulls; a death passes the feed on within 10 s; whoever stalled hands in nothing."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import orjson
import pytest
from own_redis import RedisServer, wait_for
from pull_site import Server, say, serving
from pulled_place import collect, pack_with, rows_of

from data.cursors import Cursors
from data.leases import MARGIN_S, TTL_S, Leases
from data.pack import load_pack
from data.state import State

pytestmark = pytest.mark.integration
PREFIX = "yp:990101000000:"


class Hands:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def states(redis_server: RedisServer) -> Iterator[tuple[State, State]]:
    found = State(redis_server.url, PREFIX), State(redis_server.url, PREFIX)
    yield found
    for state in found:
        state.close()


def zero(_feed: str) -> int:
    return 0


def test_one_holds_and_the_other_follows(states: tuple[State, State]) -> None:
    first, second = Leases(states[0], ["a", "b"], zero), Leases(states[1], ["a", "b"], lambda _: 9)
    first.look()
    second.look()
    assert [first.turn("a"), first.turn("b"), second.turn("a"), second.turn("b")] == [1, 1, -1, -1]
    first.look()
    assert first.turn("a") == 1, "keeping is not a new turn"
    first.stop()
    second.look()
    assert [first.turn("a"), second.turn("a")] == [-1, 10], "a turn is greater than any that its holder has noted"


def test_who_stalled_finds_the_lease_lapsed_before_another_has_it(states: tuple[State, State]) -> None:
    hands = Hands()
    stalled = Leases(states[0], ["a"], zero, hands)
    stalled.look()
    hands.now += TTL_S - MARGIN_S - 0.01
    assert stalled.turn("a") == 1
    hands.now += 0.02
    assert stalled.turn("a") == -1
    assert Leases(states[1], ["a"], zero).turn("a") == -1
    stalled.look()
    assert stalled.turn("a") == 1, "nobody took it: the same turn goes on"


def test_a_later_holders_cursor_is_not_overwritten(states: tuple[State, State], tmp_path: Path) -> None:
    feed = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack").feeds["gauges"]
    old, new = Cursors(tmp_path / "a", states[0]), Cursors(tmp_path / "b", states[1])
    old.keep("gauges", feed, 1, {"at": 1})
    assert new.read("gauges", feed) == {"at": 1}, "a successor goes on where the holder was"
    new.keep("gauges", feed, 2, {"at": 2})
    old.keep("gauges", feed, 1, {"at": 7})
    assert new.read("gauges", feed) == {"at": 2}
    assert old.read("gauges", feed) == {"at": 2}
    assert old.turn("gauges") == 1


class Feeder:
    """A source that gives one new reading a second, and remembers who asked (by the token) and when."""

    def __init__(self, server: Server) -> None:
        self.asked: list[tuple[float, str]] = []
        server.answers["/a"] = self.answer

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append((time.monotonic(), str(request.headers.get("X-Who"))))
        now = datetime.now(UTC).replace(microsecond=0)
        say(orjson.dumps([{"t": now.isoformat(), "who": request.headers.get("X-Who"), "v": 1.5}]))(request)

    def last(self, who: str) -> float:
        return max((at for at, name in self.asked if name == who), default=0.0)

    def who(self) -> str:
        return self.asked[-1][1] if self.asked else ""


@pytest.fixture
def feeder() -> Iterator[tuple[Feeder, int]]:
    with serving() as server:
        yield Feeder(server), server.port


@pytest.fixture
def pair(feeder: tuple[Feeder, int], redis_server: RedisServer, tmp_path: Path) -> Iterator[dict[str, Any]]:
    port = feeder[1]
    source = (f"{{kind: http, every: 1s, http: {{url: 'http://localhost:{port}/a', timeout: 3, token_env: WHO, "
              "token_header: X-Who, token_prefix: ''}}")
    mapping = "{fields: {station: who, time: t, value: v}, constants: {metric: level}}"
    environment = pack_with(tmp_path, {"shared": (source, mapping)}, f"localhost:{port}")
    running: dict[str, Any] = {}
    for who in ("one", "two"):
        running[who] = collect(environment | {"WHO": who}, tmp_path / who, redis_server.url, tmp_path / f"{who}.log")
    yield running
    for process in running.values():
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(20)


def holder(feeder: Feeder) -> str:
    wait_for(lambda: len(feeder.asked) >= 3, 30)
    assert len({who for _, who in feeder.asked}) == 1, "never two at once"
    return feeder.who()


@pytest.mark.slow
def test_a_killed_holder_is_followed_within_ten_seconds(
        feeder: tuple[Feeder, int], pair: dict[str, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    first = holder(feeder[0])
    other = "two" if first == "one" else "one"
    wait_for(lambda: (tmp_path / other / "collector.sock").exists(), 30)
    killed = time.monotonic()
    pair[first].kill()
    wait_for(lambda: feeder[0].who() == other, 12)
    passed = feeder[0].asked[-1][0] - killed
    assert passed < 10, passed
    wait_for(lambda: len(rows_of(tmp_path / other)) >= 2, 10)
    stored = Counter((row["station"], row["time"]) for who in ("one", "two") for row in rows_of(tmp_path / who))
    assert set(stored.values()) == {1}
    assert {row["station"] for row in rows_of(tmp_path / other)} == {other}


@pytest.mark.slow
def test_a_stalled_holder_hands_in_nothing_after_its_lease_passed_on(
        feeder: tuple[Feeder, int], pair: dict[str, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    first = holder(feeder[0])
    other = "two" if first == "one" else "one"
    wait_for(lambda: bool(rows_of(tmp_path / first)), 10)
    wait_for(lambda: (tmp_path / other / "collector.sock").exists(), 30)
    pair[first].send_signal(signal.SIGSTOP)
    had = len(rows_of(tmp_path / first))
    wait_for(lambda: feeder[0].who() == other, 12)
    woken = time.monotonic()
    pair[first].send_signal(signal.SIGCONT)
    wait_for(lambda: len([at for at, who in feeder[0].asked if who == other and at > woken]) >= 4, 12)
    assert len(rows_of(tmp_path / first)) == had, "what it had asked for before is not handed in either"
    assert feeder[0].last(first) < woken + 0.5, "it does not ask any more"
    wait_for(lambda: "lease of shared lost" in (tmp_path / f"{first}.log").read_text(), 5)
