"""Several collectors over a Sentinel set and over a Cluster: the master dies with batches that no replica has."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from collecting import gauge, push, reading
from collector_pairs import FEED, NAMES, Pair, die, settings_of, shared, written
from many_redis import Many, Node, cluster, sentinels
from own_databases import PostgresServer
from own_redis import TINY_PACK, wait_for

from data.collect import Collector
from data.errors import Unavailable
from data.pack import load_pack
from data.shared_leases import best
from data.together import HISTORY

pytestmark = [pytest.mark.integration, pytest.mark.slow]
Maker = Callable[[Path], AbstractContextManager[Many]]


@pytest.fixture(params=[sentinels, cluster], ids=["sentinel", "cluster"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Many, Pair]]:
    """Servers, and (holder of the readings, who writes the history)."""
    maker: Maker = request.param
    with ExitStack() as stack:
        many = stack.enter_context(maker(tmp_path / "redis"))
        address = stack.enter_context(PostgresServer()).address
        found = {name: Collector(settings_of(name, tmp_path, many.url, address), load_pack(TINY_PACK))
                 for name in NAMES}
        for collector in found.values():
            stack.callback(collector.stop)
            collector.start()
        for feed in (FEED, "stations", HISTORY):
            wait_for(lambda feed=feed: shared(found[best(feed, NAMES)]).holds(feed), 30)
        assert best(FEED, NAMES) != best(HISTORY, NAMES)
        push(found[best("stations", NAMES)], "stations", gauge("g1"))
        wait_for(lambda: all(collector.status()["assets"] == 1 for collector in found.values()))
        yield many, (found[best(FEED, NAMES)], found[best(HISTORY, NAMES)])


def follower(node: Node) -> bool:
    return node.client.info("replication")["role"] == "slave"


def pushed(collector: Collector, number: int) -> None:
    """Sends one reading until it is acknowledged."""
    def taken() -> bool:
        try:
            verdict = push(collector, FEED, reading(float(number), number))
        except Unavailable:
            return False
        assert verdict["accepted"] + verdict["duplicate"] == 1
        return True

    wait_for(taken, 40)


def test_nothing_acknowledged_is_missing_when_the_master_and_the_writer_of_the_history_die(
        place: tuple[Many, Pair]) -> None:
    many, (holder, keeper) = place
    for number in range(5):
        pushed(holder, number)
    victim = many.master_of("{yp:990101000000}:tail")
    replicas = [node for node in many.nodes if follower(node)]
    for node in replicas:
        node.process.send_signal(signal.SIGSTOP)
    victim.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    die(keeper)
    for number in range(5, 8):
        pushed(holder, number)
    victim.process.send_signal(signal.SIGKILL)
    for node in replicas:
        node.process.send_signal(signal.SIGCONT)
    for number in range(8, 11):
        pushed(holder, number)
    wait_for(lambda: len(written(holder)) == 11, 40)
    wait_for(lambda: not shared(holder).owed.numbers, 20)
    assert written(holder) == [(float(number), 0) for number in range(11)]
    assert holder._history.manifest().bulk >= 1, "what was forgotten was taken up, as one where it was missed at once"
    pushed(holder, 6)
    assert len(written(holder)) == 11
