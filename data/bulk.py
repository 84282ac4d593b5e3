"""The bulk door: whole files by column, checked and located like pushed records, staged as canonical Parquet."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.bulk_checks import ColumnChecks, Reasons
from data.clock import Clock
from data.history_files import JSON, to_rows
from data.history_staged import first_wrong
from data.mapped_columns import canonical_schema
from data.mapping import raw_text
from data.masking import mask
from data.pack import Feed, Pack
from data.placing import codes_of
from data.quarantine import Quarantine, Refused
from data.records import FIELDS
from data.registry import Registry
from data.sources.files import ColumnChunk, read_columns

CHUNK_ROWS = 200_000
FILE_ROWS = 1_000_000
STALE_S = 86_400.0
_PLACED_BY = {"observation": ("station",), "event": ("lon", "lat", "division"), "indicator": ("division",),
              "asset": ("lon", "lat", "geometry", "properties"), "warning": ()}


@dataclass
class Tally:
    """What became of the files: rows read, records staged, cells without a value, refused records by kind of reason."""

    read: int = 0
    staged: int = 0
    missing: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """Records refused."""
        return self.reasons.total()


class Stager:
    """Checks, locates and stages the chunks of one feed's files; staged files lie in `folder`, a fresh one.

    Raises (in every method):
        Unavailable: quarantine cannot be written.
    """

    def __init__(self, pack: Pack, name: str, registry: Registry, clock: Clock, state: Path) -> None:
        feed = pack.feeds[name]
        self._name, self._kind, self._clock = name, feed.kind, clock
        self._divisions, self._registry = pack.divisions, registry
        self._checks = ColumnChecks(feed, pack.divisions, registry)
        self._quarantine = Quarantine(state / "quarantine")
        self.folder = fresh_folder(state / "staging")
        self.tally = Tally()
        self.paths: list[Path] = []
        self._open: pq.ParquetWriter | None = None
        self._rows = 0

    def take(self, chunk: ColumnChunk) -> None:
        """Takes a chunk of canonical columns."""
        self.tally.read += chunk.read
        self.tally.missing += chunk.counts.get("missing", 0)
        refused = list(chunk.rejected)
        table = self._sift(chunk.table, self._checks.form(chunk.table), refused)
        codes = self._locate(table)
        bad = self._checks.refused(table, codes, self._clock.now_us())
        table = self._sift(table.append_column("code", codes), bad, refused)
        if "reporter" in table.column_names:
            table = table.set_column(table.schema.get_field_index("reporter"), "reporter", _masked(table["reporter"]))
        self._refuse(refused)
        if table.num_rows:
            self._write(table)

    def finish(self) -> list[Path]:
        """Closes the last file; the staged files in the order they were read."""
        if self._open is not None:
            self._open.close()
            self._open = None
        return self.paths

    def _sift(self, table: pa.Table, bad: Reasons, refused: list[tuple[str, str]]) -> pa.Table:
        if not bad:
            return table
        order = sorted(bad)
        kept = [name for name in table.column_names if name != "code"]
        for row, position in zip(table.select(kept).take(pa.array(order)).to_pylist(), order, strict=True):
            said = {name: value for name, value in row.items() if value is not None}
            refused.append((raw_text(said), bad[position]))
        keep = np.ones(table.num_rows, bool)
        keep[order] = False
        return table.filter(pa.array(keep))

    def _locate(self, table: pa.Table) -> pa.Array:
        """Division of each row; stations and divisions are looked up once each."""
        columns = _PLACED_BY[self._kind]
        if len(columns) != 1:
            rows = to_rows(self._kind, table.select(columns)) if columns else [{}] * table.num_rows
            return pa.array(codes_of(self._kind, rows, self._divisions, self._registry), pa.string())
        coded = table[columns[0]].combine_chunks().dictionary_encode()
        rows = [{columns[0]: word} for word in coded.dictionary.to_pylist()]
        codes = codes_of(self._kind, rows, self._divisions, self._registry)
        return pa.array(codes, pa.string()).take(coded.indices)

    def _refuse(self, refused: list[tuple[str, str]]) -> None:
        now = self._clock.now_us()
        self._quarantine.put([Refused(self._name, reason, now, raw) for raw, reason in refused])
        self.tally.reasons.update(kind_of_reason(reason) for _, reason in refused)

    def _write(self, table: pa.Table) -> None:
        if self._open is None or self._rows >= FILE_ROWS:
            self.finish()
            self.paths.append(self.folder / f"{len(self.paths):06d}.parquet")
            self._open, self._rows = pq.ParquetWriter(self.paths[-1], table.schema, compression="zstd"), 0
        self._open.write_table(table)
        self._rows += table.num_rows
        self.tally.staged += table.num_rows


def fresh_folder(root: Path) -> Path:
    """A new private folder under `root`; folders that a killed import left a day ago are removed."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > STALE_S:
            shutil.rmtree(old, ignore_errors=True)
    folder = root / secrets.token_hex(8)
    folder.mkdir(mode=0o700)
    return folder


def chunks(path: Path, feed: Feed, clock: Clock) -> Iterator[ColumnChunk]:
    """The file in canonical columns; Parquet that is canonical already passes without the mapping.

    Raises:
        WrongInput: the file as a whole cannot be understood.
    """
    rule = feed.map
    plain = not (rule.fields or rule.values or rule.time_columns or rule.constants or rule.codes or JSON[feed.kind])
    file = _parquet(path) if plain else None
    if file is None or not _is_canonical(feed.kind, file.schema_arrow):
        yield from read_columns(path, feed, clock)
        return
    with file:
        done, size = 0, path.stat().st_size
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            done += batch.num_rows
            yield ColumnChunk(_canonical(feed.kind, pa.Table.from_batches([batch])), read=batch.num_rows,
                              done_bytes=size * done // max(file.metadata.num_rows, 1), total_bytes=size)


def _is_canonical(kind: str, schema: pa.Schema) -> bool:
    """True for canonical columns whose times need no zone."""
    return not first_wrong(kind, schema) and not any(pa.types.is_timestamp(spec.type) and not spec.type.tz
                                                     for spec in schema)


def _parquet(path: Path) -> pq.ParquetFile | None:
    if path.suffix.lower() not in (".parquet", ".pq"):
        return None
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException):
        return None


def _canonical(kind: str, table: pa.Table) -> pa.Table:
    """The columns in the kind's types; empty texts are no value. `received` stays where a file has it."""
    schema = canonical_schema(kind)
    if "received" in table.column_names:
        schema = schema.append(pa.field("received", pa.int64()))
    arrays = [_cast(table[spec.name], spec.type) if spec.name in table.column_names else
              pa.nulls(table.num_rows, spec.type) for spec in schema]
    made = pa.Table.from_arrays(arrays, schema=schema)
    return made.set_column(len(FIELDS[kind]), schema.field("demo"), made["demo"].fill_null(False))


def _cast(column: Any, wanted: pa.DataType) -> Any:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    column = column.cast(wanted)
    if wanted == pa.string() and pc.any(pc.equal(column, "")).as_py():
        column = pc.if_else(pc.equal(column, ""), None, column)
    return column


def _masked(column: Any) -> Any:
    coded = column.combine_chunks().dictionary_encode()
    words = [None if word is None else mask(word) for word in coded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(coded.indices)


def kind_of_reason(reason: str) -> str:
    """A reason without the values in it, so that equal faults are counted together."""
    text = re.sub(r"(不认识的\S+) .*", r"\1", re.split("[;;]", reason)[0])
    return re.sub(r"(?<![A-Za-z_0-9.])\d[\d.]*", "#", text)[:80]
