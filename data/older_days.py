"""Days of observations that lie before what memory holds, kept from one instant of a replay to the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from data.columns import Array
from data.history_read import HistoryReader
from data.history_span import Span
from data.observation_table import Buckets, ObservationTable, empty_buckets, whole
from geo.divisions import Divisions

DAY = 86_400_000_000
# A longer stretch is better summed up by the store itself.
MOST_DAYS, MOST_ROWS = 45, 1_500_000
COLUMNS = ("seq", "prev", "station", "metric", "time", "value", "code", "demo")
Key = tuple[str, int]


class OlderDays:
    """UTC days of single feeds, each with the stamp of what was known of it. For one thread at a time."""

    def __init__(self, divisions: Divisions, reader: HistoryReader) -> None:
        self._divisions, self._reader = divisions, reader
        self._kept: OrderedDict[Key, tuple[int, ObservationTable]] = OrderedDict()
        self._rows = 0

    def holds(self, span: Span) -> bool:
        """Whether a stretch is short enough to be kept."""
        return span.end_us - span.start_us <= MOST_DAYS * DAY

    def buckets(self, feeds: Sequence[str], metrics: Sequence[str], span: Span,
                stamp: Callable[[str, int], int]) -> list[Buckets]:
        """Aggregates per station and bucket of each metric, as HistoryReader.observation_buckets.

        Args:
            feeds: whose observations.
            metrics: which.
            span: the stretch, its buckets, and as known when.
            stamp: (feed, instant) → what changes when something was received that tells of the time before it.

        Raises:
            Unavailable: history cannot be read.
        """
        days = range(span.start_us // DAY, (span.end_us - 1) // DAY + 1)
        tables = [table for feed in feeds for table in self._days(feed, days, span.known_at_us, stamp)]
        if not tables:
            return [empty_buckets() for _ in metrics]
        return [whole([table.buckets(metric, span.start_us, span.end_us, span.step_us, span.offset_us)
                       for table in tables]) for metric in metrics]

    def _days(self, feed: str, days: range, known_at_us: int | None,
              stamp: Callable[[str, int], int]) -> list[ObservationTable]:
        wanted = {day: stamp(feed, (day + 1) * DAY) for day in days}
        missing = [day for day, told in wanted.items() if self._kept.get((feed, day), (-1, None))[0] != told]
        if missing:
            rows = self._reader.rows("observation", Span(missing[0] * DAY, (missing[-1] + 1) * DAY,
                                                         known_at_us=known_at_us), [feed], COLUMNS)
            number: Array = rows["time"].to_numpy() // DAY
            for day in missing:
                self._keep((feed, day), wanted[day], rows.filter(pa.array(np.equal(number, day))))
        found = [self._kept[feed, day][1] for day in days]
        for day in days:
            self._kept.move_to_end((feed, day))
        self._forget(len(days))
        return found

    def _keep(self, key: Key, stamp: int, rows: pa.Table) -> None:
        table = ObservationTable(self._divisions)
        table.load(rows)
        if key in self._kept:
            self._rows -= self._kept[key][1].columns.size
        self._kept[key] = (stamp, table)
        self._rows += rows.num_rows

    def _forget(self, needed: int) -> None:
        while self._rows > MOST_ROWS and len(self._kept) > needed:
            self._rows -= self._kept.popitem(last=False)[1][1].columns.size
