"""What of a running state folder cannot be made again, pinned as it is at one instant without stopping anybody."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from data.manifest import NAME, Manifest, read_manifest, write_manifest
from data.sqlite_file import disk_words, reading

HISTORY, SPOOL = "history", "spool"
# Redis, the web's tables, sockets, locks and logs: made again or of no use elsewhere; the one-time link must not live
# twice.
LEFT_OUT = ("redis-*", "*.sock", "*.lock", "*.beat", "*.tmp", "*.new", ".*", "*-wal", "*-shm", "staging", "log",
            "lock", "known", "parts.json", "once.json", "last_backup.json")
# Read before the spool: a cursor must not be ahead of the records that it stands for.
_FIRST = ("cursors", "drop")
SQLITE = ".sqlite"


@dataclass(frozen=True)
class Pinned:
    """A file of the snapshot: its path in the state folder, where its bytes are, how many of them, its mode."""

    path: str
    source: Path
    size: int
    mode: int


class Snapshot:
    """Pins under `pins`, a private folder on the same disk, what `state` holds now.

    Nothing acknowledged before the start is missing: segments of the spool are pinned before the manifest is read, so
    that none can be let go as committed meanwhile, and once more after it, with what has come since.

    Raises (in every method):
        Unavailable: the manifest is damaged, or a file cannot be read. OSError: the disk refuses.
    """

    def __init__(self, state: Path, pins: Path) -> None:
        self._state, self._pins = state, pins
        self.manifest = Manifest()

    def take(self, history: bool = True) -> list[Pinned]:
        """All pinned files, by path. Without `history` that folder is left out (it lies in a database)."""
        found: dict[str, Pinned] = {}
        for name in (*_FIRST, SPOOL):
            self._tree(name, found)
        if history and (self._state / HISTORY / NAME).is_file():
            self._history(found)
        self._tree(SPOOL, found)
        for path in self._entries(self._state):
            if path.name not in (*_FIRST, SPOOL, HISTORY):
                self._tree(path.name, found)
        return [found[path] for path in sorted(found)]

    def _history(self, found: dict[str, Pinned]) -> None:
        self.manifest = read_manifest(self._state / HISTORY)
        for entry in self.manifest.files:
            self._pin(self._state / HISTORY / entry.path, found)
        folder = self._pins / HISTORY
        folder.mkdir(parents=True, exist_ok=True)
        write_manifest(folder, replace(self.manifest, garbage=()))
        self._keep(f"{HISTORY}/{NAME}", folder / NAME, 0o644, found)

    def _tree(self, name: str, found: dict[str, Pinned]) -> None:
        path = self._state / name
        if path.is_dir() and not path.is_symlink():
            for entry in self._entries(path):
                self._tree(str(entry.relative_to(self._state)), found)
        elif path.is_file() and not path.is_symlink():
            self._pin(path, found)

    def _entries(self, folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if not any(fnmatch(path.name, pattern) for pattern in LEFT_OUT):
                yield path

    def _pin(self, path: Path, found: dict[str, Pinned]) -> None:
        name = str(path.relative_to(self._state))
        target = self._pins / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if path.suffix == SQLITE:
                _copy_database(path, target)
            elif not target.exists():
                _link(path, target)
            self._keep(name, target, path.stat().st_mode & 0o777, found)
        except FileNotFoundError:
            # Gone since the folder was read: a file put aside, a segment let go. Pins made before keep it.
            if target.exists():
                self._keep(name, target, target.stat().st_mode & 0o777, found)

    def _keep(self, name: str, pin: Path, mode: int, found: dict[str, Pinned]) -> None:
        found[name] = Pinned(name, pin, pin.stat().st_size, mode)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(path, target)


def _copy_database(path: Path, target: Path) -> None:
    with disk_words("状态文件", path), reading(path) as file, closing(sqlite3.connect(target)) as copy:
        if file is None:
            raise FileNotFoundError(path)
        file.backup(copy)
        # One file without a log beside it: the log is made again when it is opened.
        copy.execute("PRAGMA journal_mode = DELETE")
