"""Two collectors of one place in one process, and what a test asks of them."""

from __future__ import annotations

from pathlib import Path

import redis
from collecting import push, reading
from many_redis import free_ports
from own_redis import TINY_PACK, RedisServer, wait_for

from data.collect import Collector
from data.history import Span
from data.settings import Settings, load_settings
from data.together import HISTORY, Together

SECRET, NAMES = "s3cret-of-both-sides", ("hill", "town")
FEED = "gauges"
Pair = tuple[Collector, Collector]


def settings_of(name: str, folder: Path, redis_url: str, history_url: str) -> Settings:
    return load_settings(place=TINY_PACK, state=folder / name, redis_url=redis_url, history_url=history_url,
                         collector=name, collect_listen=f"127.0.0.1:{free_ports(1)[0]}", collect_secret=SECRET)


def shared(collector: Collector) -> Together:
    assert collector.together is not None
    return collector.together


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
