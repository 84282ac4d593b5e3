"""Reading the history: questions as Ibis expressions over DuckDB, run on the files that the manifest names."""

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
from data.event_facts import FACTS, facts
from data.history_engine import OFFLINE, epoch_us, first_line, make_timestamp
from data.history_files import SCHEMA, to_rows
from data.history_span import MONTH, Span
from data.history_versions import current_rows
from data.identities import digests
from data.manifest import NAME, FileEntry, Manifest, read_manifest
from data.records import DAY_OF, FIELDS, Row
from data.steps import shift_of

BUCKETS = pa.schema([("station", pa.string()), ("metric", pa.string()), ("code", pa.string()), ("bucket", pa.int64()),
                     ("n", pa.int64()), ("total", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
                     ("last", pa.float64()), ("last_time", pa.int64())])
_VIEWS = 32


class _Local(threading.local):
    """A thread's own cursor and the views it has made, by the files they show."""

    backend: Backend | None = None
    views: OrderedDict[tuple[str, ...], ibis.Table]

# What a large question took goes back to the system instead of staying with the threads that asked.
GIVE_BACK = {"allocator_background_threads": "true", "allocator_flush_threshold": "32MB"}


class HistoryReader:
    """Answers questions to the history; safe to use from several threads, each has its own cursor.

    Raises (in every method):
        Unavailable: the manifest is damaged, names a missing file, or a file cannot be read.
    """

    def __init__(self, root: Path, memory: str = "1GB") -> None:
        self.root = root
        self._database = duckdb.connect(config={"threads": 2, "memory_limit": memory, **OFFLINE, **GIVE_BACK})
        self._lock = threading.Lock()
        self._local = _Local()
        self._manifest = Manifest()
        self._stamp: tuple[int, ...] = ()

    def manifest(self) -> Manifest:
        """The newest manifest; read again only when the file was replaced."""
        try:
            found = (self.root / NAME).stat()
        except FileNotFoundError:
            return Manifest()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        with self._lock:
            if stamp != self._stamp:
                self._manifest, self._stamp = read_manifest(self.root), stamp
            return self._manifest

    def table(self, kind: str, known_at_us: int | None = None) -> ibis.Table:
        """Current rows of a kind, META and FIELDS columns; run the expression with `run`, in the same thread."""
        return self._current(kind, self.manifest().of(kind), known_at_us)

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression made from `table` in this thread."""
        try:
            return expression.to_pyarrow()
        except duckdb.Error as error:
            raise Unavailable(f"历史 {self.root} 读不出（{first_line(error)}）；请从备份恢复所指的文件") from error

    def rows(self, kind: str, span: Span, feeds: Sequence[str] | None = None,
             columns: Sequence[str] | None = None) -> pa.Table:
        """Current rows whose DAY_OF time lies in the span (kinds without a day: all), in no order; steps are ignored.

        Args:
            kind: record kind.
            span: stretch of time, and as known when.
            feeds: only these feeds; None = all.
            columns: only these columns; None = META and FIELDS.
        """
        names = list(columns) if columns is not None else list(SCHEMA[kind].names)
        table = self._within(kind, span, feeds)
        if table is None:
            return pa.schema([SCHEMA[kind].field(name) for name in names]).empty_table()
        return self.run(table.select(names))

    def observation_buckets(self, metrics: Sequence[str], feeds: Sequence[str], span: Span) -> pa.Table:
        """Sums of metrics per station, code and bucket; empty where nothing was delivered.

        Returns:
            station, metric, code, bucket (its start, µs UTC; the span's start when step_us is 0), n, total, low, high,
            last (the value at last_time), last_time.
        """
        table = self._within("observation", span, feeds, metrics)
        if table is None:
            return BUCKETS.empty_table()
        value, time = table.value, table.time
        grouped = table.group_by(table.station, table.metric, table.code, bucket=_bucket(time, span))
        return self.run(grouped.agg(n=table.count(), total=value.sum(), low=value.min(), high=value.max(),
                                    last=value.argmax(time), last_time=time.max())).cast(BUCKETS)

    def event_facts(self, span: Span) -> pa.Table:
        """Events as their changes within the span left them, a row an event, columns of event_facts.FACTS."""
        table = self._within("event", span)
        return FACTS.empty_table() if table is None else self.run(facts(table).select(FACTS.names)).cast(FACTS)

    def changes_of(self, ids: Sequence[str], span: Span) -> pa.Table:
        """Current rows of these events with their stage_time in the span."""
        table = self._within("event", span)
        if table is None:
            return SCHEMA["event"].empty_table()
        return self.run(table.filter(table.id.isin(list(ids))).select(list(SCHEMA["event"].names)))

    def identities(self, kind: str, feed: str, start_us: int, end_us: int) -> list[tuple[bytes, bytes, int]]:
        """(records.identity, records.content, seq) of a feed's current rows with their DAY_OF time in [start, end)."""
        names = ["seq", *(spec.name for spec in FIELDS[kind])]
        return digests(kind, feed, self.rows(kind, Span(start_us, end_us), [feed], names))

    def current(self, kind: str, known_at_us: int | None = None) -> list[Row]:
        """All current rows as dicts, json decoded, by seq; for the small kinds asset, indicator, warning."""
        table = self.table(kind, known_at_us)
        return to_rows(kind, self.run(table.order_by(table.seq)))

    def current_assets(self) -> list[Row]:
        """All current assets as dicts."""
        return self.current("asset")

    def _within(self, kind: str, span: Span, feeds: Sequence[str] | None = None,
                metrics: Sequence[str] = ()) -> ibis.Table | None:
        """Current rows of the span; None where no file can hold any."""
        files = self.manifest().of(kind, span.start_us, span.end_us)
        if feeds is not None:
            files = tuple(entry for entry in files if not set(feeds).isdisjoint(entry.feeds))
        if not files:
            return None
        table = self._current(kind, files, span.known_at_us)
        if metrics:
            table = table.filter(table.metric.isin(list(metrics)))
        if feeds is not None and any(not set(entry.feeds) <= set(feeds) for entry in files):
            table = table.filter(table.feed.isin(list(feeds)))
        if DAY_OF[kind]:
            time = table[DAY_OF[kind]]
            table = table.filter(time >= span.start_us, time < span.end_us)
        return table

    def _current(self, kind: str, files: Sequence[FileEntry], known_at_us: int | None) -> ibis.Table:
        return current_rows(self._view(kind, files), files, known_at_us)

    def _view(self, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
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
            raise Unavailable(f"历史 {self.root} 读不出（{first_line(error)}）；请从备份恢复所指的文件") from error
        local.views[paths] = table
        if len(local.views) > _VIEWS:
            _, old = local.views.popitem(last=False)
            local.backend.drop_view(old.get_name(), force=True)
        return table


def _bucket(time: ibis.Column, span: Span) -> ibis.Column:
    """Start of the bucket that holds a time, as steps.bucket_start."""
    if not span.step_us:
        return ibis.literal(span.start_us, "int64")
    if span.step_us == MONTH:
        return epoch_us(make_timestamp(time + span.offset_us).truncate("M")) - span.offset_us
    shift = span.offset_us + shift_of(span.step_us)
    return (time + shift) // span.step_us * span.step_us - shift
