"""Collectors of a test's own over the tiny pack, and what is pushed into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from own_redis import TINY_PACK

from data.clock import Clock
from data.collect import Collector
from data.pack import load_pack
from data.settings import Settings
from data.state import TAIL_ENTRIES, State

NOW = Clock().now_us()
Opener = Callable[[], Collector]


@contextmanager
def opening(settings: Settings) -> Iterator[Opener]:
    """Makes running collectors; `close` on the maker, and the end, stop them all."""
    running: list[Collector] = []

    def make() -> Collector:
        running.append(Collector(settings, load_pack(TINY_PACK)))
        running[-1].start()
        return running[-1]

    def close() -> None:
        while running:
            running.pop().stop()

    make.close = close  # type: ignore[attr-defined]
    yield make
    close()


def assert_published(redis_url: str, seqs: list[int]) -> None:
    """The tail holds each of the numbers once and in order; full, it may have let go of its oldest entries."""
    state = State(redis_url, "yp:990101000000:")
    published: list[int] = []
    entries = 0
    while batches := state.tail(published[-1] if published else 0):
        entries += len(batches)
        published += [row["seq"] for batch in batches for row in batch.rows]
    last = state.last_seq()
    state.close()
    assert last == seqs[-1]
    first = seqs[0] if entries < TAIL_ENTRIES else published[0]
    assert published == [seq for seq in seqs if seq >= first], "each is published once, in order"


def gauge(name: str = "g1") -> dict[str, Any]:
    return {"id": name, "layer": "gauge", "name": "站", "lon": 100.15, "lat": 30.05}


def reading(value: float, minute: int = 0, station: str = "g1") -> dict[str, Any]:
    return {"station": station, "metric": "level", "time": NOW - 3_600_000_000 + minute * 60_000_000, "value": value}


def push(collector: Collector, feed: str, *raws: Any) -> dict[str, Any]:
    return collector.submit(feed, raws).result(10).as_json()
