"""Redis as a Cluster and as a Sentinel set: a master dies under load, and nothing acknowledged is missing or double."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from collecting import NOW, assert_published, gauge, opening
from flask import Flask
from many_redis import PASSWORD, Many, cluster, sentinels
from own_redis import TINY_PACK, wait_for

from data.cache import AnswerCache, make_cache
from data.collect import Collector
from data.errors import Unavailable
from data.health import FeedHealth
from data.history import HistoryReader
from data.live import Live
from data.pack import load_pack
from data.redis_clients import obstacle
from data.settings import load_settings
from data.state import State

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.endurance]
Maker = Callable[[Path], AbstractContextManager[Many]]
ROUNDS = int(os.environ.get("KILLS", 8 if os.environ.get("ENDURANCE") else 1))
BACK_S = 15.0
BATCH = 20
PREFIX = "yp:990101000000:"


@pytest.fixture(scope="module", params=[cluster, sentinels], ids=["cluster", "sentinel"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    make: Maker = request.param
    with make(tmp_path_factory.mktemp("many")) as found:
        yield found


class Pusher(threading.Thread):
    """Pushes batches of new readings, some fifty a second; keeps when each was acknowledged."""

    def __init__(self, collector: Collector) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[tuple[float, int]] = []
        self.ends = threading.Event()
        self._collector = collector

    def run(self) -> None:
        number = 0
        while not self.ends.wait(0.02):
            micros = NOW - 3_600_000_000 + number * 1000
            rows = [{"station": f"g{i}", "metric": "level", "time": micros, "value": i / 10} for i in range(BATCH)]
            verdict = self._collector.submit("gauges", rows).result(10)
            assert verdict.accepted == BATCH
            number += 1
            self.acknowledged.append((time.monotonic(), number))


class Follower:
    """A web process' memory, which knows nothing but Redis: its history is an empty folder."""

    def __init__(self, url: str, folder: Path) -> None:
        pack = load_pack(TINY_PACK)
        self._state = State(url, PREFIX)
        self.live = Live(pack, self._state, HistoryReader(folder), load_settings(place=TINY_PACK).clock(), folder)
        self.live.start()

    def held(self) -> int:
        with self.live.lock:
            table = self.live.tables.observations.get("gauges")
            day = 86_400_000_000
            return 0 if table is None else int(table.buckets("level", NOW - day, NOW + day, 60_000_000, 0).n.sum())

    def stop(self) -> None:
        self.live.stop()
        self._state.close()


@pytest.fixture
def place(many: Many, tmp_path: Path) -> Iterator[tuple[Pusher, Follower]]:
    for node in many.nodes:
        if node.process.poll() is None and "master" in str(node.client.role()):
            node.client.flushall()
    settings = load_settings(place=TINY_PACK, state=tmp_path / "s", redis_url=many.url)
    with opening(settings) as make:
        collector = make()
        stations = [gauge(f"g{i}") for i in range(BATCH)]
        assert collector.submit("stations", stations).result(10).accepted == BATCH
        pusher, follower = Pusher(collector), Follower(many.url, tmp_path / "empty")
        pusher.start()
        yield pusher, follower
        pusher.ends.set()
        pusher.join(15)
        follower.stop()


def test_all_of_the_state_works_there(many: Many) -> None:
    state = State(many.url, "yp:t:")
    state.ping()
    state.set_health([FeedHealth("gauges", accepted=3)])
    assert state.health()["gauges"].accepted == 3
    state.set_json("k", {"a": "于都"}, ttl_s=30)
    assert state.get_json("k") == {"a": "于都"}
    turn = state.take_lease("gauges", "me", 30, 4)
    assert (turn, state.take_lease("gauges", "you", 30, 4)) == (5, 0)
    assert (state.keep_lease("gauges", "you", turn, 30), state.keep_lease("gauges", "me", turn, 30)) == (False, True)
    assert state.keep_lease("gauges", "me", turn, 0)
    assert (state.set_cursor("gauges", {"turn": 2}), state.set_cursor("gauges", {"turn": 1})) == (True, False)
    began = time.monotonic()
    assert state.tail(0, block_ms=300) == []
    assert 0.25 < time.monotonic() - began < 2
    state.close()
    assert obstacle(many.url) == ""


def test_answers_are_kept_there(many: Many) -> None:
    one = AnswerCache(make_cache(Flask("one"), many.url, "yp:c:"))
    other = AnswerCache(make_cache(Flask("two"), many.url, "yp:c:"))
    for key in ("a", "b", "c"):
        assert one.get_or_make(key, lambda key=key: key.encode(), 30) == key.encode()
        assert other.get_or_make(key, lambda: b"made again", 30) == key.encode()


def test_a_master_dies_under_load(many: Many, place: tuple[Pusher, Follower], tmp_path: Path,
                                  caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pusher, follower = place
    took = []
    for _ in range(ROUNDS):
        wait_for(lambda: follower.held() > 10 * BATCH)
        victim = many.master_of("{yp:990101000000}:tail")
        began, before = time.monotonic(), len(pusher.acknowledged)
        victim.process.send_signal(signal.SIGKILL)
        wait_for(lambda began=began: _carried_since(pusher, follower, began), BACK_S + 5)
        took.append(time.monotonic() - began)
        assert len(pusher.acknowledged) > before, "pushes go on all the while"
        many.revive(victim)
    assert max(took) < BACK_S, took
    pusher.ends.set()
    pusher.join(10)
    sent = pusher.acknowledged[-1][1] * BATCH
    wait_for(lambda: follower.held() >= sent, 15)
    assert follower.held() == sent, "nothing is missing, nothing is double"
    assert_published(many.url, list(range(1, BATCH + sent + 1)))
    assert PASSWORD not in caplog.text


def _carried_since(pusher: Pusher, follower: Follower, instant: float) -> bool:
    """True when memory holds all that was acknowledged a second or more after the instant, and is live."""
    later = [number for at, number in pusher.acknowledged if at > instant + 1]
    return bool(later) and follower.held() >= later[0] * BATCH and follower.live.served_from == "live"


@pytest.mark.parametrize("url", ["redis+sentinel://:geheim@h:1,h:2", "redis+cluster://:geheim@h:1/3",
                                 "redis+cluster://:geheim@h", "http://:geheim@h:1", "redis://:geheim@h:1?nonsense=1",
                                 "redis+sentinel://:geheim@h:1/m/x", "rediss+cluster://:geheim@h:1?nonsense=1"])
def test_a_wrong_address_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(Unavailable, match=r"地址.*不对；应为") as caught:
        State(url, "p:")
    assert "geheim" not in str(caught.value)
    assert "nonsense" not in str(caught.value)
