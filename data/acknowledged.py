"""The file of what a collector acknowledged and the history may lack: a line of numbers, feed and time per batch.

It is not synced: it outlives the process, and a loss of power only together with two other deaths matters.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from data.batches import Batch
from data.errors import Unavailable

log = logging.getLogger("yiping.collect")
NAME = "acknowledged"


class Note(NamedTuple):
    """Of a batch: its first number, its feed ('?' = the line does not tell), and when it was noted (s, wall clock)."""

    seq0: int
    feed: str
    since: float


def note_of(batch: Batch) -> Note:
    """What is noted of a batch now."""
    return Note(batch.seq0, batch.feed, time.time())


def read_notes(path: Path) -> dict[int, Note]:
    """Last number of a batch → its note, in the order of the file; a line that was not finished tells nothing.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    words = [line.decode(errors="replace").split() for line in lines if line.endswith(b"\n")]
    return {int(told[1]): _note(told) for told in words if _whole(told)}


def _whole(told: list[str]) -> bool:
    """Where a line was cut and written on behind it, the last number is cut: smaller than the first."""
    numbers = [int(word) for word in told[:2] if word.isascii() and word.isdigit()]
    return len(numbers) == 2 and numbers[0] <= numbers[1]


def _note(told: list[str]) -> Note:
    since = float(told[3]) if len(told) == 4 and told[3].isdigit() else time.time()
    return Note(int(told[0]), told[2] if len(told) > 2 else "?", since)


def append_notes(path: Path, notes: Mapping[int, Note]) -> None:
    """Adds notes: all of them, or, with Unavailable, none."""
    size = -1
    try:
        with path.open("a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            data = memoryview(_lines(notes))
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                data = memoryview(b"\n" + bytes(data))
            while data:
                data = data[file.write(data):]
    except OSError as error:
        _cut(path, size)
        raise Unavailable(f"{path} 写不进去（{error.strerror}）；请检查磁盘空间与权限") from error


def _cut(path: Path, size: int) -> None:
    if size < 0:
        return
    try:
        os.truncate(path, size)
    except OSError as error:
        log.error("%s: cannot cut back: %s", path, error)


def write_notes(path: Path, notes: Mapping[int, Note]) -> None:
    """Puts these notes in the place of all; where that fails the old ones stay, and are found to be held."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(_lines(notes))
        os.replace(fresh, path)
    except OSError as error:
        log.warning("%s: %s", path, error)


def _lines(notes: Mapping[int, Note]) -> bytes:
    return "".join(f"{note.seq0} {seq1} {note.feed} {note.since:.0f}\n" for seq1, note in notes.items()).encode()
