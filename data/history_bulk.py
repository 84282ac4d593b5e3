"""Bulk publishes: staged canonical Parquet becomes history, month by month, with bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from data.errors import WrongInput
from data.history_engine import TEMPORARY, epoch_us
from data.history_files import ALL, ROW_GROUP, SCHEMA, SORT, describe_file, make_durable, new_path
from data.history_staged import check_staged
from data.history_versions import current_rows
from data.manifest import DAY_US, FileEntry, Manifest, month_bounds, month_of
from data.records import DAY_OF, FIELDS, FROZEN, IDENTITY

_ORDER = ("filename", "file_row_number")


class BulkJob:
    """One bulk publish of one feed. total: rows staged."""

    def __init__(self, backend: Backend, root: Path, kind: str, feed: str, received: int) -> None:
        self.backend, self.root, self.kind, self.feed, self.received = backend, root, kind, feed, received
        self.total = 0
        self.written: list[str] = []
        self._known: set[str] = set()

    def stage(self, paths: list[Path], first_seq: int, manifest: Callable[[], Manifest]) -> list[FileEntry]:
        """Writes the rows that are new or changed, a file per month, not yet shown. Raises WrongInput, OSError."""
        linked = self._link(paths)
        made: list[FileEntry] = []
        seq = first_seq
        for partition, files in sorted(self._partitions(linked).items()):
            entry = self._write_partition(partition, files, seq, manifest())
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

    def _link(self, paths: list[Path]) -> list[str]:
        """The files under names whose order is the order given, because the last row of an identity counts."""
        folder = Path(self.backend.settings["temp_directory"])
        folder = self.root / TEMPORARY / folder.name
        linked = []
        for number, path in enumerate(paths):
            check_staged(self.kind, path)
            target = folder / f"{number:06d}.parquet"
            try:
                os.link(path, target)
            except OSError:
                target.symlink_to(path.resolve())
            linked.append(str(target))
        return linked

    def _staged(self, files: list[str]) -> ibis.Table:
        """The staged rows in the types of SCHEMA, without numbers, with filename and file_row_number."""
        raw = self.backend.read_parquet(files, union_by_name=True, filename=True, file_row_number=True)
        columns = {}
        for spec in SCHEMA[self.kind]:
            if spec.name in raw.columns:
                column = raw[spec.name]
                moment = column.type().is_timestamp()
                columns[spec.name] = epoch_us(column) if moment else column.cast(_ibis_type(spec.type))
            else:
                columns[spec.name] = ibis.null(_ibis_type(spec.type))
        columns |= {"feed": ibis.literal(self.feed), "code": columns["code"].fill_null(""),
                    "demo": columns["demo"].fill_null(False)}
        # Only simulated records may say when they were received; all others were received now.
        columns["received"] = ibis.ifelse(columns["demo"], columns["received"], None).fill_null(self.received)
        del columns["seq"], columns["prev"]
        return raw.select(**columns, filename=raw.filename, file_row_number=raw.file_row_number)

    def _partitions(self, files: list[str]) -> dict[str, list[str]]:
        """Which files hold rows of which partition; counts the rows and refuses empty required fields."""
        staged = self._staged(files)
        required = [spec.name for spec in FIELDS[self.kind] if spec.required]
        day = staged[DAY_OF[self.kind]] // DAY_US if DAY_OF[self.kind] else ibis.literal(0)
        counts = {f"empty_{name}": staged[name].isnull().sum() for name in required}
        found = staged.group_by(staged.filename, day=day).agg(n=staged.count(), **counts).to_pyarrow().to_pylist()
        chosen: dict[str, list[str]] = {}
        for row in found:
            for name in required:
                if row[f"empty_{name}"]:
                    raise WrongInput(f"{row[f'empty_{name}']} 行的 {name} 为空，它是必填的；请补上或去掉这些行")
            self.total += row["n"]
            partition = month_of(row["day"]) if DAY_OF[self.kind] else ALL
            chosen.setdefault(partition, []).append(row["filename"])
        return {partition: sorted(set(names)) for partition, names in chosen.items()}

    def _write_partition(self, partition: str, files: list[str], seq: int, manifest: Manifest) -> FileEntry | None:
        staged = self._staged(files)
        if partition != ALL:
            start, end = month_bounds(partition)
            time = staged[DAY_OF[self.kind]]
            staged = staged.filter(time >= start, time < end)
        staged = self._last_of_each(staged)
        known = [entry for entry in manifest.of(self.kind) if entry.partition == partition]
        self._known |= {entry.path for entry in known}
        mine = [entry for entry in known if self.feed in entry.feeds]
        fresh = self._against(staged, mine) if mine else staged.mutate(prev=ibis.literal(0, "int64"))
        return self._write(fresh.mutate(seq=ibis.row_number() + seq), partition, seq)

    def _last_of_each(self, staged: ibis.Table) -> ibis.Table:
        identity = list(IDENTITY[self.kind])
        doubled = staged.group_by(identity).agg(n=staged.count()).filter(ibis._.n > 1).limit(1)
        if not doubled.to_pyarrow().num_rows:
            return staged
        place = ibis.row_number().over(group_by=identity, order_by=[ibis.desc(name) for name in _ORDER])
        return staged.mutate(place=place).filter(ibis._.place == 0)

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
    ordered = rows.select(SCHEMA[kind].names).order_by([*SORT[kind], "seq"])
    backend.to_parquet(ordered, root / path, compression="zstd", row_group_size=ROW_GROUP)
    if not pq.read_metadata(root / path).num_rows:
        (root / path).unlink()
        return None
    make_durable(root / path)
    return describe_file(root, kind, path)


def _ibis_type(arrow: pa.DataType) -> str:
    return {pa.string(): "string", pa.float64(): "float64", pa.int64(): "int64", pa.bool_(): "boolean"}[arrow]
