"""The supervisor with small stand-in parts: order, restart, growing delay, giving up, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from data import spare, supervisor
from data.parts import Part, PartStatus, bound, read_status
from data.supervisor import Supervisor

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); time.sleep(600)"


def until(ask: Callable[[], Any], wait_s: float = 10.0) -> Any:
    """The first true answer, or a failure after the deadline."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("the condition never came")


def alive(process: psutil.Process) -> bool:
    """Still runs; a zombie that its new parent has not collected yet does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def part(name: str, code: str, stage: int = 0, **more: Any) -> Part:
    return Part(name, bound([sys.executable, "-c", code]), stage, **{"ready": lambda: True, **more})


class Run:
    """A supervisor in a thread of the test, with what it said."""

    def __init__(self, folder: Path, table: list[Part]):
        self.folder, self.said, self.ready = folder, [], threading.Event()
        self.supervisor = Supervisor(table, folder, self.said.append)
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.code = self.supervisor.run(self.ready.set)

    def status(self, name: str) -> PartStatus:
        return until(lambda: read_status(self.folder).get(name))

    def stop(self) -> None:
        self.supervisor.ask_to_stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def running(folder: Path, table: list[Part]) -> Iterator[Run]:
    run = Run(folder, table)
    run.thread.start()
    try:
        yield run
    finally:
        run.stop()


def test_later_stages_wait_for_earlier_ones(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    table = [part("first", SLEEPER, ready=gate.exists), part("second", SLEEPER, 1)]
    with running(tmp_path, table) as run:
        until(lambda: run.status("first").state == "starting")
        assert run.status("second").state == "pending"
        assert not run.ready.is_set()
        gate.touch()
        assert run.ready.wait(10)
        until(lambda: run.status("second").state == "up")
        assert run.status("first").state == "up"


def test_a_killed_part_is_back_within_five_seconds(tmp_path: Path) -> None:
    with running(tmp_path, [part("one", SLEEPER), part("two", SLEEPER)]) as run:
        assert run.ready.wait(10)
        before, other = run.status("one"), run.status("two")
        os.kill(before.pid, signal.SIGKILL)
        begun = time.monotonic()
        until(lambda: run.status("one").restarts == 1 and run.status("one").state == "up")
        assert time.monotonic() - begun < 5
        after = run.status("one")
        assert after.pid != before.pid
        assert after.last_exit == -signal.SIGKILL
        assert run.status("two") == other
    assert any("one 意外退出（信号 SIGKILL）" in line for line in run.said)
    assert any("one 已恢复" in line for line in run.said)


WAITER = "import sys, time; print('waits', flush=True); sys.stdin.readline() or sys.exit(0); time.sleep(600)"


def test_a_spare_takes_over_and_another_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare, "AFTER_S", 0.0)
    monkeypatch.setattr(supervisor, "FIRST_DELAY_S", 0.0)
    log = tmp_path / "log" / "one.log"
    with running(tmp_path, [part("one", SLEEPER, spare=bound([sys.executable, "-c", WAITER]))]) as run:
        until(lambda: log.exists() and log.read_text() == "waits\n")
        mine = {child.pid for child in psutil.Process().children()}
        first = run.status("one").pid
        os.kill(first, signal.SIGKILL)
        until(lambda: run.status("one").restarts == 1 and run.status("one").state == "up")
        assert run.status("one").pid in mine - {first}
        until(lambda: log.read_text() == "waits\nwaits\n")
        members = [child for child in psutil.Process().children() if "sleep(600)" in " ".join(child.cmdline())]
        assert len(members) == 2
    assert [member.pid for member in members if alive(member)] == []


def test_a_dead_spare_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare, "AFTER_S", 0.0)
    log = tmp_path / "log" / "one.log"
    dying = bound([sys.executable, "-c", "print('dies')"])
    with running(tmp_path, [part("one", SLEEPER, spare=dying)]) as run:
        until(lambda: log.exists() and log.read_text() == "dies\n")
        os.kill(run.status("one").pid, signal.SIGKILL)
        until(lambda: run.status("one").restarts == 1 and run.status("one").state == "up")


def test_the_delay_grows_while_a_part_goes_on_dying_and_ends_at_its_limit(tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(supervisor, "LONGEST_DELAY_S", 0.3)
    with running(tmp_path, [part("bad", "raise SystemExit('no luck')", ready=lambda: False)]) as run:
        until(lambda: run.status("bad").restarts >= 5)
    assert [line.split("，")[1][:3] for line in run.said] == ["0.1", "0.1", "0.2"]
    assert run.said[0].endswith(f"秒后重启；日志 {tmp_path / 'log' / 'bad.log'}")
    assert "代码 1：no luck" in run.said[0]


def test_a_long_life_forgets_earlier_deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "CALM_S", 0.0)
    monkeypatch.setattr(supervisor, "FIRST_DELAY_S", 0.05)
    with running(tmp_path, [part("bad", "raise SystemExit(1)", ready=lambda: False)]) as run:
        until(lambda: run.status("bad").restarts >= 4)
    assert len(run.said) >= 4
    assert [line for line in run.said if "，0.1 秒后重启" not in line] == []


def test_wrong_input_at_the_first_start_ends_everything_with_its_sentence(tmp_path: Path) -> None:
    bad = part("web", "import sys; sys.stderr.write('place.yaml:3: 缺少 name\\n'); sys.exit(2)")
    run = Run(tmp_path, [part("good", SLEEPER), bad])
    run.thread.start()
    run.thread.join(15)
    assert run.code == 2
    assert run.said == ["web 不能启动：place.yaml:3: 缺少 name"]
    assert read_status(tmp_path)["good"].state == "stopped"


def test_a_part_without_a_check_is_up_once_it_lives_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SETTLE_S", 3.0)
    with running(tmp_path, [part("bad", "raise SystemExit(1)", ready=None), part("good", SLEEPER, ready=None)]) as run:
        until(lambda: run.status("good").state == "up")
        until(lambda: run.status("bad").restarts >= 2)
        assert not run.ready.is_set()
    assert not any("恢复" in line for line in run.said)


def test_finishing_is_no_fault_where_a_part_may(tmp_path: Path) -> None:
    with running(tmp_path, [part("short", "pass", may_finish=True), part("long", SLEEPER)]) as run:
        assert run.ready.wait(10)
        until(lambda: run.status("short").state == "finished")
    assert run.said == []


def test_stop_ends_deaf_parts_and_what_parts_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "PATIENCE_S", 0.5)
    with running(tmp_path, [part("deaf", STUBBORN), part("parent", PARENT)]) as run:
        assert run.ready.wait(10)
        log = tmp_path / "log" / "deaf.log"
        until(lambda: log.read_text() == "deaf\n")
        top = [psutil.Process(run.status(name).pid) for name in ("deaf", "parent")]
        below = until(lambda: top[1].children())
    until(lambda: not any(alive(process) for process in [*top, *below]))
    assert run.code == 0
    assert {one.state for one in read_status(tmp_path).values()} == {"stopped"}


def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervisor, "write_status", full)
    with running(tmp_path, [part("one", SLEEPER)]) as run:
        assert run.ready.wait(10)
        until(lambda: run.said)
    assert len(run.said) == 1
    assert "磁盘已满" in run.said[0]


ORPHANS = """
import sys
from pathlib import Path
from data.parts import Part, bound
from data.supervisor import Supervisor
code = {code!r}
Supervisor([Part("one", bound([sys.executable, "-c", code]), 0)], Path(sys.argv[1]), print).run(lambda: None)
"""


def test_parts_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    host = subprocess.Popen([sys.executable, "-c", ORPHANS.format(code=STUBBORN), str(tmp_path)], cwd=ROOT)
    try:
        log = tmp_path / "log" / "one.log"
        until(lambda: log.exists() and log.read_text() == "deaf\n")
        child = psutil.Process(until(lambda: read_status(tmp_path).get("one")).pid)
    finally:
        host.kill()
        host.wait()
    until(lambda: not alive(child))
    assert read_status(tmp_path)["one"].state == "stopped"
