"""Replacing files of the history by others made from them: what a merge of versions and retention need of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ibis
from ibis.backends.duckdb import Backend

from data.history_bulk import write_parquet
from data.history_files import new_path
from data.manifest import FileEntry, Load, Manifest


class Rework:
    """One change of the history: files `made`, files `gone`, both shown by one rename; `load` tells readers of it.

    manifest: everything committed so far. What comes live meanwhile goes into further files, which stay as they are.
    """

    def __init__(self, backend: Backend, root: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.made: list[FileEntry] = []
        self.gone: list[FileEntry] = []
        self.load: Load | None = None
        self._backend, self._root = backend, root

    def files(self, kind: str, partition: str) -> list[FileEntry]:
        """The files of a partition."""
        return [entry for entry in self.manifest.files if entry.kind == kind and entry.partition == partition]

    def rows(self, files: Sequence[FileEntry]) -> ibis.Table:
        """All rows of files of one kind, versions included."""
        return self.read([self._root / entry.path for entry in files])

    def read(self, paths: Sequence[Path]) -> ibis.Table:
        """Rows of any Parquet files in the columns of a kind."""
        return self._backend.read_parquet([str(path) for path in paths])

    def write(self, kind: str, partition: str, rows: ibis.Table) -> int:
        """Writes rows of a partition as one file, not yet shown; how many there are."""
        entry = write_parquet(self._backend, self._root, kind, new_path(kind, partition, 0), rows)
        if entry is None:
            return 0
        self.made.append(entry)
        return entry.rows
