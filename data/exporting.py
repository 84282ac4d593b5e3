"""An export of the history: every version of the chosen rows as Parquet or CSV, and a list that says what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import ibis
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from data.checksums import checksum
from data.errors import Unavailable, WrongInput
from data.history import HistoryReader
from data.history_bulk import write_parquet
from data.history_engine import engine
from data.history_files import ALL, SCHEMA
from data.manifest import FileEntry, month_bounds
from data.records import DAY_OF, FIELDS, KINDS, META

FORM = 1
LIST = "export.json"
FORMATS = ("parquet", "csv")
BATCH = 50_000
EVER_US = 1 << 62
# What a spreadsheet would take for a formula.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"


@dataclass(frozen=True)
class Wanted:
    """Which rows: kinds and feeds (empty = all), own time in [start, end), received up to known_at; µs UTC."""

    kinds: tuple[str, ...] = KINDS
    feeds: tuple[str, ...] = ()
    start_us: int = -EVER_US
    end_us: int = EVER_US
    known_at_us: int | None = None


@dataclass(frozen=True)
class Part:
    """One file of an export: rows of one kind, feed and partition (UTC month or all), with its checksum."""

    path: str
    kind: str
    feed: str
    partition: str
    rows: int
    seq0: int
    seq1: int
    received1: int
    demo: bool
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Export:
    """What export.json says: place, program version, who, when (RFC 3339), what was asked, parts."""

    place: dict[str, str]
    program: str
    who: str
    made: str
    format: str
    asked: dict[str, Any]
    data_time: str = ""
    demo: bool = False
    parts: tuple[Part, ...] = field(default=())

    def text(self) -> bytes:
        """The file's content."""
        return orjson.dumps({"form": FORM, **asdict(self)}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_list(folder: Path) -> Export:
    """What an export says of itself.

    Raises:
        WrongInput: no export, damaged, or of a form that this program does not know.
    """
    path = folder / LIST
    try:
        raw = orjson.loads(path.read_bytes())
        form = raw.pop("form")
        if form != FORM:
            raise WrongInput(f"{path} 的格式是 {form!r:.20}，本程序只认 {FORM}；请用导出它的那一版程序，或升级本程序")
        parts = tuple(Part(**part) for part in raw.pop("parts"))
        found = Export(**raw, parts=parts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"{folder} 不是历史导出目录，或其中的 {LIST} 已损坏（{error!s:.80}）"
        raise WrongInput(f"{what}；请指向 history export 所得的目录") from error
    for part in found.parts:
        if part.kind not in KINDS or Path(part.path).is_absolute() or ".." in Path(part.path).parts:
            raise WrongInput(f"{path} 里的条目 {part.path!r:.60} 不合规，清单已损坏或被改动；请重新取得这份导出")
    return found


class Exporter:
    """Writes parts one after the other under `folder`; memory stays bounded, DuckDB sorts within 1 GB and spills.

    root: the folder of the history; None where it does not lie in files: then a feed's month is in memory at a time.

    All rows whose number was given before the start are taken; what comes meanwhile is left out.
    """

    def __init__(self, reader: HistoryReader, root: Path | None, folder: Path, wanted: Wanted) -> None:
        self._reader, self._root, self._folder, self._wanted = reader, root, folder, wanted
        self._last = reader.manifest().last_seq

    def plan(self) -> list[tuple[str, str, str]]:
        """(kind, partition, feed) of what may hold wanted rows."""
        found = {(entry.kind, entry.partition, feed) for kind in self._wanted.kinds for entry in self._files(kind)
                 for feed in entry.feeds if not self._wanted.feeds or feed in self._wanted.feeds}
        return sorted(found)

    def _files(self, kind: str, partition: str = "") -> list[FileEntry]:
        files = self._reader.manifest().of(kind, self._wanted.start_us, self._wanted.end_us)
        return [entry for entry in files if not partition or entry.partition == partition]

    def part(self, kind: str, partition: str, feed: str) -> Part | None:
        """Writes one part; None where no row is wanted. Raises Unavailable, OSError."""
        path = f"{kind}/{partition}/{feed}.parquet"
        # A compaction may take files away while they are read here: the next manifest names what holds their rows.
        for last in (False, True):
            try:
                entry = self._written(kind, partition, feed, path)
                break
            except Unavailable:
                if last:
                    raise
        if entry is None:
            return None
        told = pq.read_table(self._folder / path, columns=["demo"])["demo"]
        digest, size = checksum(self._folder / path)
        return Part(path, kind, feed, partition, entry.rows, entry.seq0, entry.seq1, entry.received1,
                    bool(pc.any(told).as_py()), digest, size)

    def _written(self, kind: str, partition: str, feed: str, path: str) -> FileEntry | None:
        files = [entry for entry in self._files(kind, partition) if feed in entry.feeds]
        if not files:
            return None
        with engine(self._folder) as backend:
            if self._root is None:
                rows = ibis.memtable(self._reader.run(self._chosen(self._of(partition, kind, files), kind, feed)))
            else:
                every = backend.read_parquet([str(self._root / entry.path) for entry in files])
                rows = self._chosen(every, kind, feed)
            return write_parquet(backend, self._folder, kind, path, rows)

    def _of(self, partition: str, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
        """All versions of a partition, of a history that does not lie in files."""
        rows = self._reader.versions(kind, files)
        if partition == ALL:
            return rows
        start, end = month_bounds(partition)
        return rows.filter(rows[DAY_OF[kind]] >= start, rows[DAY_OF[kind]] < end)

    def _chosen(self, rows: ibis.Table, kind: str, feed: str) -> ibis.Table:
        rows = rows.filter(rows.feed == feed, rows.seq <= self._last)
        if self._wanted.known_at_us is not None:
            rows = rows.filter(rows.received <= self._wanted.known_at_us)
        if DAY_OF[kind] and (self._wanted.start_us, self._wanted.end_us) != (-EVER_US, EVER_US):
            time = rows[DAY_OF[kind]]
            rows = rows.filter(time >= self._wanted.start_us, time < self._wanted.end_us)
        return rows


def tables(kind: str, path: Path) -> Iterator[pa.Table]:
    """A part in pieces, all in SCHEMA: what wrote the part may say of a column that it is never empty."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            yield pa.Table.from_batches([batch]).cast(SCHEMA[kind])


def as_csv(kind: str, table: pa.Table, zone: str) -> pa.Table:
    """Columns as people read them: local times, and no text that a spreadsheet would execute."""
    for spec in (*META, *FIELDS[kind]):
        at = table.schema.get_field_index(spec.name)
        column = table[spec.name]
        if spec.type == "time":
            instant = column.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))
            table = table.set_column(at, spec.name, pc.strftime(instant, format="%Y-%m-%dT%H:%M:%S%z"))
        elif spec.type in ("text", "json"):
            odd = pc.match_substring_regex(column, _FORMULA)
            quoted = pc.binary_join_element_wise("'", column, "")
            table = table.set_column(at, spec.name, pc.if_else(odd, quoted, column))
    return table


def write_csv(kind: str, pieces: Iterator[pa.Table], out: BinaryIO, zone: str) -> None:
    """Writes rows of a kind as CSV in UTF-8 with a mark that spreadsheets know."""
    out.write(b"\xef\xbb\xbf")
    header = True
    for piece in pieces:
        options = pyarrow.csv.WriteOptions(include_header=header)
        pyarrow.csv.write_csv(as_csv(kind, piece, zone), out, options)
        header = False


def part_as_csv(folder: Path, part: Part, zone: str) -> Part:
    """Replaces a part by the same rows as CSV."""
    path = folder / part.path
    with path.with_suffix(".csv").open("xb") as out:
        write_csv(part.kind, tables(part.kind, path), out, zone)
    path.unlink()
    digest, size = checksum(path.with_suffix(".csv"))
    return replace(part, path=str(Path(part.path).with_suffix(".csv")), sha256=digest, bytes=size)


def write_one(folder: Path, parts: Sequence[Part], target: Path, zone: str) -> Part:
    """Joins the parts of one kind into one file, Parquet or CSV by its suffix, for the owner alone."""
    pieces = (piece for part in parts for piece in tables(part.kind, folder / part.path))
    # Beside the parts until it is whole: a full disk leaves no half of a file under its name.
    whole = folder / target.name
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        if target.suffix == ".csv":
            write_csv(parts[0].kind, pieces, out, zone)
        else:
            first = next(pieces)
            with pq.ParquetWriter(out, first.schema, compression="zstd") as writer:
                writer.write_table(first)
                for piece in pieces:
                    writer.write_table(piece)
    feeds, partitions = ({getattr(part, name) for part in parts} for name in ("feed", "partition"))
    told = Part(target.name, parts[0].kind, "、".join(sorted(feeds)), "、".join(sorted(partitions)),
                sum(part.rows for part in parts), min(part.seq0 for part in parts), max(part.seq1 for part in parts),
                max(part.received1 for part in parts), any(part.demo for part in parts), *checksum(whole))
    whole.rename(target)
    return told


Step = Callable[[float], object]


def export_parts(work: Exporter, step: Step) -> list[Part]:
    """All parts of an export; `step` hears of each."""
    found = []
    for kind, partition, feed in work.plan():
        part = work.part(kind, partition, feed)
        if part is not None:
            found.append(part)
        step(1)
    return found
