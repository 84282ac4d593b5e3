"""The state in a real Redis: publishing once, latest values, tails, and Redis killed, hung, full."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from own_redis import RedisServer, wait_for

from data.batches import Batch
from data.breaker import Breaker
from data.errors import Unavailable
from data.health import FeedHealth
from data.state import State

pytestmark = pytest.mark.integration
Opener = Callable[[str, str], State]


@pytest.fixture
def open_state() -> Iterator[Opener]:
    opened: list[State] = []

    def make(url: str, prefix: str) -> State:
        opened.append(State(url, prefix, Breaker(every_s=0.1)))
        return opened[-1]

    yield make
    for state in opened:
        state.close()


def readings(seq0: int, *values: float, time_us: int = 0, station: str = "") -> Batch:
    rows = [{"station": station or f"g{i}", "metric": "level", "time": time_us or seq0, "value": value, "seq": seq0 + i,
             "received": seq0} for i, value in enumerate(values)]
    return Batch(seq0, seq0 + len(values) - 1, "gauges", "observation", seq0, rows)


def case(seq: int, stage: str, stage_time: int) -> Batch:
    return Batch(seq, seq, "cases", "event", seq, [{"id": "c", "stage": stage, "stage_time": stage_time, "seq": seq}])


def test_a_published_batch_is_there_and_once(redis_url: str, open_state: Opener) -> None:
    state = open_state(redis_url, "t1:")
    assert (state.last_seq(), state.tail(0), state.versions(), state.latest("gauges")) == (0, [], {}, {})
    first, second = readings(1, 1.5, 2.5), readings(3, 7)
    state.publish(first)
    state.publish(second)
    state.publish(first)
    open_state(redis_url, "t1:").publish(first)
    assert state.tail(0) == [first, second]
    assert state.tail(2) == [second]
    assert state.tail(0, count=1) == [first]
    assert state.last_seq() == 3
    assert state.versions() == {"gauges": 3}
    latest = state.latest("gauges")
    assert {name: row["value"] for name, row in latest.items()} == {"g0\x1flevel": 7, "g1\x1flevel": 2.5}
    assert open_state(redis_url, "other:").versions() == {}


def test_late_rows_do_not_hide_newer_ones_even_after_a_restart(redis_url: str, open_state: Opener) -> None:
    open_state(redis_url, "t2:").publish(readings(1, 5, time_us=1000, station="g"))
    fresh = open_state(redis_url, "t2:")
    fresh.publish(readings(2, 9, time_us=900, station="g"))
    assert fresh.latest("gauges")["g\x1flevel"]["value"] == 5
    fresh.publish(readings(3, 6, time_us=1000, station="g"))
    assert fresh.latest("gauges")["g\x1flevel"]["value"] == 6, "a correction of the same time counts"


def test_events_that_ended_leave_the_latest(redis_url: str, open_state: Opener) -> None:
    state = open_state(redis_url, "t3:")
    state.publish(case(1, "received", 10))
    state.publish(case(2, "filed", 20))
    assert state.latest("cases")["c"]["stage"] == "filed"
    state.publish(case(3, "closed", 30))
    state.publish(case(4, "dispatched", 25))
    assert state.latest("cases") == {}


def test_an_empty_batch_raises_the_version(redis_url: str, open_state: Opener) -> None:
    state = open_state(redis_url, "t4:")
    state.publish(Batch(9, 9, "gauges", "observation", 1, []))
    assert state.versions() == {"gauges": 9}
    assert state.tail(0)[0].rows == []


def test_a_waiting_tail_hears_at_once(redis_url: str, open_state: Opener) -> None:
    state, heard = open_state(redis_url, "t5:"), []
    state.publish(readings(1, 1))
    waiting = threading.Thread(target=lambda: heard.extend(state.tail(1, block_ms=2000)))
    waiting.start()
    began = time.monotonic()
    open_state(redis_url, "t5:").publish(readings(2, 2))
    waiting.join(5)
    assert [batch.seq1 for batch in heard] == [2]
    assert time.monotonic() - began < 1.5
    assert state.tail(2, block_ms=50) == []


def test_health_and_small_values(redis_url: str, open_state: Opener) -> None:
    state = open_state(redis_url, "t6:")
    health = FeedHealth("gauges", last_time=5, error="断开", accepted=3)
    state.set_health([health])
    state.set_health([])
    assert state.health() == {"gauges": health}
    assert state.get_json("k") is None
    state.set_json("k", {"a": [1, "于都"]})
    assert state.get_json("k") == {"a": [1, "于都"]}
    state.set_json("k", 1, ttl_s=0.01)
    wait_for(lambda: state.get_json("k") is None)
    state.ping()
    assert state.ok


def test_the_tail_is_bounded_by_bytes(redis_url: str, open_state: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.state.TAIL_BYTES", 20_000)
    state = open_state(redis_url, "t7:")
    for seq in range(1, 101):
        state.publish(Batch(seq, seq, "cases", "event", 1, [{"id": "c", "stage": "filed", "stage_time": seq, "seq": seq,
                                                             "detail": "x" * 5000}]))
    kept = state.tail(0)
    assert kept[-1].seq1 == 100
    assert 3 <= len(kept) <= 10


def test_a_killed_redis_loses_nothing_published(redis_server: RedisServer, open_state: Opener) -> None:
    state = open_state(redis_server.url, "k:")
    for seq in range(1, 201):
        state.publish(readings(seq, seq))
    redis_server.stop()
    with pytest.raises(Unavailable, match="没有应答"):
        state.publish(readings(201, 201))
    for _ in range(3):
        with pytest.raises(Unavailable):
            state.versions()
    assert not state.ok
    redis_server.start()
    wait_for(lambda: state.ok)
    assert state.last_seq() == 200
    state.publish(readings(200, 200))
    state.publish(readings(201, 201))
    assert [batch.seq1 for batch in state.tail(0, count=500)] == list(range(1, 202))


def test_a_hung_redis_answers_in_less_than_a_second_and_then_at_once(redis_server: RedisServer,
                                                                     open_state: Opener) -> None:
    state = open_state(redis_server.url, "h:")
    state.publish(readings(1, 1))
    redis_server.send(signal.SIGSTOP)
    took = []
    for _ in range(6):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            state.versions()
        took.append(time.monotonic() - began)
    redis_server.send(signal.SIGCONT)
    assert max(took) < 1.0
    assert max(took[2:]) < 0.01, "while the breaker is open nobody waits"
    wait_for(lambda: state.ok)
    assert state.versions() == {"gauges": 1}


def test_a_new_master_without_the_last_batches_gets_them_again(redis_url: str, open_state: Opener) -> None:
    state, batches = open_state(redis_url, "m:"), [readings(seq, seq) for seq in range(1, 5)]
    for batch in batches[:3]:
        state.publish(batch)
    with redis.Redis.from_url(redis_url) as client:
        kept = client.xrange("m:tail", count=1)[0]
        client.delete("m:tail")
        client.xadd("m:tail", kept[1], id=kept[0])
    with pytest.raises(Unavailable, match="换了主节点"):
        state.publish(batches[3])
    assert state.last_seq() == 1, "nothing is put behind a hole"
    for batch in batches:
        state.publish(batch)
    assert state.tail(0) == batches
    assert state.ok


def test_a_full_redis_is_read_only_and_heals(redis_server: RedisServer, open_state: Opener) -> None:
    state = open_state(redis_server.url, "f:")
    state.set_json("kept", 5)
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory", "1000")
        for _ in range(3):
            with pytest.raises(Unavailable, match="缓存只读"):
                state.publish(readings(1, 1))
        assert state.ok, "reads go on"
        assert state.read_only
        assert state.get_json("kept") == 5
        assert state.last_seq() == 0
        client.config_set("maxmemory", "0")
    state.publish(readings(1, 1))
    assert not state.read_only
    assert state.last_seq() == 1


def test_a_wrong_address_is_a_sentence() -> None:
    with pytest.raises(Unavailable, match="地址"):
        State("http://x", "p:")
