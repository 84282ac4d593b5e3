"""The bulk door: whole files by column, checked and located like pushed records, staged as canonical Parquet."""

from __future__ import annotations

import secrets
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.bulk_checks import ColumnChecks, Reasons, with_flags
from data.clock import Clock
from data.history_files import to_rows
from data.mapping import raw_text
from data.masking import mask
from data.pack import Pack
from data.placing import codes_of
from data.quarantine import Quarantine, Refused, kind_of
from data.registry import Registry
from data.shifting import Shift, shifted
from data.sources.files import ColumnChunk

FILE_ROWS = 1_000_000
STALE_S = 86_400.0
_PLACED_BY = {"observation": ("station",), "event": ("lon", "lat", "division"), "indicator": ("division",),
              "asset": ("lon", "lat", "geometry", "properties"), "warning": ()}


@dataclass
class Tally:
    """What became of the files: rows read, rows refused whole, records staged, cells without a value, refused records
    by kind of reason; how they were read.

    columns: column → [cells of mapped rows, missing, refused] where one row makes several records; refused: records
    refused by the checks, by metric (or ''); drifted: how the columns of a file differ from the last one's.
    """

    read: int = 0
    lost: int = 0
    staged: int = 0
    missing: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    columns: dict[str, list[int]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    read_as: Counter[str] = field(default_factory=Counter)
    drifted: str = ""

    @property
    def rejected(self) -> int:
        """Records refused."""
        return self.reasons.total()

    def took(self, chunk: ColumnChunk) -> None:
        """Counts of a chunk as it was mapped."""
        self.missing += chunk.counts.get("missing", 0)
        self.lost += chunk.counts.get("lost", 0)
        for column, counts in chunk.columns.items():
            before = self.columns.get(column, [0, 0, 0])
            self.columns[column] = [old + new for old, new in zip(before, counts, strict=True)]
        if chunk.read_as:
            self.read_as[chunk.read_as] += chunk.read


class Stager:
    """Checks, locates and stages the chunks of one feed's files; staged files lie in `folder`, a fresh one.

    Raises (in every method):
        Unavailable: quarantine cannot be written.
    """

    def __init__(self, pack: Pack, name: str, registry: Registry, clock: Clock, state: Path) -> None:
        feed = pack.feeds[name]
        self._name, self._kind, self._layer, self._clock = name, feed.kind, feed.stations, clock
        self._divisions, self._registry = pack.divisions, registry
        self._checks = ColumnChecks(name, feed, pack, registry)
        self._shift = Shift(feed.crs)
        self._quarantine = Quarantine(state / "quarantine")
        self.folder = fresh_folder(state / "staging")
        self.tally = Tally()
        self.paths: list[Path] = []
        self._open: pq.ParquetWriter | None = None
        self._rows = 0

    def take(self, chunk: ColumnChunk) -> None:
        """Takes a chunk of canonical columns."""
        self.tally.read += chunk.read
        self.tally.took(chunk)
        refused = list(chunk.rejected)
        came = self._sift(chunk.table, self._checks.form(chunk.table), chunk.table, refused)
        table = shifted(came, self._shift)
        codes = self._locate(table)
        bad, frozen = self._checks.judged(table, codes, self._clock.now_us())
        table = self._sift(with_flags(table, frozen).append_column("code", codes), bad, came, refused)
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

    def _sift(self, table: pa.Table, bad: Reasons, came: pa.Table, refused: list[tuple[str, str]]) -> pa.Table:
        """The good rows; the others as they `came`, for what is sent in again is converted again."""
        if not bad:
            return table
        order = sorted(bad)
        for row, position in zip(came.take(pa.array(order)).to_pylist(), order, strict=True):
            said = {name: value for name, value in row.items() if value is not None}
            refused.append((raw_text(said), bad[position]))
            self.tally.refused[row.get("metric") or row.get("indicator") or ""] += 1
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
        codes = codes_of(self._kind, rows, self._divisions, self._registry, self._layer)
        return pa.array(codes, pa.string()).take(coded.indices)

    def _refuse(self, refused: list[tuple[str, str]]) -> None:
        now = self._clock.now_us()
        self._quarantine.put([Refused(self._name, reason, now, raw) for raw, reason in refused])
        self.tally.reasons.update(kind_of(reason) for _, reason in refused)

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


def _masked(column: Any) -> Any:
    coded = column.combine_chunks().dictionary_encode()
    words = [None if word is None else mask(word) for word in coded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(coded.indices)
