"""Whether a part that runs still answers: asked again and again beside the supervisor, which restarts what hangs."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

EVERY_S, WAIT_S = 1.0, 3.0
# Unanswered questions of 3 s each: 12 s of an idle process, 60 s of one that computes, waits for a disk or starts.
IDLE_MISSES, BUSY_MISSES = 4, 20
BUSY_SHARE, BEAT_S = 0.05, 60.0


class Pulse:
    """Asks one process until `end`.

    `ask(wait_s)` is True when the process answers within so many seconds. A machine that is busy, or a supervisor that
    was itself stopped, must not look like a part that hangs: what counts is the number of questions that were waited
    out, and as long as the process uses the processor or waits for a disk it is given 60 s.
    """

    def __init__(self, pid: int, ask: Callable[[float], bool]) -> None:
        self._pid, self._ask = pid, ask
        self._ends = threading.Event()
        self._misses = 0
        self._busy = False
        self._since = self._used = 0.0
        threading.Thread(target=self._run, name=f"pulse-{pid}", daemon=True).start()

    def end(self) -> None:
        """Asks no more."""
        self._ends.set()

    def hangs(self, starting: bool) -> bool:
        """True when it has been silent for too long."""
        return self._misses >= (BUSY_MISSES if self._busy or starting else IDLE_MISSES)

    @property
    def silent_s(self) -> float:
        """Seconds since the first of the unanswered questions, 0 while it answers."""
        return time.monotonic() - self._since if self._misses else 0.0

    def _run(self) -> None:
        while not self._ends.wait(EVERY_S):
            began, used = time.monotonic(), processor_s(self._pid)
            if self._ask(WAIT_S):
                self._misses = 0
                continue
            # A refusal comes at once; it must not count faster than silence.
            if self._ends.wait(max(0.0, began + WAIT_S - time.monotonic())):
                return
            if not self._misses:
                self._since, self._used = began, used
            spent, passed = processor_s(self._pid) - self._used, time.monotonic() - self._since
            self._busy = spent > BUSY_SHARE * passed or waits_for_disk(self._pid)
            self._misses += 1


def processor_s(pid: int) -> float:
    """Processor time of a process so far, 0 when it is gone."""
    try:
        spent = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(spent.user + spent.system)


def waits_for_disk(pid: int) -> bool:
    """True while the process is in uninterruptible sleep."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_DISK_SLEEP)
    except psutil.Error:
        return False


def http_answers(connect: Callable[[float], socket.socket], path: str) -> Callable[[float], bool]:
    """Asks `GET path` over a fresh connection; any status is an answer."""
    def ask(wait_s: float) -> bool:
        line = http.client.HTTPConnection("localhost", timeout=wait_s)
        try:
            line.sock = connect(wait_s)
            line.request("GET", path)
            with line.getresponse() as answer:
                answer.read(1)
            return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    return ask


def redis_answers(path: Path) -> Callable[[float], bool]:
    """PING; any reply counts, also that it loads its file or cannot write."""
    def ask(wait_s: float) -> bool:
        with suppress(OSError), unix(path)(wait_s) as line:
            line.sendall(b"PING\r\n")
            return bool(line.recv(64))
        return False

    return ask


def unix(path: Path) -> Callable[[float], socket.socket]:
    """Connections to a unix socket; raise OSError."""
    def connect(wait_s: float) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(wait_s)
        try:
            line.connect(str(path))
        except OSError:
            line.close()
            raise
        return line

    return connect


def inet(host: str, port: int) -> Callable[[float], socket.socket]:
    """Connections to a port; raise OSError."""
    return lambda wait_s: socket.create_connection((host, port), wait_s)


def beat_file(folder: Path, part: str) -> Path:
    """The file by which a part without a door shows that it lives."""
    return folder / f"{part}.beat"


def beats(path: Path) -> Callable[[float], bool]:
    """Whether the part has touched its file in the last minute, or never did."""
    def ask(_wait_s: float) -> bool:
        try:
            return time.time() - path.stat().st_mtime < BEAT_S
        except OSError:
            return True

    return ask
