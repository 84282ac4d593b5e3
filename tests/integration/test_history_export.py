"""`history export` and `history import` end to end: exact into an empty place, once into one that lives."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from collecting import gauge, opening, push, reading
from own_redis import TINY_PACK
from test_import import wait_for_door
from unix_http import ask

from app import main
from data import exporting
from data.checksums import checksum
from data.history import HistoryReader, HistoryWriter
from data.history_files import SCHEMA
from data.manifest import DAY_US
from data.settings import load_settings

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("YIPING_REDIS_URL", "unix:///nowhere/redis.sock")
    level = logging.getLogger("yiping").level
    yield
    logging.getLogger("yiping").setLevel(level)


def place(state):
    return load_settings(place=TINY_PACK, state=state)


def run(monkeypatch, state, *words, pack=TINY_PACK):
    monkeypatch.setenv("YIPING_STATE", str(state))
    return main(["--place", str(pack), "history", *map(str, words)])


def case(number, stage="received"):
    return {"id": f"c{number}", "time": reading(1)["time"], "category": "road", "channel": "phone", "stage": stage,
            "stage_time": reading(1)["time"] + number, "lon": 100.05, "lat": 30.05, "title": "=HYPERLINK(1)"}


@pytest.fixture
def filled(tmp_path):
    """A place with readings of versions A, B, A, events, and an asset that moved."""
    with opening(place(tmp_path / "a")) as make:
        collector = make()
        push(collector, "stations", gauge(), gauge("g2"))
        push(collector, "gauges", reading(1.0), reading(3.0, 1), reading(4.0, station="g2"))
        push(collector, "gauges", reading(2.0))
        push(collector, "gauges", reading(1.0))
        push(collector, "cases", *[case(number) for number in range(3)])
        push(collector, "stations", {**gauge(), "name": "新站"})
    return tmp_path / "a"


def everything(state):
    folder = state / "history"
    files = HistoryReader(folder).manifest().files
    return sorted((entry.kind, *map(str, row.values())) for entry in files
                  for row in pq.read_table(folder / entry.path).to_pylist())


def audit(state):
    return [orjson.loads(line)["deed"] for line in (state / "audit" / "keeping.jsonl").read_bytes().splitlines()]


def test_an_empty_place_becomes_what_was_exported(tmp_path, filled, monkeypatch, capsys):
    assert run(monkeypatch, filled, "export", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"已导出到 {tmp_path / 'out'}：observation 5 行、event 3 行、asset 3 行；数据截至 ")
    told = orjson.loads((tmp_path / "out" / "export.json").read_bytes())
    assert (told["place"]["code"], told["demo"], told["format"]) == ("990101000000", False, "parquet")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["asset", "event", "export.json", "observation"]
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "out") == 0
    assert capsys.readouterr().out == "导入 11 行，已有 0 行\n"
    assert everything(tmp_path / "b") == everything(filled)
    before = HistoryReader(tmp_path / "b" / "history").manifest().files
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "out") == 0
    assert capsys.readouterr().out == "导入 0 行，已有 11 行\n"
    assert HistoryReader(tmp_path / "b" / "history").manifest().files == before
    assert audit(filled) == ["history export", "history export 完成"]
    assert audit(tmp_path / "b") == ["history import", "history import 完成"] * 2
    assert not list((tmp_path / "b" / "staging").iterdir())


def test_months_that_came_in_bulk_and_live_ones_are_one_file_and_come_back(tmp_path, filled, monkeypatch, capsys):
    columns = {"station": ["g1"], "metric": ["level"], "time": [reading(1)["time"] - 90 * DAY_US], "value": [0.5]}
    pq.write_table(pa.table(columns), tmp_path / "bulk.parquet")
    HistoryWriter(filled / "history").publish_bulk("observation", "gauges", [tmp_path / "bulk.parquet"], 100)
    assert run(monkeypatch, filled, "export", "--kind", "observation", tmp_path / "one.parquet") == 0
    assert pq.read_schema(tmp_path / "one.parquet") == SCHEMA["observation"]
    assert sorted(pq.read_table(tmp_path / "one.parquet")["value"].to_pylist()) == [0.5, 1.0, 1.0, 2.0, 3.0, 4.0]
    assert run(monkeypatch, filled, "export", tmp_path / "out") == 0
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "out") == 0
    assert everything(tmp_path / "b") == everything(filled)


def test_beside_a_running_collector_that_has_some_of_it(tmp_path, filled, monkeypatch, capsys):
    assert run(monkeypatch, filled, "export", tmp_path / "out") == 0
    state = tmp_path / "b"
    environment = os.environ | {"YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(state)}
    collector = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=environment,
                                 stderr=subprocess.DEVNULL)
    try:
        door = state / "collector.sock"
        wait_for_door(door, collector)
        assert ask(door, "/push/stations", [gauge("g2"), gauge("g9")])[1]["accepted"] == 2
        assert ask(door, "/push/gauges", [reading(9.0, station="g9")])[1]["accepted"] == 1
        assert run(monkeypatch, state, "import", tmp_path / "out") == 0
        capsys.readouterr()
        assert run(monkeypatch, state, "import", tmp_path / "out") == 0
        assert capsys.readouterr().out == "导入 0 行，已有 11 行\n"
        # What came from the export is known to the doors: the same is a duplicate, another value its next version.
        assert ask(door, "/push/gauges", [reading(1.0), reading(7.0, 1)])[1] == {
            "accepted": 1, "duplicate": 1, "rejected": []}
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait(20)
    rows = HistoryReader(state / "history").table("observation")
    found = sorted((row["station"], row["value"]) for row in HistoryReader(state / "history").run(rows).to_pylist())
    assert found == [("g1", 1.0), ("g1", 7.0), ("g2", 4.0), ("g9", 9.0)]
    assert len({row[1] for row in everything(state)}) == len(everything(state)), "a number is given once"


def test_what_may_not_come_in_is_said_in_one_sentence(tmp_path, filled, monkeypatch, capsys):
    assert run(monkeypatch, filled, "export", tmp_path / "out") == 0
    assert run(monkeypatch, filled, "export", tmp_path / "out") == 2
    assert "已存在" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "out", pack=ROOT / "places" / "yudu") == 2
    assert "是测试区（990101000000）的导出，不是" in capsys.readouterr().err
    one = next((tmp_path / "out" / "observation").glob("*/*.parquet"))
    good = one.read_bytes()
    for bad, said in ((good[:-1], "字节"), (good[:99] + b"x" + good[100:], "校验和"), (b"", "字节")):
        one.write_bytes(bad)
        assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "out") == 2
        err = capsys.readouterr().err
        assert said in err
        assert len(err.splitlines()) == 1
    one.unlink()
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "out") == 2
    assert "缺少文件" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "none") == 2
    assert not (tmp_path / "b" / "history").exists() or everything(tmp_path / "b") == []


def test_a_disk_that_fills_up_leaves_no_half_of_a_file(tmp_path, filled, monkeypatch, capsys):
    def full(_kind, _pieces, out, _zone):
        out.write(b"seq")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "write_csv", full)
        assert run(monkeypatch, filled, "export", "--kind", "event", tmp_path / "cases.csv") == 1
    assert "磁盘" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    left = tmp_path / ".cases.csv.csv-parts"
    left.mkdir()
    (left / "cases.csv").write_bytes(b"left by one that was killed")
    assert run(monkeypatch, filled, "export", "--kind", "event", tmp_path / "cases.csv") == 0


def test_a_part_of_it_as_a_file_for_people(tmp_path, filled, monkeypatch, capsys):
    assert run(monkeypatch, filled, "export", "--kind", "event", tmp_path / "cases.csv") == 0
    text = (tmp_path / "cases.csv").read_bytes().decode("utf-8-sig")
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith('"seq","prev","received","feed"')
    assert "'=HYPERLINK(1)" in lines[1]
    assert "+0800" in lines[1]
    (part,) = orjson.loads((tmp_path / "cases.csv.json").read_bytes())["parts"]
    assert (part["path"], part["rows"], part["sha256"]) == ("cases.csv", 3, checksum(tmp_path / "cases.csv")[0])
    assert run(monkeypatch, filled, "export", "--kind", "observation", "--feed", "gauges", tmp_path / "g.parquet") == 0
    assert pq.read_table(tmp_path / "g.parquet").num_rows == 5
    assert run(monkeypatch, filled, "export", "--format", "csv", tmp_path / "all") == 0
    told = orjson.loads((tmp_path / "all" / "export.json").read_bytes())
    for part in told["parts"]:
        assert (part["sha256"], part["bytes"]) == checksum(tmp_path / "all" / part["path"])
    assert run(monkeypatch, tmp_path / "b", "import", tmp_path / "all") == 2
    assert "只供人查看" in capsys.readouterr().err
    for words in (["x.csv"], ["--kind", "event", "--format", "csv", "x.parquet"], ["--from", "昨天", "x"]):
        assert run(monkeypatch, filled, "export", *words[:-1], tmp_path / words[-1]) == 2
    assert run(monkeypatch, filled, "export", "--feed", "gauge", tmp_path / "x") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "all", "cases.csv", "cases.csv.json", "g.parquet",
                                                                "g.parquet.json"], "a refusal leaves nothing"
