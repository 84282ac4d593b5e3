"""Small private files of the state folder that several processes share: SQLite with every commit on disk."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import Unavailable
from data.manifest import sync_folder

log = logging.getLogger("yiping.files")
BUSY_S = 10.0


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """A writing connection, for several threads under the caller's lock; commits are synced (WAL, synchronous FULL).

    A file that is damaged is put aside and a new one begun: what it held can be looked at by hand.

    Raises:
        Unavailable: the disk refuses.
    """
    with disk_words("状态文件", path):
        try:
            return _opened(path, schema)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            aside = path.with_name(f"{path.name}.damaged-{path.stat().st_mtime_ns}")
            log.error("%s is damaged (%s) and was put aside as %s", path, error, aside.name)
            path.rename(aside)
            for more in ("-wal", "-shm"):
                path.with_name(path.name + more).unlink(missing_ok=True)
            return _opened(path, schema)


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    sync_folder(path.parent)
    file = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        file.executescript(schema)
    except sqlite3.Error:
        file.close()
        raise
    return file


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A reading connection for one look; None while there is no such file yet.

    Raises:
        Unavailable: the file cannot be read now.
    """
    if not path.is_file():
        yield None
        return
    with disk_words("状态文件", path):
        file = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_S, check_same_thread=False)
        file.row_factory = sqlite3.Row
        try:
            yield file
        finally:
            file.close()


@contextmanager
def disk_words(what: str, path: Path) -> Iterator[None]:
    """SQLite's complaints as our own sentence."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise Unavailable(f"{what}写不进磁盘（{error}）；请腾出 {path.parent} 所在磁盘的空间、核对权限") from error
