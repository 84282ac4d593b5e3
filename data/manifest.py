"""The manifest of the history: what it holds; of Parquet files one small file, replaced atomically, that names them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from data.errors import Unavailable
from data.records import DAY_OF, KINDS

VERSION = 1
DAY_US = 86_400_000_000
NAME = "manifest.json"
MOST_LOADS = 100
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class FileEntry:
    """One Parquet file, or one segment of a database: rows of one kind and one partition.

    A partition is a UTC month, or "all" for kinds without a day.

    seq0/seq1: least and greatest number; day0/day1: first and last UTC day since 1970 (0 for kinds without a day);
    received1: newest acceptance, µs; feeds: feeds in it; replaced: rows with prev != 0, which replace others.
    """

    kind: str
    path: str
    rows: int
    seq0: int
    seq1: int
    day0: int
    day1: int
    received1: int
    feeds: tuple[str, ...]
    replaced: int

    @property
    def partition(self) -> str:
        """The folder within the kind: 2026-11, or all."""
        return self.path.split("/")[1]


@dataclass(frozen=True)
class Load:
    """One bulk publish: kind and feed of its rows, their last UTC day since 1970 and greatest number."""

    kind: str
    feed: str
    day1: int
    seq1: int


@dataclass(frozen=True)
class Manifest:
    """What the history holds. checkpoint: every live row with seq ≤ it is in the files; bulk: bulk publishes so far.

    version grows with every publish. garbage: (path, machine time in s since when no longer named). loads: the last
    bulk publishes, newest last. checkpoints: (collector, its checkpoint) where a store takes several; checkpoint is
    then the least of them.
    """

    version: int = 0
    checkpoint: int = 0
    bulk: int = 0
    files: tuple[FileEntry, ...] = ()
    garbage: tuple[tuple[str, float], ...] = field(default=())
    loads: tuple[Load, ...] = ()
    checkpoints: tuple[tuple[str, int], ...] = ()

    def loads_after(self, bulk: int) -> tuple[Load, ...] | None:
        """Bulk publishes after the first `bulk` of them; None where they are not remembered any more."""
        missed = self.bulk - bulk
        return None if not 0 <= missed <= len(self.loads) else self.loads[len(self.loads) - missed:]

    @property
    def last_seq(self) -> int:
        """The greatest number used by any row in the files, and at least the checkpoint."""
        return max([self.checkpoint, *(entry.seq1 for entry in self.files)])

    def of(self, kind: str, start_us: int | None = None, end_us: int | None = None) -> tuple[FileEntry, ...]:
        """Files of a kind that may hold rows of [start_us, end_us); all of the kind if it has no day."""
        chosen = [entry for entry in self.files if entry.kind == kind]
        if DAY_OF[kind] and start_us is not None:
            chosen = [entry for entry in chosen if entry.day1 >= start_us // DAY_US]
        if DAY_OF[kind] and end_us is not None:
            chosen = [entry for entry in chosen if entry.day0 * DAY_US < end_us]
        return tuple(chosen)


def month_of(day: int) -> str:
    """The partition of a UTC day since 1970."""
    return date.fromordinal(day + EPOCH).strftime("%Y-%m")


def month_bounds(partition: str) -> tuple[int, int]:
    """Half-open [start, end) of a month partition, µs UTC."""
    start = datetime.strptime(partition, "%Y-%m").replace(tzinfo=UTC)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return round(start.timestamp()) * 1_000_000, round(end.timestamp()) * 1_000_000


def read_manifest(root: Path) -> Manifest:
    """The manifest under `root`; an empty one where there is none.

    Raises:
        Unavailable: unreadable, of another layout, or naming a file that is not there.
    """
    path = root / NAME
    try:
        raw = orjson.loads(path.read_bytes())
        manifest = _from_json(raw)
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(f"历史清单 {path} 读不出（{error!s:.80}）；请用备份中的同名文件替换它") from error
    for entry in manifest.files:
        if not (root / entry.path).is_file():
            raise Unavailable(f"历史文件 {root / entry.path} 不见了，而清单还列着它；请从备份恢复该文件")
    return manifest


def _from_json(raw: dict[str, Any]) -> Manifest:
    if raw.get("layout") != VERSION:
        raise ValueError(f"格式 {raw.get('layout')!r}，本程序只认 {VERSION}")
    files = tuple(FileEntry(**{**item, "feeds": tuple(item["feeds"])}) for item in raw["files"])
    for entry in files:
        if entry.kind not in KINDS or ".." in entry.path or entry.path.startswith("/"):
            raise ValueError(f"不认识的条目 {entry.kind}:{entry.path}")
    garbage = tuple((str(path), float(at)) for path, at in raw["garbage"])
    loads = tuple(Load(**item) for item in raw.get("loads", ()))
    return Manifest(raw["version"], raw["checkpoint"], raw["bulk"], files, garbage, loads)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Replaces the manifest: temporary file, fsync, rename, fsync of the folder. Raises OSError."""
    raw = {"layout": VERSION, **asdict(manifest)}
    del raw["checkpoints"]
    temporary = root / (NAME + ".tmp")
    with temporary.open("wb") as out:
        out.write(orjson.dumps(raw))
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(root / NAME)
    sync_folder(root)


def sync_folder(folder: Path) -> None:
    """Makes renames and new names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
