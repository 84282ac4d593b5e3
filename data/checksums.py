"""Checksums of files: made while copying, told in lists, asked again before anything is believed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from data.errors import WrongInput

BLOCK = 1_048_576


def _nothing(_size: int) -> None:
    """Nobody watches."""


def copied(source: BinaryIO, out: Callable[[bytes], object], most: int | None = None,
           passed: Callable[[int], None] = _nothing) -> tuple[str, int]:
    """Hands a file on block by block, at most `most` bytes of it; SHA-256 (hex) and size of what went through."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(BLOCK if most is None else min(BLOCK, most - size)):
        out(block)
        digest.update(block)
        size += len(block)
        passed(len(block))
    return digest.hexdigest(), size


def checksum(path: Path, passed: Callable[[int], None] = _nothing) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file."""
    with path.open("rb") as file:
        return copied(file, lambda _block: None, None, passed)


def copy_file(source: Path, target: Path, most: int | None = None,
              passed: Callable[[int], None] = _nothing) -> tuple[str, int]:
    """Copies a file durably, with its mode; SHA-256 and size of what was written. Raises OSError."""
    with source.open("rb") as file:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.fstat(file.fileno()).st_mode & 0o777)
        with os.fdopen(handle, "wb") as out:
            found = copied(file, out.write, most, passed)
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
