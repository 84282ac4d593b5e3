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


def gauge(name: str = "g1") -> dict[str, Any]:
    return {"id": name, "layer": "gauge", "name": "站", "lon": 100.15, "lat": 30.05}


def reading(value: float, minute: int = 0, station: str = "g1") -> dict[str, Any]:
    return {"station": station, "metric": "level", "time": NOW - 3_600_000_000 + minute * 60_000_000, "value": value}


def push(collector: Collector, feed: str, *raws: Any) -> dict[str, Any]:
    return collector.submit(feed, raws).result(10).as_json()
