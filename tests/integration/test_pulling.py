"""The runner: a feed lost and back is told once, cursors follow the disk, a source cannot stop the others."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from own_redis import RedisServer, wait_for
from pull_site import Server, say, serving
from pulled_place import pack_with

from data.collect import Collector
from data.errors import Unavailable
from data.history import HistoryReader, Span
from data.pack import load_pack
from data.pulling import Pulling
from data.quarantine_view import Chosen, QuarantineView
from data.settings import Settings, load_settings

pytestmark = pytest.mark.integration
MAP = "{fields: {station: s, time: t, value: v}, constants: {metric: level}, time_unit: s}"
NOW = 1_795_000_000


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


class Running:
    """A collector with its pulls in this process."""

    def __init__(self, settings: Settings) -> None:
        self.closed = False
        self.collector = Collector(settings, load_pack(settings.place_dir))
        self.collector.start()
        self.pulling = Pulling(self.collector, settings)

    def state(self, feed: str) -> Any:
        return self.collector.book.states()[feed]

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.pulling.stop()
            self.collector.stop()


@pytest.fixture
def running(server: Server, redis_server: RedisServer, tmp_path: Path,
            monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: list[Running] = []

    def make() -> Running:
        feeds = {
            "web": (f"{{kind: http, every: 1s, http: {{url: 'http://localhost:{server.port}/a'}}}}", MAP),
            "base": ("{kind: sql, every: 1s, sql: {url_env: BASE, table: t, watermark: n}}", MAP)}
        if not (tmp_path / "pack").exists():
            environment = pack_with(tmp_path, feeds, f"localhost:{server.port}")
            monkeypatch.setenv("YIPING_PLACE", environment["YIPING_PLACE"])
            monkeypatch.setenv("YIPING_PULL_ALLOW", environment["YIPING_PULL_ALLOW"])
            monkeypatch.setenv("BASE", f"sqlite:///{tmp_path}/base.db")
        settings = load_settings(state=tmp_path / "s", redis_url="", now="")
        settings = settings.model_copy(update={"redis_url": ""})
        monkeypatch.setattr("data.collect.embedded_redis.url", lambda *_: redis_server.url)
        made.append(Running(settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


def fill(tmp_path: Path, numbers: range) -> None:
    with sqlite3.connect(tmp_path / "base.db") as base:
        base.execute("CREATE TABLE IF NOT EXISTS t (s TEXT, t INTEGER, v REAL, n INTEGER)")
        readings = [(f"g{i}", NOW + i, i if i % 5 else "坏", i) for i in numbers]
        base.executemany("INSERT INTO t VALUES (?,?,?,?)", readings)
    base.close()


def test_lost_and_back_once_and_the_rest_goes_on(
        server: Server, running: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "yiping")
    server.answers["/a"] = say(b"<html>login</html>", content_type="text/html")
    fill(tmp_path, range(1, 8))
    found: Running = running()
    found.pulling.start()
    wait_for(lambda: found.state("base").accepted == 6)
    wait_for(lambda: len(server.asked) >= 2, 20)
    state = found.state("web")
    assert state.failing_since
    assert "回答的是网页" in state.error
    server.answers["/a"] = say(orjson.dumps([{"s": "g1", "t": NOW, "v": 2}, {"s": "g1", "t": "x", "v": 2}]))
    wait_for(lambda: found.state("web").accepted == 1, 20)
    assert found.state("web").failing_since == 0
    told = [record.message for record in caplog.records if "feed web" in record.message]
    assert [message.split(":")[0] for message in told] == ["feed web lost", "feed web back"]
    kept = QuarantineView(tmp_path / "s" / "quarantine").rows(Chosen(), 1000)
    reasons = sorted({(item["feed"], item["reason"][:9]) for item in kept})
    assert [feed for feed, _ in reasons] == ["base", "web", "web"]
    assert any(item["raw"] == "<html>login</html>" for item in kept), "what it said is kept, once"
    assert len([item for item in kept if "网页" in item["reason"]]) == 1


def test_a_cursor_is_noted_only_after_the_disk_took_the_rows(
        server: Server, running: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/a"] = say(b"[]")
    fill(tmp_path, range(1, 5))
    found: Running = running()
    puller = found.pulling.pullers["base"]
    with monkeypatch.context() as full:
        full.setattr("data.spool.os.fsync", no_space)
        puller.look()
    assert not (tmp_path / "s" / "cursors" / "base.json").exists()
    assert "没有写入磁盘" in found.state("base").error
    puller.look()
    assert found.state("base").accepted == 4
    assert orjson.loads((tmp_path / "s" / "cursors" / "base.json").read_bytes())["cursor"]["value"] == 4
    fill(tmp_path, range(6, 8))
    with monkeypatch.context() as broken:
        broken.setattr("data.cursors.replace_file", no_space)
        puller.look()
    assert found.state("base").accepted == 6
    puller.look()
    state = found.state("base")
    assert (state.accepted, state.duplicate, state.failing_since) == (6, 2, 0), "a crash between repeats, never loses"
    found.close()
    running_again: Running = running()
    running_again.pulling.pullers["base"].look()
    assert running_again.state("base").accepted == 6
    running_again.close()
    assert len(HistoryReader(tmp_path / "s" / "history").rows("observation", Span(0, 2**62))) == 6


def no_space(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_lapsed_lease_keeps_rows_out(server: Server, running: Any) -> None:
    found: Running = running()
    answer = found.collector.submit("web", [{"station": "a", "metric": "level", "time": NOW * 10**6, "value": 1}],
                                    lambda: "租约已过")
    with pytest.raises(Unavailable, match="租约已过"):
        answer.result(10)
    assert found.state("web").accepted == 0


def test_a_source_that_breaks_the_program_is_booked(
        server: Server, running: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Running = running()
    fill(tmp_path, range(1, 3))
    monkeypatch.setattr("data.sources.sql.plain", lambda _: 1 / 0)
    found.pulling.pullers["base"].look()
    assert "程序出错" in found.state("base").error
    assert not found.collector.failed.is_set()


def test_without_redis_a_place_of_its_own_goes_on_pulling(
        server: Server, running: Any, tmp_path: Path, redis_server: RedisServer) -> None:
    server.answers["/a"] = say(b"[]")
    found: Running = running()
    redis_server.stop()
    fill(tmp_path, range(1, 5))
    found.pulling.start()
    wait_for(lambda: found.state("base").accepted == 4)
    assert found.state("base").failing_since == 0


FAULTS = {"a web page": say(b"<html>login</html>", content_type="text/html"),
          "a page called JSON": say(b"<html>x</html>"),
          "half a JSON": say(b'[{"s": "g1", "t": 1795000000, "v": 9'), "too deep": say(b"[" * 200_000 + b"]" * 200_000),
          "no number": say(b'[{"s": "g1", "t": 1795000000, "v": NaN}]'), "an error": say(b"boom", 500),
          "no row": say(b'{"code": 1, "msg": "busy"}'),
          "another column": say(b'[{"S": "g1", "T": 1795000000, "V": 9}]'),
          "no value": say(b'[{"s": "g1", "t": 1795000000, "v": "?"}]'), "long": say(b"<html>" + b"x" * 1_500_000)}


def test_a_failed_fetch_never_overwrites_good_data_and_what_came_is_kept(server: Server, running: Any,
                                                                         tmp_path: Path) -> None:
    """D2."""
    found: Running = running()
    puller = found.pulling.pullers["web"]

    def look(answer: Any) -> None:
        server.answers["/a"] = answer
        puller.look()

    def held() -> list[tuple[Any, ...]]:
        found.collector._historian.recover()
        rows = HistoryReader(tmp_path / "s" / "history").rows("observation", Span(0, 1 << 62), ["web"])
        return [(row["station"], row["time"], row["value"]) for row in rows.to_pylist()]

    good = [("g1", NOW * 1_000_000, 2.0)]
    look(say(orjson.dumps([{"s": "g1", "t": NOW, "v": 2}])))
    assert held() == good
    for number, (name, answer) in enumerate(FAULTS.items(), 1):
        look(answer)
        assert held() == good, name
        look(say(orjson.dumps([{"s": "g1", "t": NOW + number, "v": number}])))
        good.append(("g1", (NOW + number) * 1_000_000, float(number)))
        assert sorted(held()) == sorted(good), f"well again after {name}"
    kept = [item["raw"] for item in QuarantineView(tmp_path / "s" / "quarantine").rows(Chosen(), 1000)]
    assert {"<html>login</html>", "<html>x</html>", "boom", '{"code": 1, "msg": "busy"}',
            '[{"s": "g1", "t": 1795000000, "v": 9'} <= set(kept)
    assert len(kept) == len(FAULTS), [raw[:60] for raw in kept]
    assert max(map(len, kept)) == 1_000_000
