"""Backup and restore: of a collector that goes on taking records, and of the whole running place (R13)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import orjson
import pytest
from collecting import gauge, opening, push, reading
from own_redis import TINY_PACK

from app import main
from bench.drill import drill
from bench.endured import Scale
from data.history import HistoryReader, Span
from data.quarantine_view import QuarantineView
from data.settings import load_settings
from data.tokens import check, make_token

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
EVER = Span(0, 2**62)


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("YIPING_REDIS_URL", "unix:///nowhere/redis.sock")


def place(state):
    return load_settings(place=TINY_PACK, state=state)


def run(monkeypatch, state, *words, pack=TINY_PACK):
    monkeypatch.setenv("YIPING_STATE", str(state))
    return main(["--place", str(pack), "history", *map(str, words)])


def stored(state):
    return HistoryReader(state / "history").rows("observation", EVER, columns=["station", "time"]).num_rows


@pytest.fixture
def filled(tmp_path):
    state = tmp_path / "a"
    with opening(place(state)) as make:
        collector = make()
        push(collector, "stations", gauge(), gauge("g2"))
        push(collector, "gauges", reading(1.0), reading(3.0, 1), reading(999.0, 2))
    return state


@pytest.mark.parametrize("target", ["backup", "backup.tar"])
def test_nothing_acknowledged_before_it_is_missing(tmp_path, monkeypatch, capsys, target):
    state, settings = tmp_path / "a", place(tmp_path / "a")
    token = make_token(settings, "gauges")
    ends, acknowledged = threading.Event(), []
    with opening(settings) as make:
        collector = make()
        push(collector, "stations", *[gauge(f"g{number}") for number in range(50)])
        (state / "cursors").mkdir(exist_ok=True)
        (state / "cursors" / "x.json").write_text("{}")

        def send():
            minute = 0
            while not ends.is_set():
                push(collector, "gauges", *[reading(1.0 + number, minute, f"g{number}") for number in range(50)])
                acknowledged.append(minute)
                minute -= 1

        push(collector, "gauges", reading(999.0))
        sender = threading.Thread(target=send)
        sender.start()
        try:
            while len(acknowledged) < 20:
                ends.wait(0.01)
            before = len(acknowledged)
            assert run(monkeypatch, state, "backup", tmp_path / target) == 0
        finally:
            ends.set()
            sender.join(30)
    shutil.rmtree(state)
    assert run(monkeypatch, state, "restore", tmp_path / target) == 0
    assert (state / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    assert check(settings, "gauges", token)
    assert (state / "cursors" / "x.json").read_text() == "{}"
    assert not (state / "staging").exists()
    with opening(settings) as make:
        make()
    assert stored(state) >= 50 * before
    assert QuarantineView(state / "quarantine").groups("gauges")[0]["count"] == 1
    deeds = [orjson.loads(line)["deed"] for line in (state / "audit" / "keeping.jsonl").read_bytes().splitlines()]
    assert deeds == ["history backup", "history restore"]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_may_not_be_restored_is_said_and_nothing_touched(tmp_path, filled, monkeypatch, capsys):
    target = tmp_path / "b"
    assert run(monkeypatch, filled, "backup", target) == 0
    with opening(place(filled)) as make:
        make()
        assert run(monkeypatch, filled, "restore", target, "--replace") == 1
        assert "在运行" in capsys.readouterr().err
    assert run(monkeypatch, filled, "restore", target) == 2
    assert "不是空的" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path / "c", "restore", target, pack=ROOT / "places" / "yudu") == 2
    assert "是测试区（990101000000）的备份，不是" in capsys.readouterr().err
    assert run(monkeypatch, filled, "backup", target) == 2
    assert run(monkeypatch, filled, "backup", filled / "inside") == 2
    assert run(monkeypatch, tmp_path / "c", "restore", tmp_path / "nothing.tar") == 2
    capsys.readouterr()
    one = next(target.glob("history/observation/*/*.parquet"))
    good = one.read_bytes()
    for bad in (good[:-1], good[:50] + b"x" + good[51:], None):
        one.unlink()
        if bad is not None:
            one.write_bytes(bad)
        assert run(monkeypatch, filled, "restore", target, "--replace") == 2
        err = capsys.readouterr().err
        assert "已损坏" in err or "缺少" in err
        assert len(err.splitlines()) == 1
        if bad is None:
            one.write_bytes(good)
    told = orjson.loads((target / "backup.json").read_bytes())
    (target / "backup.json").write_bytes(orjson.dumps(told | {"layout": 99}))
    assert run(monkeypatch, filled, "restore", target, "--replace") == 2
    assert "较新的程序" in capsys.readouterr().err
    (target / "backup.json").write_bytes(orjson.dumps(told | {"files": [told["files"][0] | {"path": "../x"}]}))
    assert run(monkeypatch, filled, "restore", target, "--replace") == 2
    assert not (tmp_path / "c").exists()
    assert stored(filled) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_replace_puts_the_old_state_aside(tmp_path, filled, monkeypatch, capsys):
    assert run(monkeypatch, filled, "backup", tmp_path / "b.tar") == 0
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert tar.getnames()[-1] == "backup.json"
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    with opening(place(filled)) as make:
        push(make(), "gauges", reading(5.0, 5))
    assert stored(filled) == 3
    assert run(monkeypatch, filled, "restore", tmp_path / "b.tar", "--replace") == 0
    assert stored(filled) == 2
    (aside,) = tmp_path.glob("a.before-*")
    assert stored(aside) == 3
    assert str(aside) in capsys.readouterr().out


def test_a_history_in_a_database_is_said_to_be_missing(tmp_path, filled, monkeypatch, capsys):
    monkeypatch.setenv("YIPING_HISTORY_URL", "postgresql://nobody@127.0.0.1/none")
    assert run(monkeypatch, filled, "backup", tmp_path / "b") == 0
    assert "pg_dump" in capsys.readouterr().out
    assert not (tmp_path / "b" / "history").exists()
    assert (tmp_path / "b" / "quarantine" / "quarantine.sqlite").is_file()


@pytest.mark.parametrize("inside", [True, False])
def test_a_history_that_a_cluster_reads_is_in_it_when_it_lies_there(tmp_path, filled, monkeypatch, capsys, inside):
    folder = filled / "history" if inside else tmp_path / "shared"
    monkeypatch.setenv("YIPING_HISTORY_URL", f"spark://127.0.0.1:7077{folder}")
    (filled / "known").mkdir()
    (filled / "known" / "tables").write_bytes(b"made again")
    assert run(monkeypatch, filled, "backup", tmp_path / "b") == 0
    assert ("manifest.json 一起复制" in capsys.readouterr().out) is not inside
    assert (tmp_path / "b" / "history").exists() is inside
    assert not (tmp_path / "b" / "known").exists()


def test_an_interrupted_backup_never_looks_whole(tmp_path, filled, monkeypatch):
    (tmp_path / ".b.unfinished").mkdir()
    (tmp_path / ".b.unfinished" / "left").touch()
    words = ["--place", str(TINY_PACK), "history", "backup", str(tmp_path / "b")]
    done = subprocess.run([sys.executable, str(ROOT / "app.py"), *words],
                          env=os.environ | {"YIPING_STATE": str(filled)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / ".b.unfinished").exists()
    assert not (tmp_path / "b" / "left").exists()
    assert not list((filled / "staging").iterdir())


@pytest.mark.slow
def test_the_drill_of_the_whole_place(tmp_path):
    found = drill(tmp_path, Scale(short=True))
    assert found.held, found.facts
