"""What was acknowledged by one of two collectors and forgotten by Redis: taken up again, once, in its order."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import redis
from collecting import push, reading
from collector_pairs import FEED, NAMES, Pair, forgotten, settings_of, shared, written
from own_databases import PostgresServer
from own_redis import TINY_PACK, RedisServer, wait_for

from data import carriers, history_postgres_write, owed
from data.acceptor import NO_FEED
from data.acknowledged import NAME, read_notes
from data.batches import Batch
from data.collect import Collector
from data.errors import Unavailable
from data.history_postgres import Server
from data.pack import load_pack
from data.settings import load_settings
from data.shared_leases import best
from data.together import HISTORY

pytestmark = pytest.mark.integration


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


def test_versions_of_one_reading_that_redis_forgot_are_all_taken_up(
        pair: Pair, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = pair[0]
    monkeypatch.setattr(owed, "QUIET_S", 2.0)
    before = shared(holder).state.last_seq()
    for value in (3.0, 2.0):
        assert push(holder, FEED, reading(value))["accepted"] == 1
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        keeper = forgotten(pair, redis_server)
        left = [batch.seq1 for batch in shared(keeper).state.tail(before)]
        assert client.xdel("yp:990101000000:tail", *(f"{seq}-0" for seq in left)) == 2
    shared(holder)._known.clear()
    monkeypatch.setattr(carriers, "COMMIT_S", 0.0)
    wait_for(lambda: [value for value, _ in written(holder)] == [1.0], 25)
    rows = [row for batch in shared(holder).state.tail(before) for row in batch.rows]
    assert [row["value"] for row in rows] == [3.0, 2.0, 1.0]
    assert [row["prev"] for row in rows] == [0, rows[0]["seq"], rows[1]["seq"]]


def test_rows_of_a_feed_that_the_pack_has_no_more_are_set_aside(pair: Pair) -> None:
    holder = pair[0]
    row = {"station": "g1", "metric": "level", "time": 1, "value": 2.0, "quality": None, "seq": 5}
    answer = holder._acceptor.take_up(Batch(5, 5, "left", "observation", 1, [row]))
    assert answer is not None
    assert [reason for _, reason in answer.result().rejected] == [NO_FEED]
    assert sum(holder.quarantine.counts()["left"].values()) == 1


def test_one_without_a_name_takes_up_what_is_left_of_several(
        pair: Pair, redis_server: RedisServer, tmp_path: Path, database: PostgresServer,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared(pair[0]).owed, "takes", lambda _feed: False)
    forgotten(pair, redis_server)
    assert push(pair[0], FEED, reading(2.0, 1))["accepted"] == 1
    monkeypatch.setattr(carriers, "COMMIT_S", 0.0)
    wait_for(lambda: written(pair[0]) == [(2.0, 0)], 25)
    wait_for(lambda: pair[0].status()["owed"]["missing"] == 1)
    for collector in pair:
        collector.stop()
        monkeypatch.setattr(collector, "stop", lambda: None)
    settings = load_settings(place=TINY_PACK, state=tmp_path / best(FEED, NAMES), redis_url=redis_server.url,
                             history_url=database.address)
    path = settings.state_dir / "spool" / NAME
    assert read_notes(path)
    alone = Collector(settings, load_pack(TINY_PACK))
    try:
        alone.start()
        wait_for(lambda: written(alone) == [(1.0, 0), (2.0, 0)] and not read_notes(path), 20)
    finally:
        alone.stop()


def test_an_announcement_is_given_up_where_the_database_hangs(
        database: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_postgres_write, "ANNOUNCE_S", 1.0)
    server = Server(database.address, "yiping_990101000000")
    writer = history_postgres_write.PostgresWriter(server, tmp_path / "scratch")
    told = Batch(1, 1, FEED, "observation", 1, [{"time": 1}])
    assert writer.reserve(3) == 1
    pid = server.change(lambda line: line.info.backend_pid)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(Unavailable):
            writer.announce(told)
        assert time.monotonic() - began < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    before = writer.manifest.bulk
    writer.announce(told)
    assert writer.manifest.bulk == before + 1
    server.close()
