"""Correct and replay through the collector's own door: once, audited, and safe against two hands and kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from collecting import NOW, Opener, gauge, push, reading
from own_redis import TINY_PACK, wait_for
from unix_http import ask

import app
from data.again import Again
from data.collect import Collector
from data.errors import Unavailable, WrongInput
from data.history import HistoryReader
from data.history_span import Span
from data.pack import Feed, load_pack
from data.quarantine_view import Chosen, QuarantineView
from data.settings import Settings

pytestmark = pytest.mark.integration
EVER = Span(0, 1 << 60)


@pytest.fixture
def view(settings: Settings) -> QuarantineView:
    return QuarantineView(settings.state_dir / "quarantine")


def stored(settings: Settings) -> list[float]:
    found = HistoryReader(settings.state_dir / "history").rows("observation", EVER, columns=["seq", "value"])
    return [row["value"] for row in sorted(found.to_pylist(), key=lambda row: row["seq"])]


def deeds(settings: Settings) -> list[dict[str, Any]]:
    path = settings.state_dir / "audit" / "quarantine.jsonl"
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_corrected_row_is_checked_again_taken_once_and_told(settings: Settings, opened: Opener,
                                                              view: QuarantineView) -> None:
    collector = opened()
    push(collector, "stations", gauge())
    push(collector, "gauges", reading(5), reading(999, 1))
    [row] = view.rows(Chosen())
    still = collector.replaying.correct(row["id"], row["raw"].replace(":999", ":500"), "甲")
    assert (still.replayed, still.waiting, still.reason) == (0, 1, "level 的值 500 高于上限 100")
    assert (view.row(row["id"])["state"], view.row(row["id"])["raw"]) == ("waiting", row["raw"]), "the original stays"
    assert len(view.rows(Chosen())) == 1, "refused again, it is the same row"
    done = collector.replaying.correct(row["id"], row["raw"].replace(":999", ":9"), "甲")
    assert (done.replayed, done.waiting) == (1, 0)
    settled = view.row(row["id"])
    assert (settled["raw"], orjson.loads(settled["sent"])["value"], settled["who"]) == (row["raw"], 9, "甲")
    with pytest.raises(WrongInput, match="已经处理过"):
        collector.replaying.correct(row["id"], row["raw"], "乙")
    opened.close()  # type: ignore[attr-defined]
    assert stored(settings) == [5.0, 9.0]
    told = deeds(settings)
    assert [line["deed"] for line in told] == ["correct", "corrected"] * 2
    assert (told[2]["who"], told[2]["before"], orjson.loads(told[2]["after"])["value"]) == ("甲", row["raw"], 9)
    assert told[3]["replayed"] == 1


def test_a_correction_of_a_value_that_stands_is_a_version_and_both_stay(settings: Settings, opened: Opener,
                                                                        view: QuarantineView) -> None:
    collector = opened()
    push(collector, "stations", gauge())
    push(collector, "gauges", reading(5))
    push(collector, "gauges", reading(999))
    before = collector.clock.now_us()
    [row] = view.rows(Chosen())
    collector.replaying.correct(row["id"], row["raw"].replace(":999", ":6"), "甲")
    opened.close()  # type: ignore[attr-defined]
    assert stored(settings) == [6.0]
    then = HistoryReader(settings.state_dir / "history").rows("observation", Span(0, 1 << 60, known_at_us=before))
    assert then["value"].to_pylist() == [5.0]


def test_rows_of_a_station_that_became_known_go_in_at_once(settings: Settings, opened: Opener,
                                                           view: QuarantineView) -> None:
    collector = opened()
    push(collector, "stations", gauge("g1"))
    push(collector, "gauges", *(reading(1, minute, "g7") for minute in range(30)), reading(2, 0, "g8"))
    assert view.stations("gauges") == {"g7": 30, "g8": 1}
    push(collector, "stations", gauge("g7"))
    done = collector.replaying.replay(Chosen(feed="gauges", kind="不认识的站点"), "甲")
    assert (done.replayed, done.waiting, dict(done.reasons)) == (30, 1, {"不认识的站点": 1})
    assert view.stations("gauges") == {"g8": 1}
    assert collector.replaying.dismiss(Chosen(feed="gauges"), "甲").dismissed == 1
    assert view.groups("gauges")[0]["waiting"] == 0
    opened.close()  # type: ignore[attr-defined]
    assert stored(settings) == [1.0] * 30


def test_two_hands_at_once_send_a_row_once(settings: Settings, opened: Opener, view: QuarantineView) -> None:
    collector = opened()
    push(collector, "gauges", *(reading(minute, minute, "g7") for minute in range(50)))
    push(collector, "stations", gauge("g7"))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda who: collector.replaying.replay(Chosen(feed="gauges"), who), "甲乙丙丁"))
    assert not any(one.waiting for one in done)
    assert not view.rows(Chosen())
    opened.close()  # type: ignore[attr-defined]
    assert stored(settings) == [float(minute) for minute in range(50)]


def test_a_disk_that_refuses_the_spool_leaves_the_row_waiting(settings: Settings, opened: Opener, view: QuarantineView,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    collector = opened()
    push(collector, "gauges", reading(1, 0, "g7"))
    push(collector, "stations", gauge("g7"))

    def full(_handle: int) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patched:
        patched.setattr("data.spool.os.fsync", full)
        with pytest.raises(Unavailable):
            collector.replaying.replay(Chosen(feed="gauges"), "甲")
    assert len(view.rows(Chosen())) == 1
    assert collector.replaying.replay(Chosen(feed="gauges"), "甲").replayed == 1
    opened.close()  # type: ignore[attr-defined]
    assert stored(settings) == [1.0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_crash_between_the_two_files_loses_nothing_and_doubles_nothing(
        settings: Settings, opened: Opener, view: QuarantineView, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quarantine says 'taken as n', the spool never got n: as after a kill between the two."""
    collector = opened()
    push(collector, "gauges", reading(1, 0, "g7"))
    push(collector, "stations", gauge("g7"))
    [row] = view.rows(Chosen())
    with monkeypatch.context() as patched:
        patched.setattr("data.spool.Spool.append", lambda *_: (_ for _ in ()).throw(SystemExit))
        collector._acceptor.submit("gauges", [orjson.loads(row["raw"])],
                                   again=Again([row["id"]], "甲", {}))
        wait_for(collector.failed.is_set)
    assert view.row(row["id"])["state"] == "replayed"
    opened.close()  # type: ignore[attr-defined]
    again = opened()
    assert view.row(row["id"])["state"] == "waiting"
    assert again.replaying.replay(Chosen(feed="gauges"), "甲").replayed == 1
    opened.close()  # type: ignore[attr-defined]
    assert stored(settings) == [1.0]


def test_killed_while_replaying_every_row_comes_once(settings: Settings, view: QuarantineView, tmp_path: Path) -> None:
    """kill -9 at some moments of a long replay; afterwards the rest is replayed: each row is there exactly once."""
    many = 6000
    line = settings.state_dir / "collector.sock"
    environment = os.environ | {"YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(settings.state_dir),
                                "YIPING_REDIS_URL": settings.redis_url}

    def begin() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "app.py", "collect"], env=environment, stderr=subprocess.DEVNULL,
                                   cwd=Path(__file__).parents[2])
        wait_for(lambda: line.exists() and _up(line))
        return process

    process = begin()
    rows = [reading(minute % 7, -minute, "g7") for minute in range(many)]
    assert len(ask(line, "/push/gauges", rows)[1]["rejected"]) == many
    ask(line, "/push/stations", [gauge("g7")])
    wish = {"deed": "replay", "who": "甲", "feed": "gauges"}
    for share in (0.9, 0.5):
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_ask, line, wish)
            wait_for(lambda share=share: view.groups("gauges")[0]["waiting"] < many * share)
            process.send_signal(signal.SIGKILL)
            process.wait()
            asked.result(20)
        process = begin()
    try:
        status, done = ask(line, "/quarantine", wish)
        assert (status, done["waiting"]) == (200, 0)
        assert not view.rows(Chosen())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    values = stored(settings)
    assert len(values) == many, "none lost, none twice"
    found = HistoryReader(settings.state_dir / "history").rows("observation", EVER, columns=["prev"])
    assert set(found["prev"].to_pylist()) == {0}, "no row became a second version of itself"


def _up(line: Path) -> bool:
    try:
        return ask(line, "/health")[0] == 200
    except OSError:
        return False


def _ask(line: Path, wish: dict[str, Any]) -> None:
    try:
        ask(line, "/quarantine", wish)
    except (OSError, ValueError):
        return


def test_the_command_line(settings: Settings, view: QuarantineView, capsys: pytest.CaptureFixture[str],
                          monkeypatch: pytest.MonkeyPatch, opened: Opener) -> None:
    collector = opened()
    push(collector, "stations", gauge())
    push(collector, "gauges", reading(999), reading(888, 1))
    opened.close()  # type: ignore[attr-defined]
    for name, value in (("YIPING_STATE", str(settings.state_dir)), ("YIPING_REDIS_URL", settings.redis_url)):
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str]:
        code = app.main(["--place", str(TINY_PACK), "quarantine", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    code, out = run("list")
    assert code == 0
    assert "gauges\tlevel 的值 # 高于上限 #\t共 2 条，待处理 2 条" in out
    item = str(view.rows(Chosen())[-1]["id"])
    assert '"value":999' in run("show", item)[1]
    assert run("correct", item)[0] == 2
    assert run("correct", item, "--set", "value=500")[0] == 1
    assert run("correct", item, "--set", "value=7") == (0, "送回 1 条，作废 0 条，仍待处理 0 条\n")
    assert "已送回" in run("show", item)[1]
    assert run("replay")[0] == 2
    assert run("dismiss", "--feed", "nothing")[0] == 2
    assert run("dismiss", "--feed", "gauges")[1].startswith("送回 0 条，作废 1 条")
    assert run("show", "4711") == (2, "隔离区没有第 4711 号记录；编号见数据汇聚页或 ./yiping quarantine list\n")
    assert stored(settings) == [7.0]


def test_a_lost_feed_stands_in_the_event_list_until_it_is_back(settings: Settings) -> None:
    own = {"name": "数据源状态", "topic": "Q1", "department": "test", "kind": "event", "source": {"kind": "own"},
           "cadence": "1min"}
    tiny = load_pack(TINY_PACK)
    collector = Collector(settings, replace(tiny, feeds={**tiny.feeds, "states": Feed.model_validate(own)}))
    collector.start()
    push(collector, "stations", gauge())
    push(collector, "gauges", reading(1))
    collector.book.failed("gauges", "对方拒绝连接", NOW)
    wait_for(lambda: collector.status()["feeds"]["states"].accepted == 1)
    collector.book.answered("gauges", NOW)
    wait_for(lambda: collector.status()["feeds"]["states"].accepted == 2)
    wait_for(lambda: collector.status()["lags"]["history"] == 0)
    collector.stop()
    rows = HistoryReader(settings.state_dir / "history").rows("event", EVER).to_pylist()
    assert sorted((row["stage"], row["title"], row["channel"]) for row in rows) == [
        ("closed", "数据源恢复：五分钟读数", "feed"), ("received", "数据源中断：五分钟读数", "feed")]
