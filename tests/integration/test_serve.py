"""`serve` with its real parts on the small pack: it comes up, each killed part is back, Ctrl-C leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from data import embedded_redis
from data.parts import PartStatus, read_status
from data.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
PACK = ROOT / "tests" / "fixtures" / "tiny_pack"
PARTS = ("redis-state", "redis-cache", "collector", "web")
SPARED = {"collector": "collect", "web": "web"}
UP_WITHIN_S, BACK_WITHIN_S = 60.0, 5.0


def until(ask: Callable[[], Any], wait_s: float) -> Any:
    """The first true answer, or a failure after the deadline."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"the condition did not come within {wait_s} s")


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def waits(process: psutil.Process, command: str) -> bool:
    """A spare that has loaded its program and reads from its supervisor's pipe."""
    try:
        return (process.cmdline()[-2:] == ["--standby", command]
                and "pipe" in Path(f"/proc/{process.pid}/wchan").read_text())
    except (psutil.NoSuchProcess, OSError):
        return False


class Server:
    """A server of the test's own, in production mode: without the simulator, whose place is another."""

    def __init__(self, folder: Path):
        with socket.socket() as line:
            line.bind(("127.0.0.1", 0))
            self.port: int = line.getsockname()[1]
        self.folder, self.told = folder / "state", folder / "told.txt"
        self.address = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
        with self.told.open("wb") as sink:
            self.process = subprocess.Popen(self.command(), cwd=ROOT, stdout=sink, stderr=sink,
                                            env={**kept, "YIPING_MODE": "production"})

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "app.py", "serve", "--place", str(PACK), "--port", str(self.port), "--state",
                str(self.folder), "--history", "none", *more]

    def status(self, name: str) -> PartStatus:
        return read_status(self.folder)[name]

    def pids(self) -> list[psutil.Process]:
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def says(self, text: str) -> str | None:
        found = re.search(text, self.told.read_text("utf-8"))
        return found[0] if found else None

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not embedded_redis.find_server().safe:
        pytest.skip("production mode needs a newer redis-server")
    started = Server(tmp_path_factory.mktemp("serve"))
    try:
        until(lambda: started.says("已就绪") or started.process.poll() is not None, UP_WITHIN_S)
        assert started.process.poll() is None, started.told.read_text("utf-8")
        yield started
    finally:
        if started.process.poll() is None:
            started.end(signal.SIGTERM)


def test_it_says_its_address_and_a_link_that_opens_once(server: Server) -> None:
    assert server.says(server.address)
    link = server.says(r"http://\S+/login\?once=\S+")
    assert link
    with httpx.Client(trust_env=False) as client:
        first, second = client.get(link), client.get(link)
    assert first.status_code in (302, 303, 307)
    assert second.status_code >= 400


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_is_back_within_five_seconds(server: Server, name: str) -> None:
    until(lambda: server.status(name).state == "up", 30)
    if name in SPARED:
        until(lambda: any(waits(member, SPARED[name]) for member in server.pids()), 60)
    before = server.status(name)
    begun = time.monotonic()
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: server.status(name).restarts > before.restarts and server.status(name).state == "up", 30)
    took_s = time.monotonic() - begun
    assert server.status(name).last_exit == -signal.SIGKILL
    assert took_s < BACK_WITHIN_S
    told = until(lambda: _readyz(server), 10)
    assert told["parts"][name]["restarts"] > before.restarts


def _readyz(server: Server) -> Any:
    try:
        with httpx.Client(trust_env=False) as client:
            return client.get(f"{server.address}/readyz").json()
    except httpx.TransportError:
        return None


def test_a_second_server_of_the_place_is_refused(server: Server) -> None:
    second = subprocess.run(server.command(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"{server.process.pid}" in second.stderr
    assert server.process.poll() is None


def test_another_command_joins_its_redis(server: Server) -> None:
    urls = embedded_redis.ensure(Settings(place=PACK, state=server.folder))
    try:
        assert str(server.folder) in urls.state
        pid = server.status("redis-state").pid
        assert psutil.Process(pid).name().startswith("redis-server")
        waiting = [child for child in psutil.Process().children() if "child.py" in " ".join(child.cmdline())]
        assert len(waiting) == 2
    finally:
        embedded_redis.stop_started()


def test_ctrl_c_leaves_nothing(server: Server) -> None:
    members = server.pids()
    assert len(members) >= 1 + len(PARTS)
    server.end(signal.SIGINT)
    assert server.process.returncode == 0
    until(lambda: not any(alive(member) for member in members), 10)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", server.port))
    assert {part.state for part in read_status(server.folder).values()} == {"stopped"}
