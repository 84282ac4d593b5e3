"""Who did what: one line a deed in a file of its own, on disk before the deed and once more with what came of it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import orjson

from data.clock import Clock
from data.durable import make_folder
from data.errors import Unavailable, os_words
from data.manifest import sync_folder


class AuditFile:
    """JSON lines, only ever added to, readable by the owner alone."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._lock = threading.Lock()

    def note(self, who: str, deed: str, **facts: Any) -> None:
        """Adds a line and waits until it is on disk.

        Raises:
            Unavailable: the disk refuses; then the deed must not happen.
        """
        line = orjson.dumps({"time": self._clock.now().isoformat(), "who": who, "deed": deed, **facts},
                            option=orjson.OPT_APPEND_NEWLINE)
        try:
            with self._lock:
                make_folder(self._path.parent, 0o700)
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(handle, line)
                    os.fsync(handle)
                finally:
                    os.close(handle)
                # The first line makes the file.
                sync_folder(self._path.parent)
        except OSError as error:
            told = f"审计记录 {self._path} 写不进磁盘（{os_words(error)}）"
            raise Unavailable(f"{told}；这次操作没有执行，请腾出空间") from error
