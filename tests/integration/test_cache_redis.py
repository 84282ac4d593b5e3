"""flask-caching with our backend over a real Redis: bytes in, bytes out, quick when Redis hangs, deaf to pickles."""

from __future__ import annotations

import pickle
import signal
import time
from pathlib import Path

import pytest
import redis
from flask import Flask
from own_redis import RedisServer

from data.cache import AnswerCache, PlainRedis, make_cache

pytestmark = pytest.mark.integration


class Bomb:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def test_flask_caching_keeps_answers_for_all_processes(redis_url: str) -> None:
    server = Flask("one")
    cache = make_cache(server, redis_url, "yp:c1:")
    assert isinstance(server.extensions["cache"][cache], PlainRedis)
    assert AnswerCache(cache).get_or_make("k", lambda: b"one", 60) == b"one"
    other = AnswerCache(make_cache(Flask("two"), redis_url, "yp:c1:"))
    assert other.get_or_make("k", lambda: b"never", 60) == b"one"
    elsewhere = AnswerCache(make_cache(Flask("three"), redis_url, "yp:c2:"))
    assert elsewhere.get_or_make("k", lambda: b"three", 60) == b"three"
    with server.app_context():
        cache.set("plain", {"a": 1})
        assert cache.get("plain") == {"a": 1}


def test_a_planted_pickle_does_not_run(redis_url: str, tmp_path: Path) -> None:
    cache = make_cache(Flask("one"), redis_url, "yp:c3:")
    planted = tmp_path / "ran"
    with redis.Redis.from_url(redis_url) as client:
        for head in (b"", b"!", b"b", b"j"):
            client.set("yp:c3:answer:k", head + pickle.dumps(Bomb(str(planted))))
            with cache.app.app_context():
                value = cache.get("k")
            assert value is None or isinstance(value, bytes)
    assert not planted.exists()
    pickle.loads(pickle.dumps(Bomb(str(planted)))).close()
    assert planted.exists(), "the bomb would have worked"


def test_a_hung_cache_costs_less_than_a_second_once(redis_server: RedisServer) -> None:
    answers = AnswerCache(make_cache(Flask("one"), redis_server.url, "yp:c4:"))
    answers.get_or_make("warm", lambda: b"w", 60)
    redis_server.send(signal.SIGSTOP)
    took = []
    for number in range(5):
        began = time.monotonic()
        assert answers.get_or_make(f"k{number}", lambda: b"made", 60) == b"made"
        took.append(time.monotonic() - began)
    redis_server.send(signal.SIGCONT)
    assert max(took) < 1.8, "at most two tries, each under a second"
    assert max(took[2:]) < 0.02
