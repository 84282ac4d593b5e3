"""Bulk publishes: staged canonical Parquet becomes history, month by month, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from data.history_files import ROW_GROUP, SCHEMA, SORT, describe_file, make_durable, new_path
from data.history_intake import Intake
from data.history_versions import current_rows
from data.manifest import FileEntry, Manifest
from data.records import FIELDS, FROZEN, IDENTITY

# Cast, for a bare 0 is an INTEGER to DuckDB: files of two widths cannot be joined, and numbers pass 2^31.
_NONE = ibis.literal(0).cast("int64")


class BulkJob:
    """One bulk publish of one feed."""

    def __init__(self, backend: Backend, root: Path, kind: str, feed: str, received: int) -> None:
        self.backend, self.root, self.kind, self.feed = backend, root, kind, feed
        self._intake = Intake(backend, kind, feed, received)
        self.written: list[str] = []
        self._known: set[str] = set()

    @property
    def total(self) -> int:
        """Rows staged."""
        return self._intake.total

    def stage(self, paths: list[Path], first_seq: int, manifest: Callable[[], Manifest]) -> list[FileEntry]:
        """Writes the rows that are new or changed, a file per month, not yet shown. Raises WrongInput, OSError."""
        made: list[FileEntry] = []
        seq = first_seq
        for partition, files in self._intake.partitions(paths).items():
            entry = self._write_partition(partition, self._intake.rows(partition, files), seq, manifest())
            if entry is not None:
                made.append(entry)
                seq += entry.rows
        return made

    def settle(self, made: list[FileEntry], manifest: Manifest) -> list[FileEntry]:
        """Leaves out rows whose identity arrived live since they were staged: the live one is newer."""
        settled: list[FileEntry] = []
        for entry in made:
            fresh = [other for other in manifest.of(self.kind) if other.path not in self._known
                     and self.feed in other.feeds and other.partition == entry.partition]
            if fresh:
                mine = self._read([entry.path])
                theirs = self._read([other.path for other in fresh]).filter(ibis._.feed == self.feed)
                left = mine.anti_join(theirs, IDENTITY[self.kind])
                settled += filter(None, [self._write(left, entry.partition, entry.seq0)])
                (self.root / entry.path).unlink()
            else:
                settled.append(entry)
        return settled

    def _write_partition(self, partition: str, staged: ibis.Table, seq: int, manifest: Manifest) -> FileEntry | None:
        known = [entry for entry in manifest.of(self.kind) if entry.partition == partition]
        self._known |= {entry.path for entry in known}
        mine = [entry for entry in known if self.feed in entry.feeds]
        fresh = self._against(staged, mine) if mine else staged.mutate(prev=_NONE)
        return self._write(fresh.mutate(seq=ibis.row_number() + seq), partition, seq)

    def _against(self, staged: ibis.Table, mine: list[FileEntry]) -> ibis.Table:
        """Rows without a current version, and rows that differ from it, with its number as prev."""
        names = [spec.name for spec in FIELDS[self.kind]]
        existing = current_rows(self._read([entry.path for entry in mine]), mine).filter(ibis._.feed == self.feed)
        old = existing.select("seq", *names).rename({f"old_{name}": name for name in ("seq", *names)})
        joined = staged.left_join(old, [staged[name] == old[f"old_{name}"] for name in IDENTITY[self.kind]])
        same = [_said(name, joined[name]).identical_to(_said(name, joined[f"old_{name}"])) for name in names
                if name not in IDENTITY[self.kind]]
        changed = ~ibis.and_(*same) | joined.old_seq.isnull()
        return joined.filter(changed).mutate(prev=joined.old_seq.fill_null(0))

    def _read(self, paths: list[str]) -> ibis.Table:
        return self.backend.read_parquet([str(self.root / path) for path in paths])

    def _write(self, rows: ibis.Table, partition: str, seq: int) -> FileEntry | None:
        self.written.append(new_path(self.kind, partition, seq))
        return write_parquet(self.backend, self.root, self.kind, self.written[-1], rows)

    def discard(self) -> None:
        """Removes what was written: the publish failed."""
        for path in self.written:
            (self.root / path).unlink(missing_ok=True)


def _said(name: str, column: ibis.Value) -> ibis.Value:
    """The sender's own word, as `records.said_quality`: our flag makes no new version."""
    return column.re_replace(rf"\+{FROZEN}$", "").nullif("") if name == "quality" else column


def write_parquet(backend: Backend, root: Path, kind: str, path: str, rows: ibis.Table) -> FileEntry | None:
    """Writes an expression as one sorted, durable file and describes it; None (and no file) if it is empty."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    typed = rows.select(SCHEMA[kind].names).cast(ibis.Schema.from_pyarrow(SCHEMA[kind]))
    ordered = typed.order_by([*SORT[kind], "seq"])
    backend.to_parquet(ordered, root / path, compression="zstd", row_group_size=ROW_GROUP)
    if not pq.read_metadata(root / path).num_rows:
        (root / path).unlink()
        return None
    make_durable(root / path)
    return describe_file(root, kind, path)
