"""A real Redis for integration tests: skipped locally where there is none, a failure in CI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from collecting import Opener, gauge, opening, push
from collector_pairs import FEED, NAMES, Pair, settings_of, shared
from history_stores import READ, WRITTEN, Store, postgres_store
from own_databases import PostgresServer, postgres
from own_redis import TINY_PACK, RedisServer, wait_for
from own_spark import Cluster
from recount_world import Recounted, county

from data import carriers
from data.collect import Collector
from data.pack import load_pack
from data.settings import Settings, load_settings
from data.shared_leases import best
from data.together import HISTORY


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for the whole session; use prefixes of your own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def recounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recounted]:
    """The county with what test_recomputed plants, for all who only read it."""
    from test_recomputed import CASES, PLANTED
    found = county(tmp_path_factory.mktemp("recount"), PLANTED)
    found.db.execute(CASES)
    yield found
    found.db.close()


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


@pytest.fixture(scope="module")
def pair_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for the collectors of one module, to be killed and started."""
    with PostgresServer() as found:
        yield found


@pytest.fixture
def database(pair_server: PostgresServer) -> PostgresServer:
    """Without anything of the test before."""
    with psycopg.connect(pair_server.address, autocommit=True) as line:
        line.execute('DROP SCHEMA IF EXISTS "yiping_990101000000" CASCADE')
    return pair_server


@pytest.fixture
def pair(tmp_path: Path, redis_server: RedisServer, database: PostgresServer,
         monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """(holder of the readings, the other), nothing brought into the history meanwhile, stations known to both."""
    monkeypatch.setattr(carriers, "COMMIT_S", 1000.0)
    found = {name: Collector(settings_of(name, tmp_path, redis_server.url, database.address), load_pack(TINY_PACK))
             for name in NAMES}
    for collector in found.values():
        collector.start()
    feeds = (*load_pack(TINY_PACK).feeds, HISTORY)
    wait_for(lambda: all(shared(found[best(feed, NAMES)]).holds(feed) for feed in feeds))
    push(found[best("stations", NAMES)], "stations", gauge("g1"), gauge("g2"))
    wait_for(lambda: all(collector.status()["assets"] == 2 for collector in found.values()))
    first = best(FEED, NAMES)
    yield found[first], found[next(name for name in NAMES if name != first)]
    for collector in found.values():
        collector.stop()
