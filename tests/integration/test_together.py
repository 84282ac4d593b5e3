"""Two collectors of one place in one process: what each refuses, and what a taker knows of what came before it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
import redis
from collecting import gauge, push, reading
from many_redis import free_ports
from own_databases import PostgresServer
from own_redis import TINY_PACK, RedisServer, wait_for

from data import carriers, owed
from data.batches import Batch
from data.collect import Collector
from data.collector_line import line_of
from data.errors import Unavailable, WrongInput
from data.history import Span
from data.pack import load_pack
from data.settings import Settings, load_settings
from data.shared_leases import best
from data.spool import Spool
from data.state import State
from data.together import HISTORY, Together, named

pytestmark = pytest.mark.integration
SECRET, NAMES = "s3cret-of-both-sides", ("hill", "town")
FEED = "gauges"
Pair = tuple[Collector, Collector]


def settings_of(name: str, folder: Path, redis_url: str, history_url: str) -> Settings:
    return load_settings(place=TINY_PACK, state=folder / name, redis_url=redis_url, history_url=history_url,
                         collector=name, collect_listen=f"127.0.0.1:{free_ports(1)[0]}", collect_secret=SECRET)


def shared(collector: Collector) -> Together:
    assert collector.together is not None
    return collector.together


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture
def database(server: PostgresServer) -> PostgresServer:
    """Without anything of the test before."""
    with psycopg.connect(server.address, autocommit=True) as line:
        line.execute('DROP SCHEMA IF EXISTS "yiping_990101000000" CASCADE')
    return server


@pytest.fixture
def pair(tmp_path: Path, redis_server: RedisServer, database: PostgresServer,
         monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """(holder of the readings, the other), nothing brought into the history meanwhile, stations known to both."""
    monkeypatch.setattr(carriers, "COMMIT_S", 1000.0)
    found = {name: Collector(settings_of(name, tmp_path, redis_server.url, database.address), load_pack(TINY_PACK))
             for name in NAMES}
    for collector in found.values():
        collector.start()
    feeds = (*load_pack(TINY_PACK).feeds, HISTORY)
    wait_for(lambda: all(shared(found[best(feed, NAMES)]).holds(feed) for feed in feeds))
    push(found[best("stations", NAMES)], "stations", gauge("g1"), gauge("g2"))
    wait_for(lambda: all(collector.status()["assets"] == 2 for collector in found.values()))
    first = best(FEED, NAMES)
    yield found[first], found[next(name for name in NAMES if name != first)]
    for collector in found.values():
        collector.stop()


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


def die(collector: Collector) -> None:
    """Its threads end as by a kill: nothing is committed, no lease given back."""
    leases = shared(collector).leases
    leases._ends.set()
    leases.join()
    collector._historian.stop()
    collector._historian.join()


def forgotten(pair: Pair, redis_server: RedisServer) -> Collector:
    """A reading is acknowledged, Redis forgets it, and who would have brought it into the history is dead."""
    keeper = next(one for one in pair if shared(one).holds(HISTORY))
    assert keeper is not pair[0]
    assert push(pair[0], FEED, reading(1.0))["accepted"] == 1
    last = shared(keeper).state.last_seq()
    wait_for(lambda: keeper._historian.done == last)
    die(keeper)
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        assert client.xdel("yp:990101000000:tail", f"{last}-0") == 1
    return keeper


def written(collector: Collector) -> list[tuple[float, int]]:
    rows = collector._history.rows("observation", Span(0, 1 << 60), [FEED], ["value", "prev"]).to_pylist()
    return sorted((row["value"], row["prev"]) for row in rows)


def test_what_redis_forgot_and_a_dead_collector_had_read_is_taken_up_from_the_spool(
        pair: Pair, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = pair[0]
    monkeypatch.setattr(owed, "QUIET_S", 2.0)
    forgotten(pair, redis_server)
    assert shared(holder).owed.numbers
    monkeypatch.setattr(carriers, "COMMIT_S", 0.0)
    wait_for(lambda: written(holder) == [(1.0, 0)], 25)
    wait_for(lambda: not shared(holder).owed.numbers)
    assert holder._history.manifest().bulk == 1, "who read it from the master that died reads again"
    assert push(holder, FEED, reading(1.0), reading(2.0, 1)) == {"accepted": 1, "duplicate": 1, "rejected": []}
    wait_for(lambda: written(holder) == [(1.0, 0), (2.0, 0)])


def test_what_redis_forgot_is_taken_up_at_the_next_start_and_replaces_nothing_newer(
        pair: Pair, redis_server: RedisServer, tmp_path: Path, database: PostgresServer,
        monkeypatch: pytest.MonkeyPatch) -> None:
    holder = pair[0]
    assert push(holder, FEED, reading(5.0, 7))["accepted"] == 1
    forgotten(pair, redis_server)
    shared(holder)._known.clear()
    # The same instant again, with another value, while nobody knows of the first.
    assert push(holder, FEED, reading(3.0, 0))["accepted"] == 1
    kept = {batch.seq1 for batch in shared(holder).state.tail(0)}
    assert shared(holder).owed.numbers - kept, "the forgotten one among them"
    holder.stop()
    monkeypatch.setattr(holder, "stop", lambda: None)
    monkeypatch.setattr(carriers, "COMMIT_S", 0.0)
    name = best(FEED, NAMES)
    again = Collector(settings_of(name, tmp_path, redis_server.url, database.address), load_pack(TINY_PACK))
    again.start()
    wait_for(lambda: shared(again).holds(FEED) and shared(again).holds(HISTORY))
    wait_for(lambda: not shared(again).owed.numbers, 25)
    wait_for(lambda: written(again) == [(3.0, 0), (5.0, 0)])
    assert push(again, FEED, reading(3.0))["duplicate"] == 1
    again.stop()


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
