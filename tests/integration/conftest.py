"""A real Redis for integration tests: skipped locally where there is none, a failure in CI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from own_redis import RedisServer


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for the whole session; use prefixes of your own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, running, to be killed, stopped and started."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()
