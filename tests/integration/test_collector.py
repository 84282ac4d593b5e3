"""The collector with its real parts: doors, files, bulks, versions, Redis away, a disk that refuses, one per folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from collecting import Opener, gauge, push, reading
from own_redis import TINY_PACK, RedisServer, wait_for

from data.batches import Batch
from data.collect import Collector
from data.errors import NotFound, Unavailable, WrongInput
from data.history import HistoryReader
from data.pack import load_pack
from data.pulling import Pulling
from data.quarantine_view import Chosen, QuarantineView
from data.sandbox import Parser
from data.settings import Settings
from data.state import State

pytestmark = pytest.mark.integration


def carried(collector: Collector) -> bool:
    return bool(collector.status()["lags"] == {"redis": 0, "history": 0})


def refusals(settings: Settings) -> list[dict[str, Any]]:
    return QuarantineView(settings.state_dir / "quarantine").rows(Chosen(), 1000)[::-1]


def test_a_record_goes_the_whole_way(settings: Settings, opened: Opener) -> None:
    collector = opened()
    assert push(collector, "stations", gauge()) == {"accepted": 1, "duplicate": 0, "rejected": []}
    assert push(collector, "gauges", reading(1), reading(2, 5), reading(1), reading(999)) == {
        "accepted": 2, "duplicate": 1, "rejected": [{"index": 3, "reason": "level 的值 999 高于上限 100"}]}
    wait_for(lambda: carried(collector))
    state = State(settings.redis_url, "yp:990101000000:")
    assert state.latest("gauges")["g1\x1flevel"]["code"] == "990101002000"
    assert [batch.feed for batch in state.tail(0)] == ["stations", "gauges"]
    wait_for(lambda: "gauges" in state.health())
    health = state.health()["gauges"]
    assert (health.accepted, health.duplicate, health.rejected) == (2, 1, 1)
    assert health.last_time == reading(0, 5)["time"]
    state.close()
    opened.close()  # type: ignore[attr-defined]
    kept = HistoryReader(settings.state_dir / "history")
    assert [row["id"] for row in kept.current_assets()] == ["g1"]
    assert len(kept.identities("observation", "gauges", 0, 1 << 60)) == 2
    refused = refusals(settings)
    assert [(item["feed"], item["reason"]) for item in refused] == [("gauges", "level 的值 999 高于上限 100")]
    assert orjson.loads(refused[0]["raw"]) == reading(999)
    assert orjson.loads((settings.state_dir / "health.json").read_bytes())["feeds"]["gauges"]["accepted"] == 2


def test_versions_duplicates_and_counts_survive_a_restart(opened: Opener) -> None:
    first = opened()
    push(first, "stations", gauge())
    push(first, "gauges", reading(1), reading(2))
    opened.close()  # type: ignore[attr-defined]
    again = opened()
    assert push(again, "gauges", reading(2))["duplicate"] == 1
    assert push(again, "gauges", reading(1))["accepted"] == 1, "A, B, A are three versions"
    assert push(again, "stations", gauge())["duplicate"] == 1
    assert again.book.states()["gauges"].accepted == 3


def test_redis_away_delays_and_loses_nothing(settings: Settings, opened: Opener, redis_server: RedisServer) -> None:
    collector = opened()
    push(collector, "stations", gauge())
    wait_for(lambda: carried(collector))
    redis_server.stop()
    for minute in range(50):
        assert push(collector, "gauges", reading(1, minute))["accepted"] == 1
    wait_for(lambda: collector.status()["lags"]["history"] == 0)
    assert collector.status()["lags"]["redis"] == 50
    wait_for(lambda: "没有应答" in collector.status()["parts"]["redis"])
    redis_server.start()
    wait_for(lambda: carried(collector))
    state = State(settings.redis_url, "yp:990101000000:")
    assert [batch.seq1 for batch in state.tail(0)] == list(range(1, 52))
    state.close()


def test_an_emptied_redis_is_filled_again_and_an_advanced_one_is_overtaken(
        settings: Settings, opened: Opener, redis_server: RedisServer) -> None:
    push(opened(), "stations", gauge())
    opened.close()  # type: ignore[attr-defined]
    state = State(settings.redis_url, "yp:990101000000:")
    wait_for(lambda: state.ok)
    state._client.flushall()
    collector = opened()
    wait_for(lambda: carried(collector))
    assert state.last_seq() == 1
    opened.close()  # type: ignore[attr-defined]
    state.publish(Batch(500, 500, "cases", "event", 1, []))
    collector = opened()
    push(collector, "gauges", reading(1))
    wait_for(lambda: state.last_seq() == 501)
    state.close()


def test_a_full_disk_refuses_and_takes_the_same_records_later(
        settings: Settings, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = opened()
    push(collector, "stations", gauge())
    with monkeypatch.context() as full:
        full.setattr("data.spool.os.fsync", _no_space)
        answer = collector.submit("gauges", [reading(1)])
        with pytest.raises(Unavailable, match="没有写入磁盘"):
            answer.result(10)
    assert push(collector, "gauges", reading(1))["accepted"] == 1
    wait_for(lambda: carried(collector))
    opened.close()  # type: ignore[attr-defined]
    assert len(HistoryReader(settings.state_dir / "history").identities("observation", "gauges", 0, 1 << 60)) == 1


def _no_space(_handle: int) -> None:
    raise OSError(28, os.strerror(28))


def test_records_that_break_the_program_do_not_stop_the_others(
        opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = opened()
    lane = collector._acceptor._lanes["cases"]

    def breaks(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(lane, "prepare", breaks)
    with pytest.raises(ZeroDivisionError):
        collector.submit("cases", [{}]).result(10)
    assert push(collector, "stations", gauge())["accepted"] == 1
    assert not collector.failed.is_set()


def test_one_collector_per_state_folder(settings: Settings, opened: Opener) -> None:
    opened()
    with pytest.raises(Unavailable, match="已有采集器"):
        Collector(settings, load_pack(TINY_PACK))


def test_files_are_read_when_whole_and_put_aside(settings: Settings, opened: Opener) -> None:
    collector = opened()
    pulling = Pulling(collector, settings)
    watcher = pulling.pullers["monthly"]
    folder = settings.state_dir / "drop" / "monthly"
    watcher.look()
    figure = {"indicator": "gdp", "division": "990101001000", "period": "2026-10", "basis": "current", "value": 1.5}
    lines = [orjson.dumps({**figure, "value": number, "indicator": f"i{number}"}) for number in range(2500)]
    bad = orjson.dumps({**figure, "division": "nowhere"})
    (folder / "a.jsonl.part").write_bytes(b"half")
    (folder / "b.jsonl").write_bytes(b"\n".join([*lines, bad, b"{broken"]) + b"\n")
    watcher.look()
    assert collector.book.states()["monthly"].accepted == 0, "one look does not tell whether it is whole"
    watcher.look()
    state = collector.book.states()["monthly"]
    assert (state.accepted, state.rejected, state.failing_since) == (2500, 2, 0)
    assert state.read_as == "jsonl utf-8"
    assert sorted(path.name for path in folder.iterdir()) == ["a.jsonl.part", "done"]
    (folder / "b.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (folder / "c.jsonl").write_bytes(b"<html><body>login</body></html>")
    watcher.look()
    watcher.look()
    state = collector.book.states()["monthly"]
    assert state.duplicate == 2500
    assert len(list((folder / "done").iterdir())) == 2, "a second file of the same name does not replace the first"
    assert len(refusals(settings)) >= 2
    assert state.failing_since
    assert state.error in (folder / "failed" / "c.jsonl.reason.txt").read_text(encoding="utf-8")
    pulling.stop()


def test_a_file_too_heavy_for_the_parser_fails_alone(settings: Settings, opened: Opener) -> None:
    collector = opened()
    pulling = Pulling(collector, settings, Parser(memory_bytes=50_000_000))
    watcher = pulling.pullers["monthly"]
    watcher.look()
    folder = settings.state_dir / "drop" / "monthly"
    figure = {"indicator": "gdp", "division": "990101001000", "period": "2026-10", "basis": "current", "value": 1.5}
    (folder / "a.jsonl").write_bytes((orjson.dumps(figure) + b"\n") * 600_000)
    (folder / "b.jsonl").write_bytes(orjson.dumps(figure) + b"\n")
    try:
        watcher.look()
        watcher.look()
    finally:
        pulling.stop()
    assert "50 MB" in (folder / "failed" / "a.jsonl.reason.txt").read_text(encoding="utf-8")
    assert (folder / "done" / "b.jsonl").exists()
    assert collector.book.states()["monthly"].accepted == 1
    assert not collector.failed.is_set()


def test_bulk_publishes_staged_files_and_live_versions_go_on(settings: Settings, opened: Opener) -> None:
    collector = opened()
    push(collector, "stations", gauge())
    push(collector, "gauges", reading(5, 1))
    staging = settings.state_dir / "staging"
    staging.mkdir()
    rows = [{**reading(float(minute), minute), "quality": None} for minute in range(-3000, 2)]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema([
        ("station", pa.string()), ("metric", pa.string()), ("time", pa.int64()), ("value", pa.float64()),
        ("quality", pa.string())])), staging / "a.parquet")
    assert collector.bulk("observation", "gauges", [staging / "a.parquet"]) == (3002, 0)
    assert collector.bulk("observation", "gauges", [Path("a.parquet")]) == (0, 3002)
    assert push(collector, "gauges", reading(-3000.0 % 7, -3000), reading(0, 0), reading(1, 1)) == {
        "accepted": 1, "duplicate": 2, "rejected": []}
    wait_for(lambda: carried(collector))
    state = State(settings.redis_url, "yp:990101000000:")
    assert state.tail(0)[-2].rows == [], "readers hear that the history changed"
    assert state.versions()["gauges"] == state.last_seq()
    state.close()
    with pytest.raises(WrongInput, match="不在"):
        collector.bulk("observation", "gauges", [Path("../health.json")])
    (staging / "b.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(WrongInput, match="不是 Parquet"):
        collector.bulk("observation", "gauges", [staging / "b.parquet"])
    with pytest.raises(WrongInput, match="类型"):
        collector.bulk("event", "gauges", [])
    with pytest.raises(NotFound):
        collector.bulk("event", "nothing", [])
