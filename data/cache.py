"""Answers kept between questions: flask-caching over the cache instance of Redis, without anything that executes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson
from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache
from flask_caching.backends.rediscache import RedisCache

from data.breaker import Guard, Lost
from data.redis_clients import ANY_ERROR, make_client

MEMORY_BYTES = 64_000_000
Kept = tuple[float, bytes]


class PlainSerializer(BaseSerializer):
    """Bytes as they are, everything else as JSON: what is read back can be wrong, but never runs."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:
        """Bytes of a value. Raises TypeError for what JSON cannot say."""
        return b"b" + value if isinstance(value, bytes) else b"j" + orjson.dumps(value)

    def loads(self, bvalue: bytes | None) -> Any:
        """The value of bytes, None for what this class did not write."""
        if not bvalue or bvalue[:1] not in (b"b", b"j"):
            return None
        if bvalue[:1] == b"b":
            return bytes(bvalue[1:])
        try:
            return orjson.loads(bvalue[1:])
        except orjson.JSONDecodeError:
            return None

    def dump(self, value: Any, f: Any, protocol: int = 0) -> None:
        """Writes `dumps(value)` to a binary file."""
        f.write(self.dumps(value))

    def load(self, f: Any) -> Any:
        """Reads what `dump` wrote."""
        return self.loads(f.read())


class PlainRedis(RedisCache):
    """flask-caching's Redis backend with our client (short timeouts) and our serializer."""

    serializer: Any = PlainSerializer()

    @classmethod
    def factory(cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> PlainRedis:
        """Called by flask-caching; needs CACHE_REDIS_URL."""
        kwargs.update(host=make_client(config["CACHE_REDIS_URL"]), key_prefix=config["CACHE_KEY_PREFIX"])
        return cls(*args, **kwargs)


def make_cache(server: Flask, url: str, prefix: str) -> Cache:
    """flask-caching on a Flask server; `prefix` as for the state (yp:<place code>:)."""
    return Cache(server, config={"CACHE_TYPE": "data.cache.PlainRedis", "CACHE_REDIS_URL": url,
                                 "CACHE_KEY_PREFIX": prefix + "answer:", "CACHE_DEFAULT_TIMEOUT": 60})


class AnswerCache:
    """Answers by key: one maker at a time in this process, others get the old answer or wait for the new one.

    Keys must contain everything the answer depends on, the scope of the viewer included. A stored answer is
    8 bytes "fresh until" (µs since the epoch) and the bytes; it lives twice its time so that a stale one can serve.
    """

    def __init__(self, cache: Cache, now: Callable[[], float] = time.time) -> None:
        self._store = cache.app.extensions["cache"][cache]
        self._now = now
        self._guard = Guard("cache", lambda: self._store.get("probe"), ANY_ERROR)
        self._memory: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0
        self._making: set[str] = set()
        self._changed = threading.Condition()

    def get_or_make(self, key: str, make: Callable[[], bytes], ttl_s: float) -> bytes:
        """The answer, at most ttl_s old, or older while another thread makes the new one.

        Raises:
            whatever `make` raises; never because Redis is away.
        """
        with self._changed:
            kept = self._memory.get(key)
            while not self._fresh(kept) and key in self._making:
                if kept is not None:
                    return kept[1]
                self._changed.wait(30.0)
                kept = self._memory.get(key)
            if kept is not None and self._fresh(kept):
                self._memory.move_to_end(key)
                return kept[1]
            self._making.add(key)
        try:
            found = self._fetch(key)
            if found is None or not self._fresh(found):
                found = (self._now() + ttl_s, make())
                self._put(key, found, ttl_s)
            self._remember(key, found)
            return found[1]
        finally:
            with self._changed:
                self._making.discard(key)
                self._changed.notify_all()

    def _fresh(self, kept: Kept | None) -> bool:
        return kept is not None and self._now() < kept[0]

    def _remember(self, key: str, kept: Kept) -> None:
        with self._changed:
            old = self._memory.pop(key, None)
            self._bytes += len(kept[1]) - (len(old[1]) if old else 0)
            self._memory[key] = kept
            while self._bytes > MEMORY_BYTES and len(self._memory) > 1:
                self._bytes -= len(self._memory.popitem(last=False)[1][1])

    def _fetch(self, key: str) -> Kept | None:
        raw = self._try(lambda: self._store.get(key))
        if not isinstance(raw, bytes) or len(raw) < 8:
            return None
        return int.from_bytes(raw[:8], "big") / 1e6, raw[8:]

    def _put(self, key: str, kept: Kept, ttl_s: float) -> None:
        raw = round(kept[0] * 1e6).to_bytes(8, "big") + kept[1]
        self._try(lambda: self._store.set(key, raw, timeout=max(1, round(2 * ttl_s))))

    def _try(self, work: Callable[[], Any]) -> Any:
        try:
            return self._guard.call(work)
        except Lost:
            return None
