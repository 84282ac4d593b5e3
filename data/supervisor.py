"""Keeps parts running: starts them in order, restarts what dies or hangs (slower when it goes on), stops all."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data import partlog
from data.clock import Clock
from data.errors import Unavailable, os_words
from data.parts import Part, PartStatus, write_status
from data.pulse import Pulse
from data.spare import Spare

FIRST_DELAY_S, LONGEST_DELAY_S, CALM_S = 0.2, 4.5, 60.0
PATIENCE_S, SETTLE_S, HUNG_PATIENCE_S = 6.0, 1.0, 2.0
_TICK_S, _ROTATE_EVERY_S = 0.05, 5.0
_WRONG_INPUT = 2
_QUIET = 10


@dataclass
class Member:
    """A part and what became of it. Instants are of the monotonic clock but `since` (µs UTC)."""

    part: Part
    spare: Spare
    process: subprocess.Popen[bytes] | None = None
    state: str = "pending"
    since: int = 0
    started: float = 0.0
    up_since: float = 0.0
    due: float = 0.0
    restarts: int = 0
    deaths: int = 0
    ever_up: bool = False
    last_exit: int | None = None
    lost: float = 0.0
    reason: str = ""
    pulse: Pulse | None = None

    def turn(self, state: str) -> None:
        """Enters a state."""
        self.state, self.since = state, Clock().now_us()

    def status(self) -> PartStatus:
        """For the status file."""
        pid = self.process.pid if self.process else 0
        return PartStatus(pid, self.since, self.restarts, self.state, self.last_exit, self.reason)


class Supervisor:
    """Runs parts until it is asked to stop. `say` gets short lines for the terminal. Use it from the main thread."""

    def __init__(self, parts: list[Part], folder: Path, say: Callable[[str], None]):
        self._members = [Member(part, Spare(part, folder)) for part in parts]
        self._folder, self._say = folder, say
        self._asked = threading.Event()
        self._hurry = False
        self._shown: dict[str, PartStatus] = {}
        self._disk_told = False

    def ask_to_stop(self, *_signal: object) -> None:
        """Signal handler: the first call stops in order, a second one kills."""
        self._hurry = self._asked.is_set()
        self._asked.set()

    def run(self, on_ready: Callable[[], None]) -> int:
        """Starts all, calls `on_ready` once when every part is up, and returns the exit code after the stop.

        Raises:
            Unavailable: the state folder cannot be written at the start.
        """
        told, rotated = False, time.monotonic()
        try:
            while not self._asked.wait(_TICK_S):
                if any([self._step(member) for member in self._members]):
                    return _WRONG_INPUT
                self._publish()
                if not told and all(member.ever_up for member in self._members):
                    told = True
                    on_ready()
                if time.monotonic() - rotated > _ROTATE_EVERY_S:
                    rotated = time.monotonic()
                    self._rotate()
            return 0
        finally:
            self._stop_all()

    def _step(self, member: Member) -> bool:
        """One look at a part; True when it says that it can never start."""
        now = time.monotonic()
        if member.state == "pending" and self._turn_of(member):
            self._start(member)
        elif member.state == "waiting" and now >= member.due:
            member.restarts += 1
            self._start(member)
        elif member.process is not None and member.state in ("starting", "up", "hung"):
            code = member.process.poll()
            if code is not None:
                return self._died(member, code)
            self._watch(member, now)
        return False

    def _watch(self, member: Member, now: float) -> None:
        """A part that lives: does it come up, does it still answer, does it go when it was told to?"""
        if member.state == "hung":
            if now >= member.due:
                _send_group(member)
        elif member.pulse is not None and member.pulse.hangs(member.state == "starting"):
            self._hangs(member, now)
        elif member.state == "starting" and self._is_ready(member):
            self._came_up(member)
        elif member.state == "up":
            member.spare.keep_ready(member.up_since)

    def _hangs(self, member: Member, now: float) -> None:
        """Asks a silent part to end; two seconds later it is killed, and then comes again like one that died."""
        silent_s = member.pulse.silent_s if member.pulse else 0.0
        member.lost, member.due = now - silent_s, now + HUNG_PATIENCE_S
        member.reason = f"{silent_s:.0f} 秒没有应答，已结束并重启"
        self._say(f"{member.part.name} {silent_s:.0f} 秒没有应答，结束它再重启；"
                  f"日志 {partlog.path_of(self._folder, member.part.name)}")
        member.turn("hung")
        _send(member, signal.SIGTERM)

    def _is_ready(self, member: Member) -> bool:
        if member.part.ready is None:
            return time.monotonic() - member.started >= SETTLE_S
        return member.part.ready()

    def _turn_of(self, member: Member) -> bool:
        return all(other.ever_up for other in self._members if other.part.stage < member.part.stage)

    def _start(self, member: Member) -> None:
        try:
            member.process = member.spare.take() or self._spawn(member.part)
        except OSError as error:
            if not member.ever_up:
                raise Unavailable(f"不能启动 {member.part.name}（{os_words(error)}：{error.filename}）；"
                                  "请检查磁盘空间与状态目录的权限") from error
            self._later(member, f"暂时不能启动（{os_words(error)}）")
            return
        member.started = time.monotonic()
        if member.part.ask is not None:
            member.pulse = Pulse(member.process.pid, member.part.ask)
        member.turn("starting")

    def _spawn(self, part: Part) -> subprocess.Popen[bytes]:
        with partlog.open_log(self._folder, part.name) as log:
            return subprocess.Popen(part.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,  # noqa: S603
                                    start_new_session=True, env={**os.environ, **part.environment})

    def _came_up(self, member: Member) -> None:
        if member.ever_up:
            self._say(f"{member.part.name} 已恢复（中断 {time.monotonic() - member.lost:.1f} 秒）")
        member.ever_up, member.up_since = True, time.monotonic()
        member.turn("up")

    def _died(self, member: Member, code: int) -> bool:
        now, name = time.monotonic(), member.part.name
        _kill_group(member)
        member.last_exit = code
        hung = member.state == "hung"
        if code == 0 and member.part.may_finish and not hung:
            member.ever_up = True
            member.turn("finished")
            return False
        words = partlog.last_words(self._folder, name)
        if code == _WRONG_INPUT and not member.restarts and now - member.started < CALM_S:
            self._say(f"{name} 不能启动：{words}")
            return True
        if member.state == "up":
            member.lost = now
        if now - member.started > CALM_S:
            member.deaths = 0
        why = f"意外退出（{_exit_words(code)}{f'：{words}' if code > 0 and words else ''}）"
        member.reason = member.reason if hung else why
        self._later(member, "已结束" if hung else why)
        return False

    def _later(self, member: Member, why: str) -> None:
        """Sets the next start: 0.2 s after a first death, twice as long after each further one, at most 4.5 s."""
        delay_s = min(FIRST_DELAY_S * 2**member.deaths, LONGEST_DELAY_S)
        member.deaths += 1
        member.due = time.monotonic() + delay_s
        member.turn("waiting")
        log = partlog.path_of(self._folder, member.part.name)
        if delay_s < LONGEST_DELAY_S or member.deaths % _QUIET == 0:
            self._say(f"{member.part.name} {why}，{delay_s:.1f} 秒后重启；日志 {log}")

    def _publish(self) -> None:
        """Writes the status file when anything changed; a full disk is said once and does not stop the parts."""
        status = {member.part.name: member.status() for member in self._members}
        if status == self._shown:
            return
        try:
            write_status(self._folder, status)
        except OSError as error:
            self._tell_disk(error)
            return
        self._shown, self._disk_told = status, False

    def _rotate(self) -> None:
        try:
            for member in self._members:
                partlog.rotate(self._folder, member.part.name)
        except OSError as error:
            self._tell_disk(error)

    def _tell_disk(self, error: OSError) -> None:
        if not self._disk_told:
            self._say(f"状态目录 {self._folder} 暂时不能写入（{os_words(error)}）；请腾出空间，各部分继续运行")
        self._disk_told = True

    def _stop_all(self) -> None:
        """SIGTERM in reverse order of stages, SIGKILL to what is left after 6 s each (at once on a second signal)."""
        for member in self._members:
            member.spare.end()
        for stage in sorted({member.part.stage for member in self._members}, reverse=True):
            here = [member for member in self._members if member.part.stage == stage and member.process is not None]
            for member in here:
                _send(member, signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE_S
            while any(_alive(member) for member in here) and time.monotonic() < deadline and not self._hurry:
                time.sleep(0.02)
            for member in here:
                _kill_group(member)
                member.turn("stopped")
        for member in self._members:
            if member.process is None:
                member.turn("stopped")
        self._publish()


def _alive(member: Member) -> bool:
    return member.process is not None and member.process.poll() is None


def _send(member: Member, number: signal.Signals) -> None:
    if member.process is not None and member.process.poll() is None:
        member.process.send_signal(number)


def _send_group(member: Member) -> None:
    if member.process is not None:
        with suppress(ProcessLookupError):
            os.killpg(member.process.pid, signal.SIGKILL)


def _kill_group(member: Member) -> None:
    """Ends the part and whatever it started itself and left behind in its process group."""
    if member.process is not None:
        _send_group(member)
        member.last_exit = member.process.wait()
    if member.pulse is not None:
        member.pulse.end()


def _exit_words(code: int) -> str:
    return f"信号 {signal.Signals(-code).name}" if code < 0 else f"代码 {code}"
