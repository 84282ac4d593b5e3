"""Reading the history: questions as Ibis expressions, the same for every engine that holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import ibis
import pyarrow as pa

from data.event_facts import FACTS, facts
from data.history_dialect import Dialect, floored
from data.history_files import SCHEMA, to_rows
from data.history_parquet import ParquetEngine
from data.history_span import MONTH, Span
from data.history_versions import current_rows
from data.identities import digests
from data.manifest import FileEntry, Manifest
from data.records import DAY_OF, FIELDS, Row
from data.steps import shift_of

BUCKETS = pa.schema([("station", pa.string()), ("metric", pa.string()), ("code", pa.string()), ("bucket", pa.int64()),
                     ("n", pa.int64()), ("total", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
                     ("last", pa.float64()), ("last_time", pa.int64())])


class Engine(Protocol):
    """What holds a history and answers Ibis expressions over it; safe to use from several threads.

    Its methods raise Unavailable, with one sentence, and never with a password in it.

    Attributes:
        dialect: how it says what Ibis has no name for.
        exact: a table shows the rows of the files asked for and no others; else all rows of the kind there are by now.
    """

    dialect: Dialect
    exact: bool

    def manifest(self) -> Manifest:
        """What the history holds now; cheap to ask again."""
        ...

    def table(self, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
        """All rows of a kind, META and FIELDS columns, in (at least) these entries of the manifest."""
        ...

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over `table`, made in this thread."""
        ...


class HistoryReader:
    """Answers questions to the history; safe to use from several threads.

    Args:
        engine: what holds the history, or the folder of one in Parquet files.

    Raises (in every method):
        Unavailable: the history cannot be reached or read.
    """

    def __init__(self, engine: Engine | Path) -> None:
        self._engine: Engine = ParquetEngine(engine) if isinstance(engine, Path) else engine

    def manifest(self) -> Manifest:
        """What the history holds now; cheap to ask again."""
        return self._engine.manifest()

    def table(self, kind: str, known_at_us: int | None = None) -> ibis.Table:
        """Current rows of a kind, META and FIELDS columns; run the expression with `run`, in the same thread."""
        files = self.manifest().of(kind)
        return self._current(self._engine.table(kind, files), files, known_at_us)

    def versions(self, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
        """All versions of a kind, META and FIELDS columns, in (at least) these entries of the manifest; as `table`."""
        return self._engine.table(kind, files)

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression made from `table` in this thread."""
        return self._engine.run(expression)

    def facts(self, changes: ibis.Table, more: tuple[str, ...] = ()) -> pa.Table:
        """Events as these rows of `table` left them: columns of event_facts.FACTS and `more`."""
        return self.run(facts(changes, self._engine.dialect, more))

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
        grouped = table.group_by(table.station, table.metric, table.code, bucket=self._bucket(time, span))
        last = self._engine.dialect.newest(value, time)
        return self.run(grouped.agg(n=table.count(), total=value.sum(), low=value.min(), high=value.max(),
                                    last=last, last_time=time.max())).cast(BUCKETS)

    def event_facts(self, span: Span) -> pa.Table:
        """Events as their changes within the span left them, a row an event, columns of event_facts.FACTS."""
        table = self._within("event", span)
        return FACTS.empty_table() if table is None else self.facts(table).select(FACTS.names).cast(FACTS)

    def changes_of(self, events: Mapping[str, Sequence[str]], span: Span) -> pa.Table:
        """Current rows of these events (feed → ids) with their stage_time in the span."""
        table = self._within("event", span, list(events))
        if table is None:
            return SCHEMA["event"].empty_table()
        asked = ibis.or_(*((table.feed == feed) & table.id.isin(list(ids)) for feed, ids in events.items()))
        return self.run(table.filter(asked).select(list(SCHEMA["event"].names)))

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
        table = self._engine.table(kind, files)
        if metrics:
            table = table.filter(table.metric.isin(list(metrics)))
        if feeds is not None and not (self._engine.exact and all(set(entry.feeds) <= set(feeds) for entry in files)):
            table = table.filter(table.feed.isin(list(feeds)))
        if DAY_OF[kind]:
            time = table[DAY_OF[kind]]
            table = table.filter(time >= span.start_us, time < span.end_us)
        return self._current(table, files, span.known_at_us)

    def _current(self, table: ibis.Table, files: Sequence[FileEntry], known_at_us: int | None) -> ibis.Table:
        return current_rows(table, files if self._engine.exact else None, known_at_us)

    def _bucket(self, time: ibis.Column, span: Span) -> ibis.Value:
        """Start of the bucket that holds a time, as steps.bucket_start."""
        if not span.step_us:
            return ibis.literal(span.start_us, "int64")
        if span.step_us == MONTH:
            return self._engine.dialect.month_start(time + span.offset_us) - span.offset_us
        shift = span.offset_us + shift_of(span.step_us)
        return floored(time + shift, span.step_us) * span.step_us - shift
