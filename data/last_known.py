"""The tables of a web process kept on disk, so that the next start, or one without Redis and history, has them."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from data import event_table, observation_table
from data.history_files import SCHEMA, Columns, to_rows
from data.history_read import HistoryReader
from data.manifest import Manifest
from data.pack import Pack
from data.records import Row
from data.statefolder import shortage
from data.table_file import Damaged, read_tables, write_tables
from data.tables import MemoryTables

log = logging.getLogger(__name__)
FORMAT = 4
NAME = "tables"
MOST_BYTES = 1_000_000_000
KEEP_FIRST_S, KEEP_S, JUST_S, LOWEST = 60.0, 300.0, 20.0, 19
SMALL = ("indicator", "asset", "warning")


@dataclass(frozen=True)
class Shot:
    """Tables as they stood at one moment; `rows` are those of the small kinds, still to be made into frames."""

    head: dict[str, Any]
    frames: dict[str, pa.Table]
    rows: dict[str, list[Row]]

    @property
    def mark(self) -> tuple[int, ...]:
        """What differs whenever the tables do."""
        return self.head["seq"], self.head["bulk"], self.head["version"]

    def whole(self) -> dict[str, pa.Table]:
        """Every frame by name; needs no lock."""
        found = dict(self.frames)
        for kind, rows in self.rows.items():
            columns = Columns(kind)
            columns.extend(sorted(rows, key=lambda row: int(row["seq"])))
            found[kind] = columns.table()
        return found


def shot_of(tables: MemoryTables, **head: Any) -> Shot:
    """The tables as they stand; hold their lock. What later rows change is copied, the rest shared."""
    frames = {"event": tables.events.frame()}
    for feed, table in tables.observations.items():
        frames[f"observation/{feed}"], frames[f"series/{feed}"] = table.frames()
    rows = {"indicator": tables.indicators.current(), "asset": list(tables.assets.rows.values()),
            "warning": list(tables.warnings.rows.values())}
    return Shot({**tables.standing(), **head, "words": tables.events.vocabularies()}, frames, rows)


def tables_of(tables: MemoryTables, head: Mapping[str, Any], frames: Mapping[str, pa.Table]) -> MemoryTables:
    """Empty tables, filled from what a shot gave."""
    tables.events.restore(frames["event"], head["words"])
    for name in frames:
        if name.startswith("observation/"):
            feed = name.partition("/")[2]
            tables.observed(feed).restore(frames[name], frames[f"series/{feed}"])
    for kind, table in (("indicator", tables.indicators), ("asset", tables.assets), ("warning", tables.warnings)):
        table.add(to_rows(kind, frames[kind]))
    tables.resume(dict(head))
    return tables


def follows(manifest: Manifest, head: Mapping[str, Any]) -> bool:
    """Whether a history can be what the kept tables' history became: it only grows, unless it is put back."""
    return bool(manifest.version >= head["publish"] and manifest.checkpoint >= head["checkpoint"])


class LastKnown:
    """The kept tables of one state folder; several web processes may share it, one at a time writes."""

    def __init__(self, pack: Pack, reader: HistoryReader, state_dir: Path) -> None:
        self._pack, self._reader, self._state = pack, reader, state_dir
        self._path = state_dir / "known" / NAME
        self._print = _fingerprint(pack)
        self._told = ""
        self._kept: tuple[int, ...] = ()

    def keep_going(self, stop: threading.Event, shot: Callable[[], Shot | None]) -> None:
        """Keeps a shot now and then, in a thread of its own and at the lowest turn, until it is told to stop."""
        def work() -> None:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
            pause = KEEP_FIRST_S
            while not stop.wait(pause):
                self.keep(shot())
                pause = KEEP_S

        threading.Thread(target=work, name="keeping", daemon=True).start()

    def keep(self, shot: Shot | None) -> bool:
        """Writes a shot; False where it is nothing new, another process has just done so, or there is no room."""
        if shot is None or shot.mark == self._kept:
            return False
        frames = shot.whole()
        size = sum(frame.nbytes for frame in frames.values())
        why = shortage(self._state) or ("" if size <= MOST_BYTES else f"有 {size} 字节，多于 {MOST_BYTES}")
        if why:
            self._tell(f"不保存：{why}")
            return False
        try:
            with self._turn() as ours:
                if ours:
                    write_tables(self._path, {**shot.head, "format": FORMAT, "print": self._print}, frames)
        except OSError as error:
            self._tell(f"写不了（{error.strerror}）")
            return False
        self._told, self._kept = "", shot.mark if ours else self._kept
        return ours

    def take(self) -> tuple[MemoryTables, dict[str, Any]] | None:
        """(tables, head) as they were last kept; None without any, or where they are not whole or not of this kind."""
        try:
            head, frames = read_tables(self._path)
            if head.get("format") != FORMAT or head.get("print") != self._print:
                raise Damaged("来自另一版本的程序或另一份地区包")
            tables = tables_of(MemoryTables(self._pack, self._reader), head, frames)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            self._tell(f"不采用（{error!s:.80}），改从历史读取")
            return None
        self._kept = Shot(head, {}, {}).mark
        return tables, head

    def _tell(self, words: str) -> None:
        """One line for each reason, not one every few minutes."""
        if words != self._told:
            log.warning("最后已知数据 %s %s", self._path, words)
        self._told = words

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """True inside where no other process writes now or has just written."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        with (self._path.parent / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            for left in self._path.parent.glob(f"{NAME}.*.new"):
                left.unlink(missing_ok=True)
            yield not self._just_written()

    def _just_written(self) -> bool:
        try:
            return 0 <= time.time() - self._path.stat().st_mtime < JUST_S
        except FileNotFoundError:
            return False


def _fingerprint(pack: Pack) -> str:
    """What kept numbers mean: positions of divisions, feeds and their kinds, columns."""
    feeds = sorted((key, feed.kind) for key, feed in pack.feeds.items())
    meaning = [[item.code for item in pack.divisions.items], feeds, observation_table.COLUMNS, event_table.COLUMNS,
               [SCHEMA[kind].names for kind in SMALL]]
    return blake2b(orjson.dumps(meaning), digest_size=16).hexdigest()
