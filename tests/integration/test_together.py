"""Two collectors of one place in one process: what each refuses, and what a taker knows of what came before it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import redis
from collecting import push, reading
from collector_pairs import FEED, NAMES, SECRET, Pair, shared
from own_databases import PostgresServer
from own_redis import TINY_PACK, RedisServer, wait_for

from data import carriers
from data.batches import Batch
from data.collect import Collector
from data.collector_line import line_of
from data.errors import Unavailable, WrongInput
from data.settings import load_settings
from data.shared_leases import best
from data.spool import Spool
from data.state import State
from data.together import HISTORY, named

pytestmark = pytest.mark.integration


def pass_on(old: Collector, new: Collector) -> None:
    """Gives the readings to the other in Redis, while the holder stands still and still trusts its lease."""
    leases = shared(old).leases
    leases._ends.set()
    leases.join()
    leases.look = lambda: None  # type: ignore[method-assign]
    state = shared(new).state
    state.set_json(f"alive:{best(FEED, NAMES)}", False)
    assert state.keep_lease(FEED, leases._owner, leases.turn(FEED), 0)
    shared(new).leases.look()
    assert (shared(old).holds(FEED), shared(new).holds(FEED)) == (True, True)


def tail(collector: Collector, feed: str = FEED) -> list[float]:
    return [row["value"] for batch in shared(collector).state.tail(0) if batch.feed == feed for row in batch.rows]


def test_who_does_not_hold_a_feed_refuses_it(pair: Pair) -> None:
    with pytest.raises(Unavailable, match="另一个采集器"):
        push(pair[1], FEED, reading(1.0))
    assert push(pair[0], FEED, reading(1.0))["accepted"] == 1
    with pytest.raises(Unavailable, match="不做批量导入"):
        pair[0].bulk("observation", FEED, [])


def test_a_holder_that_stalled_past_its_lease_acknowledges_nothing(pair: Pair) -> None:
    old, new = pair
    claim = shared(old).claim

    def stalled(batches: Sequence[Batch]) -> None:
        claim(batches)
        pass_on(old, new)

    shared(old).claim = stalled  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="接手"):
        push(old, FEED, reading(3.0))
    assert tail(new) == []
    assert push(new, FEED, reading(3.0)) == {"accepted": 1, "duplicate": 0, "rejected": []}
    assert tail(new) == [3.0]


def test_the_taker_knows_what_the_history_does_not_have_yet(pair: Pair) -> None:
    old, new = pair
    assert push(old, FEED, reading(1.0), reading(2.0, 1))["accepted"] == 2
    pass_on(old, new)
    assert shared(new).writer.reached() == 0
    assert push(new, FEED, reading(1.0), reading(2.5, 1)) == {"accepted": 1, "duplicate": 1, "rejected": []}
    rows = [row for batch in shared(new).state.tail(0) if batch.feed == FEED for row in batch.rows]
    assert rows[-1]["prev"] == rows[1]["seq"], "a correction names what it replaces, whoever took that"
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)


def test_what_was_published_without_an_answer_is_not_doubled(pair: Pair) -> None:
    holder, state = pair[0], shared(pair[0]).state
    publish: Callable[..., None] = state.publish_held

    def unanswered(*told: object) -> None:
        publish(*told)
        raise Unavailable("no answer")

    state.publish_held = unanswered  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        push(holder, FEED, reading(1.0))
    state.publish_held = publish  # type: ignore[method-assign]
    assert push(holder, FEED, reading(1.0))["duplicate"] == 1
    assert tail(holder) == [1.0]
    assert state.last_seq() in shared(holder).owed.numbers, "a duplicate is acknowledged: it may be forgotten as well"


def test_frames_that_were_never_published_are_dropped(pair: Pair, tmp_path: Path) -> None:
    holder = pair[0]
    push(holder, FEED, reading(1.0))
    kept = shared(holder).state.tail(0)[-1]
    spool = Spool(tmp_path / "another")
    spool.append([kept, Batch(kept.seq1 + 5, kept.seq1 + 5, FEED, "observation", 1, kept.rows)])
    assert shared(holder).unpublished(spool) == kept.seq1 + 5
    spool.close()


def test_what_redis_forgets_is_in_the_history_all_the_same(
        pair: Pair, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new master may lack the last batches of the old one."""
    keeper = next(one for one in pair if shared(one).holds(HISTORY))
    push(pair[0], FEED, reading(1.0))
    last = shared(keeper).state.last_seq()
    wait_for(lambda: keeper._historian.done == last)
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        assert client.delete("yp:990101000000:tail") == 1
    redis_server.send(signal.SIGSTOP)
    wait_for(lambda: not shared(keeper).state.ok and bool(keeper._historian.away))
    redis_server.send(signal.SIGCONT)
    wait_for(lambda: shared(keeper).state.ok and not keeper._historian.away)
    monkeypatch.setattr(carriers, "COMMIT_S", 0.0)
    wait_for(lambda: shared(keeper).writer.reached() == last, 20)
    wait_for(lambda: shared(pair[0]).holds(FEED))
    assert push(pair[0], FEED, reading(1.0), reading(2.0, 1)) == {"accepted": 1, "duplicate": 1, "rejected": []}
    assert shared(keeper).state.last_seq() > last, "no number is given twice"


def test_without_redis_or_the_database_a_push_is_refused_and_goes_on_after(
        pair: Pair, redis_server: RedisServer, database: PostgresServer) -> None:
    holder = pair[0]
    assert push(holder, FEED, reading(1.0))["accepted"] == 1
    redis_server.send(signal.SIGSTOP)
    with pytest.raises(Unavailable):
        push(holder, FEED, reading(2.0, 1))
    redis_server.send(signal.SIGCONT)
    database.kill()
    wait_for(lambda: shared(holder).state.ok)
    with pytest.raises(Unavailable):
        push(holder, FEED, reading(2.0, 1))
    database.start()

    def taken() -> bool:
        try:
            return push(holder, FEED, reading(2.0, 1))["rejected"] == []
        except Unavailable:
            return False

    wait_for(taken, 20)
    assert tail(holder) == [1.0, 2.0]


@pytest.mark.parametrize("missing", [{"history_url": ""}, {"redis_url": ""}, {"collect_listen": ""}])
def test_a_name_needs_what_several_share(tmp_path: Path, redis_server: RedisServer, missing: dict[str, str]) -> None:
    told = {"redis_url": redis_server.url, "history_url": "postgresql://u:p@127.0.0.1:1/d",
            "collect_listen": "127.0.0.1:1", **missing}
    with pytest.raises(WrongInput, match="YIPING_COLLECTOR"):
        named(load_settings(place=TINY_PACK, state=tmp_path, collector="hill", **told))
    with pytest.raises(WrongInput, match="最多 32 个"):
        load_settings(place=TINY_PACK, state=tmp_path, collector="two words")


def test_a_push_is_led_to_the_holder(tmp_path: Path, redis_server: RedisServer) -> None:
    line = line_of(load_settings(place=TINY_PACK, state=tmp_path, redis_url=redis_server.url, collect_secret=SECRET,
                                 collect_at="10.0.0.5:8060,10.0.0.6:8060"))
    state = State(redis_server.url, "yp:t:")
    assert state.take_lease(FEED, "abc hill 10.0.0.6:8060", 5.0, 0) == 1
    assert line.url(state.holder(FEED)) == "http://10.0.0.6:8060"
    for says in ([], ["1", "abc"], ["1", "abc", "hill", "10.9.9.9:1"]):
        assert line.url(says) == "http://10.0.0.5:8060", "what Redis says is no address to send a secret to"
    state.close()
