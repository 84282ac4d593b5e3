"""What a format hands on, and the limits that hold for every file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from data.errors import WrongInput
from data.feed_mapping import TableForm

# What the quarantine keeps of a record that no mapping could read.
RAW_CHARS = 2000


@dataclass(frozen=True)
class Limits:
    """Bounds that keep a hostile file from filling memory (bytes after unpacking, ratio, entries of an archive)."""

    max_bytes: int = 200_000_000
    max_ratio: float = 100.0
    max_entries: int = 1000
    small_bytes: int = 1_000_000


@dataclass(frozen=True)
class Member:
    """One file ready to be read: `name` for sentences, `data` its bytes after unpacking (≤ Limits.max_bytes)."""

    name: str
    data: bytes


@dataclass
class RawRows:
    """Some rows as written; `bad` = (raw text, reason) of what could not be read; `read` rows; `done` bytes.

    `encoding`: what the text was read as, '' where the format itself says.
    """

    rows: list[dict[str, Any]]
    bad: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    done: int = 0
    encoding: str = ""


@dataclass
class RawColumns:
    """The same by column: an Arrow table of the file's own columns (text, or the file's types).

    names: all columns of the file, also those that are not needed; () = those of the table.
    """

    table: pa.Table
    bad: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    done: int = 0
    encoding: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """What the reader must know of the feed: columns that must exist (() = any), its encoding, its form."""

    columns: tuple[str, ...] = ()
    encoding: str = "auto"
    table: TableForm = field(default_factory=TableForm)


@dataclass(frozen=True)
class Format:
    """A kind of file. `columns` None = it has no form by column; rows are turned into columns afterwards.

    `bare_time`: unit of numbers in time columns where the format itself defines it.
    """

    name: str
    suffixes: tuple[str, ...]
    rows: Callable[[Member, Layout], Iterator[RawRows]]
    columns: Callable[[Member, Layout], Iterator[RawColumns]] | None = None
    bare_time: str = ""


def refuse(name: str, wrong: str, remedy: str) -> WrongInput:
    """The one sentence about a file: which, what is wrong, what to do."""
    return WrongInput(f"文件 {name}：{wrong}；{remedy}。")
