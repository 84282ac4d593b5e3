"""A spare of a part: a process that has loaded its program and waits, so that a restart takes no import time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from data import partlog
from data.parts import Part

AFTER_S, AGAIN_S = 5.0, 30.0


class Spare:
    """Keeps at most one waiting process of a part; `--standby` of the command line is its other half."""

    def __init__(self, part: Part, folder: Path) -> None:
        self._part, self._folder = part, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._tried = -AGAIN_S

    def keep_ready(self, up_since: float) -> None:
        """Starts the spare once its part has been up for a while; one that dies by itself is tried again later."""
        now = time.monotonic()
        if not self._part.spare or now - up_since < AFTER_S or now - self._tried < AGAIN_S:
            return
        if self._process is not None and self._process.poll() is None:
            return
        self._close()
        self._tried = now
        with suppress(OSError), partlog.open_log(self._folder, self._part.name) as log:
            self._process = subprocess.Popen(  # noqa: S603
                self._part.spare, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self._part.environment})

    def take(self) -> subprocess.Popen[bytes] | None:
        """The spare, told to go; None without one that waits."""
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            return None
        try:
            process.stdin.write(b"go\n")
            process.stdin.close()
        except BrokenPipeError:
            return None
        self._process, self._tried = None, -AGAIN_S
        return process

    def end(self) -> None:
        """Ends the spare; it holds nothing that could be lost."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._close()

    def _close(self) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()
            self._process.wait()
            self._process = None
