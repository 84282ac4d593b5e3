"""A redis-server of a test's own, and waiting for conditions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import redis

TINY_PACK = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
ROOT = Path(__file__).parents[2]


class RedisServer:
    """A redis-server of its own on a unix socket in `folder` (AOF every second, never evicts).

    `layer`: what its environment holds besides ours.
    """

    def __init__(self, folder: Path, *options: str, layer: dict[str, str] | None = None) -> None:
        self._environment = {**os.environ, **(layer or {})}
        folder.mkdir(parents=True, exist_ok=True)
        self.socket = folder / "r.sock"
        self.url = f"unix://{self.socket}"
        self._command = [_binary(), "--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder), "--save", "",
                         "--appendonly", "yes", "--appendfsync", "everysec", "--logfile", str(folder / "log"), *options]
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Starts it and waits for nothing."""
        self.process = subprocess.Popen(self._command, env=self._environment)

    def start(self) -> None:
        self.begin()
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            wait_for(lambda: _answers(client))

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None


def missing(what: str) -> NoReturn:
    """A skip on a machine of somebody's own, a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, in CI")
    pytest.skip(what)


def _binary() -> str:
    found = shutil.which("redis-server") or shutil.which("redis-server", path=str(ROOT / ".venv" / "bin"))
    if found is None:
        missing("redis-server is missing")
    return found


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Polls until the condition holds; fails after the deadline."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "condition did not come true in time"
        time.sleep(0.01)
