"""Compaction: many small files of a partition become one, in steps so that a row is rewritten only a few times."""

from __future__ import annotations

from pathlib import Path

from ibis.backends.duckdb import Backend

from data.history_bulk import write_parquet
from data.history_files import new_path
from data.manifest import FileEntry, Manifest

MOST = 24
# A file is merged with others of its step only: live commits first, then what they became.
STEPS = (250_000, 4_000_000)


def mergeable(manifest: Manifest) -> list[tuple[FileEntry, ...]]:
    """Groups of more than MOST files of one kind, partition and step."""
    groups: dict[tuple[str, str, int], list[FileEntry]] = {}
    for entry in manifest.files:
        step = sum(entry.rows >= limit for limit in STEPS)
        if step < len(STEPS):
            groups.setdefault((entry.kind, entry.partition, step), []).append(entry)
    return [tuple(group) for group in groups.values() if len(group) > MOST]


def merge(backend: Backend, root: Path, group: tuple[FileEntry, ...]) -> list[FileEntry]:
    """Writes all rows of the group as one sorted file, not yet shown."""
    first = group[0]
    rows = backend.read_parquet([str(root / entry.path) for entry in group])
    path = new_path(first.kind, first.partition, min(entry.seq0 for entry in group))
    entry = write_parquet(backend, root, first.kind, path, rows)
    if entry is None or entry.rows != sum(part.rows for part in group):
        raise RuntimeError(f"合并 {first.kind}/{first.partition} 后行数不符，已放弃，原文件未动")
    return [entry]
