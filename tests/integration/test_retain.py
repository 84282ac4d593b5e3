"""`history retain` end to end, and duplicates however old they are."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from collecting import NOW, gauge, opening, push
from own_redis import TINY_PACK
from test_import import wait_for_door
from unix_http import ask

from app import main
from data.history import HistoryReader, Span
from data.settings import load_settings

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
DAY = 86_400_000_000
EVER = Span(0, 2**62)


def old(days, value=1.0):
    return {"station": "g1", "metric": "level", "time": NOW - days * DAY, "value": value}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The tiny place with readings kept 90 days, and a state folder with old and new ones."""
    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        monkeypatch.delenv(name)
    shutil.copytree(TINY_PACK, tmp_path / "pack")
    feeds = tmp_path / "pack" / "feeds.yaml"
    text = feeds.read_text("utf-8").replace("  stations: gauge\n", "  stations: gauge\n  keep: 90d\n")
    feeds.write_text(text, "utf-8")
    monkeypatch.setenv("YIPING_REDIS_URL", "unix:///nowhere/redis.sock")
    monkeypatch.setenv("YIPING_STATE", str(tmp_path / "s"))
    with opening(load_settings(place=TINY_PACK)) as make:
        collector = make()
        push(collector, "stations", gauge())
        push(collector, "gauges", old(400), old(390), old(1))
    level = logging.getLogger("yiping").level
    yield tmp_path
    logging.getLogger("yiping").setLevel(level)


def left(place):
    return HistoryReader(place / "s" / "history").rows("observation", EVER, columns=["seq"]).num_rows


def test_named_first_then_gone(place, capsys):
    words = ["--place", str(place / "pack"), "history", "retain"]
    assert main([*words, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "会清理 2 行"
    assert lines[0].startswith("gauges\t20")
    assert left(place) == 3
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "已清理 2 行"
    assert left(place) == 1
    notes = [orjson.loads(line) for line in (place / "s" / "audit" / "keeping.jsonl").read_bytes().splitlines()]
    assert [note["deed"] for note in notes] == ["history retain", "history retain 完成"]


def test_beside_a_running_collector(place, capsys):
    collector = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "--place", str(place / "pack"), "collect"],
                                 env=os.environ, stderr=subprocess.DEVNULL)
    try:
        wait_for_door(place / "s" / "collector.sock", collector)
        assert main(["--place", str(place / "pack"), "history", "retain"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "已清理 2 行"
        assert left(place) == 1
        assert ask(place / "s" / "collector.sock", "/push/gauges", [old(1), old(0)])[1]["accepted"] == 1
        assert ask(place / "s" / "collector.sock", "/retain", {"dry": True})[0] == 400
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait(20)


def test_a_duplicate_is_found_however_old_it_is(place):
    with opening(load_settings(place=TINY_PACK)) as make:
        collector = make()
        assert push(collector, "gauges", old(400), old(390, 2.0))["duplicate"] == 1
        collector._writer.compact()
    assert left(place) == 3
