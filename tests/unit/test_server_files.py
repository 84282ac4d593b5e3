"""The one-time link, logs of parts, the state folder, the server's checks, and the command line, without a server."""

from __future__ import annotations

import argparse
import json
import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import app
from data import embedded_redis, once, partlog, parts, statefolder, supervise
from data.doctor import report
from data.doctor_machine import Finding, locked_versions, packages
from data.embedded_redis import Server
from data.errors import Unavailable, WrongInput
from data.parts import PartStatus
from data.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path)


def test_a_one_time_link_opens_once(settings: Settings) -> None:
    token = once.make(settings)
    assert stat.S_IMODE((settings.state_dir / "once.json").stat().st_mode) == 0o600
    assert token not in (settings.state_dir / "once.json").read_text()
    assert not once.consume(settings, token + "x")
    assert once.consume(settings, token)
    assert not once.consume(settings, token)


def test_of_many_that_come_together_one_wins(settings: Settings) -> None:
    token = once.make(settings)
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: once.consume(settings, token), range(64))) == 1


def test_a_new_link_ends_the_old_one_and_time_ends_both(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = once.make(settings), once.make(settings)
    assert not once.consume(settings, old)
    made = json.loads((settings.state_dir / "once.json").read_text())["until"]
    monkeypatch.setattr(once.time, "time", lambda: made + 1)
    assert not once.consume(settings, new)


def test_a_log_over_its_cap_moves_on_and_the_writer_goes_on(tmp_path: Path) -> None:
    with partlog.open_log(tmp_path, "web") as log:
        for text in ("first", "second", "third"):
            log.write(text.encode() * 10 + b"\n")
            log.flush()
            assert partlog.rotate(tmp_path, "web", 20)
        log.write(b"now\n\n")
        log.flush()
        assert not partlog.rotate(tmp_path, "web", 20)
    folder = tmp_path / "log"
    assert {path.name: path.read_text()[:6] for path in folder.iterdir()} == {
        "web.log": "now\n\n", "web.log.1": "thirdt", "web.log.2": "second"}
    assert partlog.last_words(tmp_path, "web") == "now"
    assert partlog.last_words(tmp_path, "none") == ""


def test_a_state_folder_is_private(tmp_path: Path) -> None:
    folder = statefolder.prepare(Settings(state=tmp_path / "a" / "b"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == []


def test_a_state_folder_that_cannot_be_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"状态目录 .*file/x 不能写入（.*）；请改正权限"):
        statefolder.prepare(Settings(state=tmp_path / "file" / "x"))
    monkeypatch.setattr(statefolder.shutil, "disk_usage", lambda _: argparse.Namespace(free=5_000_000))
    with pytest.raises(Unavailable, match=r"只剩 5 MB，至少要 200 MB；请腾出空间"):
        statefolder.prepare(Settings(state=tmp_path))


def test_sockets_of_long_folders_move_to_a_private_short_one(tmp_path: Path) -> None:
    assert statefolder.socket_path(Settings(state=Path("/s")), "a.sock") == Path("/s/a.sock")
    long = Settings(state=tmp_path / ("县" * 40))
    path = statefolder.socket_path(long, "a.sock")
    try:
        assert len(os.fsencode(path)) < 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.parent.chmod(0o755)
        with pytest.raises(Unavailable, match="不是本用户独有"):
            statefolder.socket_path(long, "a.sock")
    finally:
        path.parent.rmdir()


def test_one_server_a_state_folder(tmp_path: Path) -> None:
    with supervise.alone(tmp_path, "http://127.0.0.1:1"), \
            pytest.raises(WrongInput, match=rf"已有服务在运行（进程 {os.getpid()}，http://127.0.0.1:1）；请先停止它"), \
            supervise.alone(tmp_path, "http://127.0.0.1:2"):
        pass
    with supervise.alone(tmp_path, "http://127.0.0.1:3"):
        assert (tmp_path / "server.lock").read_text().endswith(":3")


@pytest.mark.parametrize("tail", ["    ^^^^^^^^\n", "\nERROR:    Application startup failed. Exiting.\n"])
def test_last_words_are_the_reason_and_not_what_follows_it(tail: str, tmp_path: Path) -> None:
    with partlog.open_log(tmp_path, "web") as log:
        log.write(("Traceback\nValueError: no luck\n" + tail).encode())
    assert partlog.last_words(tmp_path, "web") == "ValueError: no luck"


def test_a_taken_port_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(WrongInput, match=rf"端口 127.0.0.1:{port} 已被别的程序占用；.*--port"):
            supervise.check_port(Settings(port=port))
    with pytest.raises(WrongInput, match=r"192\.0\.2\.1:8050 不能使用（不是本机的地址）；请改正 --host"):
        supervise.check_port(Settings(host="192.0.2.1"))


def test_a_server_without_a_pack_says_so(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=r"不是地区包（没有 place.yaml）；请用 --place"):
        supervise.serve(Settings(place=tmp_path, state=tmp_path / "s"), argparse.Namespace())
    assert not (tmp_path / "s").exists()


def test_the_status_file_tells_the_dead_from_the_living(tmp_path: Path) -> None:
    assert parts.read_status(tmp_path) == {}
    living = PartStatus(os.getpid(), 5, 0, "up")
    gone = PartStatus(2**22 + 1, 5, 1, "up", -9)
    parts.write_status(tmp_path, {"a": living, "b": gone})
    found = parts.read_status(tmp_path)
    assert found["a"] == living
    assert (found["b"].state, found["b"].last_exit) == ("stopped", -9)
    (tmp_path / "parts.json").write_text("{torn")
    assert parts.read_status(tmp_path) == {}


@pytest.mark.parametrize(("version", "safe", "patched"), [
    ((6, 2, 14), False, False), ((6, 2, 23), True, True), ((7, 0, 15), True, False), ((7, 4, 10), True, True),
    ((8, 8, 0), True, False), ((8, 8, 1), True, True), ((9, 0, 0), True, True)])
def test_redis_versions_against_the_floor(version: tuple[int, ...], safe: bool, patched: bool) -> None:
    assert (Server("x", version).safe, Server("x", version).patched) == (safe, patched)


def test_configurations_of_the_two_redis_servers() -> None:
    folder, sock = Path('/a "b'), Path("/s.sock")
    state = embedded_redis.configuration(Server("x", (6, 2, 14)), "state", folder, sock).splitlines()
    assert {"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction", "maxmemory 512mb", "port 0",
            'save ""', 'dir "/a \\"b"', 'unixsocket "/s.sock"', "unixsocketperm 700"} <= set(state)
    cache = embedded_redis.configuration(Server("x", (7, 0, 0)), "cache", folder, sock).splitlines()
    assert {"appendonly no", "maxmemory-policy allkeys-lru", "maxmemory 128mb", "enable-debug-command no"} <= set(cache)
    assert not any("debug" in line for line in state)


def test_production_refuses_a_redis_below_the_floor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "find_server", lambda: Server("/r", (6, 2, 14)))
    with pytest.raises(Unavailable, match=r"生产模式不用低于 6.2.23 的 Redis（/r）；请升级"):
        embedded_redis.command(settings.model_copy(update={"mode": "production"}), "state")


def test_an_older_redis_is_not_put_before_newer_files(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.state_dir / "redis-state" / "appendonlydir").mkdir(parents=True)
    monkeypatch.setattr(embedded_redis, "find_server", lambda: Server("/r", (6, 2, 23)))
    with pytest.raises(Unavailable, match="由 Redis 7 以上写成"):
        embedded_redis.command(settings, "state")


def test_the_table_of_rooms_tells_the_truth() -> None:
    for room, names in app.ROOMS.items():
        parser = argparse.ArgumentParser()
        add = parser.add_subparsers()
        app.import_module(room).commands(add)
        assert set(add.choices) == set(names), room


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app.main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert [name for names in app.ROOMS.values() for name in names if f" {name} " not in told] == []


@pytest.mark.parametrize(("error", "code"), [(WrongInput("坏"), 2), (Unavailable("没"), 1), (KeyboardInterrupt(), 130)])
def test_errors_are_one_line_and_an_exit_code(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(app, "execute", fail)
    assert app.main(["x"]) == code
    assert capsys.readouterr().err == (f"{error}\n" if code < 100 else "")
    if code < 100:
        app.main(["--debug", "x"])
        assert "Traceback" in (told := capsys.readouterr().err)
        assert told.endswith(f"\n{error}\n")


def test_a_room_without_its_library_leaves_the_others(monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    real = app.import_module

    def torn(room: str) -> object:
        if room == "api.web_commands":
            raise ModuleNotFoundError("No module named 'dash'", name="dash")
        return real(room)

    monkeypatch.setattr(app, "import_module", torn)
    assert app.main(["web"]) == 1
    assert capsys.readouterr().err == "web 不可用（缺少 Python 库 dash）；请运行 ./yiping doctor\n"
    parser, missing = app.build_parser("doctor")
    assert missing == {}
    assert parser.parse_args(["doctor"]).command == "doctor"


@pytest.mark.parametrize(("line", "command"), [("--place x web", "web"), ("--debug doctor --place y", "doctor"),
                                               ("", ""), ("--place=web serve", "serve")])
def test_the_wanted_command(line: str, command: str) -> None:
    assert app.wanted(line.split()) == command


def test_the_doctor_counts_what_is_wrong() -> None:
    told = report([Finding("ok", "Python", "3.11"), Finding("bad", "中文字体", "没有", "装一个")])
    assert told.splitlines() == ["✓ Python    3.11", "✗ 中文字体  没有", "            → 装一个",
                                 "合计 2 项：1 项必须解决，0 项应当留意"]


def test_a_wrong_library_is_named(tmp_path: Path, settings: Settings) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("pytest==0.1 \\\n    --hash=x\nnosuchthing[a]==2 \\\nold==1 ; python_full_version < '3.9' \\\n")
    assert locked_versions(lock.read_text()) == {"pytest": "0.1", "nosuchthing": "2"}
    (found,) = packages(settings, lock)
    assert found.mark == "bad"
    assert "nosuchthing 没有安装（应为 2）" in found.found
