"""A part that lives but answers nothing is ended and comes again; one that is only busy, or was asked late, is not."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from test_supervisor import SLEEPER, Run, alive, running, until

from data import pulse
from data.parts import Part, bound, read_status
from data.pulse import Pulse

pytestmark = pytest.mark.integration
SERVER = """
import http.server, socketserver, sys
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
socketserver.TCPServer.allow_reuse_address = True
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
"""
SPINNER = "while True: pass"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rule in a tenth of the time."""
    for name, value in (("EVERY_S", 0.05), ("WAIT_S", 0.3), ("IDLE_MISSES", 4), ("BUSY_MISSES", 20)):
        monkeypatch.setattr(pulse, name, value)


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def door() -> Part:
    port = free_port()
    ask = pulse.http_answers(pulse.inet("127.0.0.1", port), "/down")
    return Part("door", bound([sys.executable, "-c", SERVER, str(port)]), 0, ready=lambda: ask(0.3), ask=ask)


@pytest.fixture
def run(tmp_path: Path, quick: None) -> Iterator[Run]:
    with running(tmp_path, [door(), Part("other", bound([sys.executable, "-c", SLEEPER]), 0, lambda: True)]) as found:
        assert found.ready.wait(20)
        yield found


def test_a_stopped_part_is_ended_named_and_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before, other = run.status("door"), run.status("other")
    os.kill(before.pid, signal.SIGSTOP)
    until(lambda: run.status("door").state == "hung", 10)
    until(lambda: run.status("door").restarts == 1 and run.status("door").state == "up", 20)
    after = run.status("door")
    assert after.pid != before.pid
    assert "没有应答" in after.reason
    assert not alive(psutil.Process(before.pid)) if psutil.pid_exists(before.pid) else True
    assert run.status("other") == other
    assert any("door" in line and "没有应答，结束它再重启；日志" in line for line in run.said)
    assert any("door 已恢复（中断" in line for line in run.said)


def test_an_answer_of_any_status_is_a_sign_of_life(run: Run) -> None:
    begun, before = time.monotonic(), run.status("door")
    until(lambda: time.monotonic() - begun > 4, 10)
    assert run.status("door") == before


def test_a_pause_shorter_than_the_limit_is_forgiven(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "IDLE_MISSES", 8)
    before = run.status("door")
    os.kill(before.pid, signal.SIGSTOP)
    begun = time.monotonic()
    until(lambda: time.monotonic() - begun > 1.0, 5)
    os.kill(before.pid, signal.SIGCONT)
    until(lambda: time.monotonic() - begun > 5.0, 10)
    assert run.status("door") == before


def silent(code: str, misses: int) -> bool:
    """Whether a process that never answers counts as hung once so many questions were waited out."""
    process = psutil.Popen([sys.executable, "-c", code])
    asked = []
    watched = Pulse(process.pid, lambda _wait_s: bool(asked.append(1)))
    try:
        until(lambda: len(asked) > misses, 60)
        return watched.hangs(False)
    finally:
        watched.end()
        process.kill()
        process.wait()


def test_a_process_that_computes_is_given_more_time(quick: None) -> None:
    assert silent(SLEEPER, 6)
    assert not silent(SPINNER, 6)
    assert silent(SPINNER, 22)


def test_while_it_starts_a_part_is_given_more_time(quick: None) -> None:
    asked: list[int] = []
    watched = Pulse(os.getpid(), lambda _wait_s: bool(asked.append(1)))
    until(lambda: len(asked) > 6, 20)
    watched.end()
    assert not watched.hangs(True)


def test_refused_connections_do_not_count_faster_than_silence(quick: None) -> None:
    begun = time.monotonic()
    watched = Pulse(os.getpid(), pulse.http_answers(pulse.inet("127.0.0.1", free_port()), "/"))
    until(lambda: watched.hangs(False), 20)
    watched.end()
    assert time.monotonic() - begun >= 4 * pulse.WAIT_S


def test_redis_is_asked_without_a_client(redis_server) -> None:
    ask = pulse.redis_answers(redis_server.socket)
    assert ask(2.0)
    redis_server.send(signal.SIGSTOP)
    assert not ask(0.3)
    redis_server.send(signal.SIGCONT)
    assert ask(2.0)


def test_a_part_without_a_door_beats(tmp_path: Path) -> None:
    file = pulse.beat_file(tmp_path, "simulator")
    ask = pulse.beats(file)
    assert ask(1.0)
    file.touch()
    assert ask(1.0)
    os.utime(file, (time.time() - 90, time.time() - 90))
    assert not ask(1.0)


def test_a_hung_part_is_shown_while_it_is_being_ended(tmp_path: Path, quick: None,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    from data import supervisor

    monkeypatch.setattr(supervisor, "HUNG_PATIENCE_S", 1.0)
    part = door()
    with running(tmp_path, [part]) as found:
        assert found.ready.wait(20)
        os.kill(found.status("door").pid, signal.SIGSTOP)
        until(lambda: read_status(tmp_path)["door"].state == "hung", 20)
        until(lambda: read_status(tmp_path)["door"].state == "up", 20)
