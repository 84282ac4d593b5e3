"""The default engine: DuckDB over the Parquet files that the manifest of a folder names."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend

from data.errors import Unavailable
from data.history_dialect import DUCKDB
from data.history_engine import OFFLINE, first_line
from data.history_files import SCHEMA
from data.manifest import NAME, FileEntry, Manifest, read_manifest

_VIEWS = 32
# What a large question took goes back to the system instead of staying with the threads that asked.
GIVE_BACK = {"allocator_background_threads": "true", "allocator_flush_threshold": "32MB"}


class ManifestFile:
    """The manifest of a folder, read again only when the file was replaced. Safe to use from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._manifest = Manifest()
        self._stamp: tuple[int, ...] = ()

    def read(self) -> Manifest:
        """The newest manifest. Raises Unavailable: it is damaged or names a missing file."""
        try:
            found = (self._root / NAME).stat()
        except FileNotFoundError:
            return Manifest()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        with self._lock:
            if stamp != self._stamp:
                self._manifest, self._stamp = read_manifest(self._root), stamp
            return self._manifest


class _Local(threading.local):
    """A thread's own cursor and the views it has made, by the files they show."""

    backend: Backend | None = None
    views: OrderedDict[tuple[str, ...], ibis.Table]


class ParquetEngine:
    """Files of a folder; each thread has its own cursor, and an expression runs in the thread that made it."""

    dialect = DUCKDB
    exact = True

    def __init__(self, root: Path, memory: str = "1GB") -> None:
        self.root = root
        self._file = ManifestFile(root)
        self._database = duckdb.connect(config={"threads": 2, "memory_limit": memory, **OFFLINE, **GIVE_BACK})
        self._local = _Local()

    def manifest(self) -> Manifest:
        """What the manifest names now."""
        return self._file.read()

    def table(self, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
        """A view over exactly these files; kept, because most questions come again with the same files."""
        if not files:
            return ibis.memtable(SCHEMA[kind].empty_table())
        local = self._local
        if local.backend is None:
            local.backend, local.views = ibis.duckdb.from_connection(self._database.cursor()), OrderedDict()
        paths = tuple(str(self.root / entry.path) for entry in files)
        if paths in local.views:
            local.views.move_to_end(paths)
            return local.views[paths]
        try:
            table = local.backend.read_parquet(paths)
        except duckdb.Error as error:
            raise self._unreadable(error) from error
        local.views[paths] = table
        if len(local.views) > _VIEWS:
            _, old = local.views.popitem(last=False)
            local.backend.drop_view(old.get_name(), force=True)
        return table

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over `table`."""
        try:
            return expression.to_pyarrow()
        except duckdb.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: duckdb.Error) -> Unavailable:
        return Unavailable(f"历史 {self.root} 读不出（{first_line(error)}）；请从备份恢复所指的文件")
