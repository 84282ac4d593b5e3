"""`import` end to end: alone with the lease, beside a running collector, and with what people hand in by mistake."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unix_http import ask

from data.clock import Clock
from data.errors import NotFound, WrongInput
from data.history import HistoryReader, Span
from data.import_commands import run_import
from data.quarantine_view import QuarantineView
from data.settings import load_settings

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PACK = ROOT / "tests" / "fixtures" / "tiny_pack"
MINUTE = 60_000_000
EVER = Span(0, 2**62)
STATIONS = [{"id": f"g{n}", "layer": "gauge", "name": "站", "lon": 100.05 + n / 100, "lat": 30.05} for n in range(3)]


@pytest.fixture
def state(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        monkeypatch.delenv(name)
    return tmp_path / "state"


def run(state, feed, *files):
    settings = load_settings(place=PACK, state=state, redis_url=f"unix://{state}/no-redis.sock")
    return run_import(settings, argparse.Namespace(feed=feed, files=list(files)))


def lines(path, records):
    path.write_bytes(b"\n".join(map(orjson.dumps, records)))
    return path


def stations(tmp_path):
    return lines(tmp_path / "stations.jsonl", STATIONS)


def levels(tmp_path, name="levels.parquet", value=1.0):
    now = Clock().now_us() // MINUTE * MINUTE
    rows = [{"station": f"g{n}", "metric": "level", "time": now - 5 * MINUTE * step,
             "value": value + (99 if step == 7 else 0)} for step in range(50, 0, -1) for n in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    return tmp_path / name


def values(state):
    return sorted(HistoryReader(state / "history").rows("observation", EVER, columns=["value"])["value"].to_pylist())


def test_alone_it_takes_the_lease_and_knows_what_it_has(tmp_path, state, capsys):
    assert run(state, "stations", stations(tmp_path)) == 0
    path = levels(tmp_path)
    assert run(state, "gauges", path) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "读取 3 行，接受 3 条，重复 0 条，无值 0 处，拒绝 0 条；格式 jsonl utf-8"
    assert out[1].startswith("读取 150 行，接受 147 条，重复 0 条，无值 0 处，拒绝 3 条")
    assert "level 的值 # 是仪器的封顶" in out[1] or "高于上限" in out[1] or "较上一读数变化" in out[1]
    assert values(state) == [1.0] * 147
    run(state, "gauges", path)
    assert "接受 0 条，重复 147 条" in capsys.readouterr().out
    run(state, "gauges", levels(tmp_path, "later.parquet", 2.0))
    assert "接受 147 条" in capsys.readouterr().out
    assert set(values(state)) <= {1.0, 2.0}
    assert not list((state / "staging").iterdir())
    groups = QuarantineView(state / "quarantine").groups("gauges")
    assert sum(group["count"] for group in groups) == 9, "nine rows refused over three runs"


def test_changed_columns_are_said_once(tmp_path, state, capsys):
    run(state, "stations", stations(tmp_path))
    now = Clock().now_us() // MINUTE * MINUTE
    for number, more in enumerate(({}, {}, {"quality": "ok"}, {"quality": "ok"})):
        row = {"station": "g1", "metric": "level", "time": now - number * MINUTE, "value": 1.0, **more}
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "one.parquet")
        run(state, "gauges", tmp_path / "one.parquet")
    out = capsys.readouterr().out.splitlines()[1:]
    assert ["列有变化（新增列 quality）" in line for line in out] == [False, False, True, False]


def test_beside_a_running_collector(tmp_path, state, capsys):
    environment = os.environ | {"YIPING_PLACE": str(PACK), "YIPING_STATE": str(state),
                                "YIPING_REDIS_URL": f"unix://{state}/no-redis.sock"}
    collector = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=environment,
                                 stderr=subprocess.DEVNULL)
    try:
        door = state / "collector.sock"
        wait_for_door(door, collector)
        status, verdict = ask(door, "/push/stations", STATIONS)
        assert (status, verdict["accepted"]) == (200, 3)
        assert run(state, "gauges", levels(tmp_path)) == 0
        assert "接受 147 条" in capsys.readouterr().out
        live = {"station": "g0", "metric": "level", "time": Clock().now_us(), "value": 5.0}
        again = HistoryReader(state / "history").rows("observation", EVER).to_pylist()[0]
        known = {name: again[name] for name in live}
        status, verdict = ask(door, "/push/gauges", [live, known])
        assert (verdict["accepted"], verdict["duplicate"]) == (1, 1)
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait(20)
    assert len(values(state)) == 148


def wait_for_door(door, collector):
    deadline = time.monotonic() + 30
    while True:
        try:
            ask(door, "/health")
            return
        except OSError:
            assert collector.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_what_cannot_be_understood_is_named_and_nothing_is_taken(tmp_path, state):
    page = tmp_path / "levels.parquet"
    page.write_text("<html>200 OK</html>")
    with pytest.raises(WrongInput, match=r"levels\.parquet"):
        run(state, "gauges", levels(tmp_path, "good.parquet"), page)
    with pytest.raises(WrongInput, match="nowhere"):
        run(state, "gauges", tmp_path / "nowhere.csv")
    with pytest.raises(NotFound, match="gauges"):
        run(state, "gauge", page)
    assert HistoryReader(state / "history").manifest().files == ()
    assert not list((state / "staging").iterdir())


def test_the_command_answers_with_exit_codes(tmp_path, state):
    command = [sys.executable, str(ROOT / "app.py"), "--place", str(PACK), "import", "gauges", str(tmp_path / "no.csv")]
    ended = subprocess.run(command, env=os.environ | {"YIPING_STATE": str(state)}, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.strip().splitlines() == [f"没有文件 {tmp_path / 'no.csv'}；请核对路径"]
