"""`feed try`: what a newcomer sees of every kind of source, and that a look leaves nothing behind."""

from __future__ import annotations

import argparse
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from own_databases import Broker
from pull_site import Server, say, serving
from pulled_place import pack_with
from rich.cells import cell_len
from test_pull_mqtt import publisher

from data.errors import NotAllowed, NotFound, WrongInput
from data.feed_commands import run_try
from data.settings import load_settings
from data.source_faults import Away

pytestmark = pytest.mark.integration
MAP = ("{fields: {station: 站, time: 时间}, timezone: Asia/Shanghai, values: {水位: {metric: level}}, "
       "missing: ['', '-']}")
GOOD = {"站": "g1", "时间": "2026-11-20 08:00", "水位": "1.25"}
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Callable[..., Run]:
    """A pack with one feed `seen` of some source; the command that looks at it."""

    def make(source: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *allowed: str) -> Run:
        environment = pack_with(tmp_path, {"seen": (source, MAP)}, f"localhost:{server.port}", *allowed)
        for name in [name for name in os.environ if name.startswith("YIPING_")]:
            monkeypatch.delenv(name)
        for name in ("YIPING_PLACE", "YIPING_PULL_ALLOW"):
            monkeypatch.setenv(name, environment[name])
        monkeypatch.setenv("COLUMNS", "110")

        def run(*files: Path, feed: str = "seen", seconds: float = 2.0) -> tuple[int, str]:
            args = argparse.Namespace(feed=feed, files=list(files), seconds=seconds)
            code = run_try(load_settings(state=tmp_path / "s"), args)
            out = capsys.readouterr().out
            assert max(map(cell_len, out.splitlines())) <= 110, "no line is wider than the terminal"
            return code, out

        return run

    return make


def columns(out: str, title: str) -> list[str]:
    """The lines of a table, its title first."""
    lines = out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(title))
    return lines[start:start + 12]


def test_a_file_as_it_came_as_understood_and_what_was_rejected(
        place: Callable[..., Run], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path) -> None:
    run = place("{kind: file, format: csv}", capsys, monkeypatch)
    with pytest.raises(WrongInput, match="里没有文件"):
        run()
    text = ("站,时间,水位\ng1,2026-11-20 08:00,１.25\n汾坑水文站,2026-11-20 08:05,-\ng1,2026-11-20 08:10,坏\ng1,x\n"
            "g1,25:00,1\n")
    drop = tmp_path / "s" / "drop" / "seen"
    drop.mkdir(parents=True)
    (drop / "a.csv").write_bytes(text.encode("gb18030"))
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file())
    code, out = run()
    assert code == 0
    assert out.splitlines()[0] == "数据源 seen（seen） · 文件 · a.csv · 格式 csv · 编码 gb18030"
    assert out.splitlines()[1] == "读到 5 行，理解成 1 条，会接受 1 条，重复 0 条，拒绝 3 条，无值 1 处，修复 1 处"
    raw = columns(out, "原样（前 4 行）")
    assert [cell_len(line.rstrip()[:line.find("2026")]) for line in raw[4:7]] == [14, 14, 14], "CJK widths"
    assert any("level" in line and "1.25" in line and "2026-11-20 08:00:00" in line for line in columns(out, "理解成"))
    for reason in ("应为数，得到 '坏'", "第 5 行有 2 列，应为 3 列", "不是时间 '25:00'"):
        assert reason in out
    assert "补救：" in out
    assert "feeds.yaml:39" in out
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()) == before
    (drop / "done").mkdir()
    (drop / "a.csv").rename(drop / "done" / "a.csv")
    assert run()[0] == 0, "the newest that was read"
    bad = tmp_path / "bad.csv"
    bad.write_text("站,时间,水位\ng1,25:00,1\n", encoding="utf-8")
    assert run(bad)[0] == 2, "nothing of it would be accepted"
    with pytest.raises(WrongInput, match="没有文件"):
        run(tmp_path / "none.csv")
    with pytest.raises(NotFound, match="可用的有"):
        run(feed="none")


def test_a_pushed_body(place: Callable[..., Run], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                       tmp_path: Path) -> None:
    run = place("{kind: push}", capsys, monkeypatch)
    with pytest.raises(WrongInput, match="请给出一个正文文件"):
        run()
    body = tmp_path / "b.json"
    body.write_bytes(orjson.dumps([GOOD, {**GOOD, "水位": "x"}, 7, GOOD]))
    code, out = run(body)
    assert code == 0
    assert "读到 4 行，理解成 2 条，会接受 1 条，重复 1 条，拒绝 2 条" in out
    body.write_bytes(b"<html>")
    with pytest.raises(WrongInput, match=r"b\.json：收到的是网页"):
        run(body)


def test_one_real_pull(server: Server, place: Callable[..., Run], capsys: pytest.CaptureFixture[str],
                       monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rule = f"{{kind: http, http: {{url: 'http://localhost:{server.port}/a', rows: data}}}}"
    run = place(rule, capsys, monkeypatch)
    server.answers["/a"] = say(orjson.dumps({"data": [GOOD, {**GOOD, "时间": "昨天"}]}), ETag='"1"')
    code, out = run()
    assert (code, len(server.asked)) == (0, 1)
    assert "HTTP 拉取 · 一次真实的拉取 · 格式 json · 编码 utf-8" in out
    assert "只看了开头" not in out, "it was all there is"
    assert "不是时间 '昨天'" in out
    assert not (tmp_path / "s").exists(), "not even a folder is made"
    server.answers["/a"] = say(b"", 500)
    with pytest.raises(Away, match="回答 500"):
        run()
    monkeypatch.delenv("YIPING_PULL_ALLOW")
    with pytest.raises(NotAllowed, match="还没有出网名单"):
        run()


def test_one_real_query(place: Callable[..., Run], capsys: pytest.CaptureFixture[str], tmp_path: Path,
                        monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "t.db") as base:
        base.execute('CREATE TABLE t ("站" TEXT, "时间" TEXT, "水位" REAL, n INTEGER)')
        base.executemany("INSERT INTO t VALUES (?,?,?,?)",
                         [(GOOD["站"], f"2026-11-20 08:{n % 60:02}", n / 10, n) for n in range(1500)])
    base.close()
    monkeypatch.setenv("SEEN_DB", f"sqlite:///{tmp_path}/t.db")
    run = place("{kind: sql, sql: {url_env: SEEN_DB, table: t, watermark: n}}", capsys, monkeypatch)
    code, out = run()
    assert code == 0
    assert "读到 1000 行（只看了开头）" in out
    assert not (tmp_path / "s" / "cursors").exists()


def test_a_row_without_a_watermark_does_not_hide_the_others(place: Callable[..., Run], tmp_path: Path,
                        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "t.db") as base:
        base.execute('CREATE TABLE t ("站" TEXT, "时间" TEXT, "水位" REAL, n INTEGER)')
        base.executemany("INSERT INTO t VALUES (?,?,?,?)", [(*GOOD.values(), 1), (*GOOD.values(), None)])
    base.close()
    monkeypatch.setenv("SEEN_DB", f"sqlite:///{tmp_path}/t.db")
    code, out = place("{kind: sql, sql: {url_env: SEEN_DB, table: t, columns: [站, 时间, 水位, n], watermark: n}}",
                      capsys, monkeypatch)()
    assert (code, "会接受 1 条" in out, "水位列为空" in out) == (0, True, True), out


def test_a_few_seconds_of_messages(place: Callable[..., Run], capsys: pytest.CaptureFixture[str],
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    broker.start()
    try:
        device = publisher(broker)
        device.publish("lamp/g7/state", orjson.dumps({"时间": "2026-11-20 08:00", "水位": 3}), qos=1, retain=True)
        source = f"{{kind: mqtt, mqtt: {{host: localhost, port: {broker.port}, topics: ['lamp/{{站}}/state']}}}}"
        run = place(source.replace("{{", "{"), capsys, monkeypatch, f"localhost:{broker.port}")
        code, out = run(seconds=1.5)
        assert code == 0
        assert "MQTT 订阅 · 订阅了 1.5 秒 · 格式 json" in out
        assert "g7" in out
        device.publish("lamp/g7/state", b"", qos=1, retain=True).wait_for_publish(5)
        code, out = run(seconds=0.5)
        assert (code, "没有读到记录" in out) == (0, True)
        device.loop_stop()
    finally:
        broker.close()
