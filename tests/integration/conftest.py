"""A real Redis for integration tests: skipped locally where there is none, a failure in CI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from collecting import Opener, opening
from history_stores import READ, WRITTEN, Store, postgres_store
from own_databases import postgres
from own_redis import TINY_PACK, RedisServer
from own_spark import Cluster

from data.settings import Settings, load_settings


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


@pytest.fixture
def settings(tmp_path: Path, redis_server: RedisServer) -> Settings:
    """A state folder and a Redis of the test's own, over the tiny pack."""
    return load_settings(place=TINY_PACK, state=tmp_path / "s", redis_url=redis_server.url)


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opener]:
    """Starts collectors; they end with the test."""
    with opening(settings) as make:
        yield make


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """A PostgreSQL for the whole session; use schemas of your own."""
    with postgres() as (found, _):
        yield found


@pytest.fixture(scope="session")
def spark_cluster() -> Iterator[str]:
    """The address of a Spark master with two workers."""
    cluster = Cluster()
    yield cluster.address
    cluster.close()


def _store(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "postgresql":
        return postgres_store(request.getfixturevalue("postgres_address"), folder)
    return Store(folder, cluster=request.getfixturevalue("spark_cluster") if request.param == "spark" else "")


@pytest.fixture(params=WRITTEN)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store that a collector writes, empty."""
    found = _store(request, tmp_path)
    yield found
    found.close()


@pytest.fixture(params=READ)
def read_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each engine that answers questions, over an empty store."""
    found = _store(request, tmp_path)
    yield found
    found.close()
