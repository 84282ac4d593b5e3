"""The answer cache over a fake store: one maker at a time, stale answers meanwhile, nothing that executes."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import RedisError

from data.cache import AnswerCache, PlainSerializer


class Store:
    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.away = False

    def get(self, key: str) -> Any:
        if self.away:
            raise RedisError("away")
        return self.kept.get(key)

    def set(self, key: str, value: Any, timeout: int) -> None:
        if self.away:
            raise RedisError("away")
        self.kept[key] = value


class App:
    def __init__(self, store: Store) -> None:
        self.extensions: dict[str, dict[Any, Any]] = {"cache": {}}
        self.store = store


class FakeCache:
    def __init__(self, store: Store) -> None:
        self.app = App(store)
        self.app.extensions["cache"][self] = store


def answers(store: Store, now: Callable[[], float]) -> AnswerCache:
    return AnswerCache(FakeCache(store), now)  # type: ignore[arg-type]


def test_made_once_while_fresh_and_shared_between_processes() -> None:
    clock, made, store = {"now": 1000.0}, [], Store()

    def make() -> bytes:
        made.append(1)
        return b"answer %d" % len(made)

    one, other = answers(store, lambda: clock["now"]), answers(store, lambda: clock["now"])
    assert [one.get_or_make("k", make, 10), one.get_or_make("k", make, 10)] == [b"answer 1"] * 2
    assert other.get_or_make("k", make, 10) == b"answer 1"
    clock["now"] += 10
    assert other.get_or_make("k", make, 10) == b"answer 2"
    assert one.get_or_make("k", make, 10) == b"answer 2"
    assert one.get_or_make("other", make, 10) == b"answer 3"


def test_without_redis_it_computes() -> None:
    store, made = Store(), []
    store.away = True
    cache = answers(store, lambda: 1.0)
    for key in "abcabc":
        assert cache.get_or_make(key, lambda key=key: made.append(key) or key.encode(), 10) == key.encode()  # type: ignore
    assert made == ["a", "b", "c"], "its own memory still serves"


def test_one_maker_while_others_get_the_old_answer() -> None:
    clock, store = {"now": 0.0}, Store()
    cache = answers(store, lambda: clock["now"])
    cache.get_or_make("k", lambda: b"old", 10)
    clock["now"] = 20.0
    making, go, got = threading.Event(), threading.Event(), []

    def slow() -> bytes:
        making.set()
        assert go.wait(5)
        return b"new"

    maker = threading.Thread(target=lambda: got.append(cache.get_or_make("k", slow, 10)))
    maker.start()
    assert making.wait(5)
    assert cache.get_or_make("k", lambda: b"never", 10) == b"old"
    go.set()
    maker.join(5)
    assert got == [b"new"]
    assert cache.get_or_make("k", lambda: b"never", 10) == b"new"


def test_the_first_makers_answer_serves_those_who_wait() -> None:
    cache, making, go = answers(Store(), lambda: 0.0), threading.Event(), threading.Event()
    made: list[int] = []
    got: list[bytes] = []

    def slow() -> bytes:
        made.append(1)
        making.set()
        assert go.wait(5)
        return b"one"

    threads = [threading.Thread(target=lambda: got.append(cache.get_or_make("k", slow, 10))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert making.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert got == [b"one"] * 5
    assert made == [1]


def test_a_maker_that_fails_lets_the_next_one_try() -> None:
    cache = answers(Store(), lambda: 0.0)

    def fails() -> bytes:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        cache.get_or_make("k", fails, 10)
    assert cache.get_or_make("k", lambda: b"ok", 10) == b"ok"


@pytest.mark.parametrize("planted", [b"x", b"\x00" * 4, 5, "text", [1]])
def test_rubbish_in_the_store_is_made_anew(planted: Any) -> None:
    store = Store()
    store.kept["k"] = planted
    assert answers(store, lambda: 0.0).get_or_make("k", lambda: b"ok", 10) == b"ok"


def test_the_serializer_knows_bytes_and_json_only() -> None:
    serializer = PlainSerializer()
    for value in (b"", b"!\x80", {"a": [1, None, "于都"]}, 5, "b"):
        assert serializer.loads(serializer.dumps(value)) == value
        file = io.BytesIO()
        serializer.dump(value, file)
        assert serializer.load(io.BytesIO(file.getvalue())) == value
    for planted in (b"!" + pickle.dumps(5), pickle.dumps(5), b"", None, b"j{", b"5"):
        assert serializer.loads(planted) is None
    with pytest.raises(TypeError):
        serializer.dumps(object())
