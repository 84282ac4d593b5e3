"""Logs of the parts: one file each, kept small by copy-and-truncate (the part holds its file open while it writes)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import BinaryIO

CAP_BYTES = 5_000_000
KEPT = 2
# Marks below a line of code, and what the web server says after the reason.
_NOISE = re.compile(r"[\^~]+|\w+:\s+Application (startup|shutdown) .*")


def path_of(folder: Path, part: str) -> Path:
    """The log of a part, in `log/` of the state folder."""
    return folder / "log" / f"{part}.log"


def open_log(folder: Path, part: str) -> BinaryIO:
    """The log opened for appending, its folder made; raises OSError."""
    path = path_of(folder, part)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return path.open("ab")


def rotate(folder: Path, part: str, cap_bytes: int = CAP_BYTES) -> bool:
    """Moves a log over its cap to `.1` (older ones on); lines written during the copy itself may be lost."""
    path = path_of(folder, part)
    if not path.exists() or path.stat().st_size <= cap_bytes:
        return False
    for number in range(KEPT, 1, -1):
        older = path.with_suffix(f".log.{number - 1}")
        if older.exists():
            older.replace(path.with_suffix(f".log.{number}"))
    shutil.copyfile(path, path.with_suffix(".log.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


def last_words(folder: Path, part: str, limit: int = 200) -> str:
    """The last line of the log that says anything."""
    path = path_of(folder, part)
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    lines = [line for line in lines if not _NOISE.fullmatch(line)]
    return lines[-1][:limit] if lines else ""
