"""Checksums of files: made while copying, told in lists, asked again before anything is believed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from data.errors import WrongInput

BLOCK = 1_048_576


def _nothing(_size: int) -> None:
    """Nobody watches."""


class Summed:
    """A file being read, at most `most` bytes of it: what went through is summed. `passed` hears of each block."""

    def __init__(self, file: IO[bytes], most: int | None = None, passed: Callable[[int], object] = _nothing) -> None:
        self._file, self._most, self._passed = file, most, passed
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = BLOCK) -> bytes:
        """The next block, empty at the end."""
        block = self._file.read(size if self._most is None else min(size, self._most - self.size))
        self._digest.update(block)
        self.size += len(block)
        self._passed(len(block))
        return block

    def told(self) -> tuple[str, int]:
        """SHA-256 (hex) and size of what went through."""
        return self._digest.hexdigest(), self.size


def copied(source: Summed, out: Callable[[bytes], object]) -> tuple[str, int]:
    """Hands a file on block by block; SHA-256 and size of what went through."""
    while block := source.read():
        out(block)
    return source.told()


def checksum(path: Path, passed: Callable[[int], object] = _nothing) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file."""
    with path.open("rb") as file:
        return copied(Summed(file, None, passed), lambda _block: None)


def write_file(source: Summed, target: Path, mode: int) -> tuple[str, int]:
    """Writes a new file durably; SHA-256 and size of what was written. Raises OSError."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as out:
        os.fchmod(out.fileno(), mode)
        found = copied(source, out.write)
        out.flush()
        os.fsync(out.fileno())
    return found


def refuse_damaged(path: Path, told: tuple[str, int], found: tuple[str, int], what: str) -> None:
    """Refuses a file that is not what its list says.

    Raises:
        WrongInput: size or checksum differ.
    """
    if told[1] != found[1]:
        sizes = f"应为 {told[1]} 字节，实为 {found[1]} 字节"
        raise WrongInput(f"{what}中的 {path} {sizes}，已损坏或没有拷全；请重新取得这份{what}")
    if told[0] != found[0]:
        raise WrongInput(f"{what}中的 {path} 与校验和不符，已损坏或被改动；请重新取得这份{what}")
