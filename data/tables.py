"""The current records of a place in memory: what every figure on a screen is computed from."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.batches import Batch
from data.errors import Unavailable
from data.event_facts import KEY, TOLD, standing_ids
from data.event_table import EventTable
from data.history_read import HistoryReader
from data.history_span import Span
from data.manifest import Load
from data.observation_table import Buckets, ObservationTable, empty_buckets, whole
from data.pack import Pack
from data.records import Row
from data.settled import Reach
from data.small_tables import AssetTable, IndicatorTable, WarningTable
from data.steps import bucket_start

log = logging.getLogger(__name__)
DAY, FAR = 86_400_000_000, 4_000_000_000_000_000
LOADED = ("seq", "prev", "station", "metric", "time", "value", "code", "demo")
EVENT_DAYS, OBSERVATION_DAYS = 40, 3


class MemoryTables:
    """Events of 40 days and all open ones, observations of 3 days, every indicator, asset and warning."""

    def __init__(self, pack: Pack, reader: HistoryReader) -> None:
        self.divisions = pack.divisions
        self.events = EventTable(pack.divisions)
        self.observations: dict[str, ObservationTable] = {}
        self.indicators, self.assets, self.warnings = IndicatorTable(), AssetTable(pack.divisions), WarningTable()
        self.versions: dict[str, int] = {}
        self._reach: defaultdict[str, Reach] = defaultdict(Reach)
        self.demo: dict[str, bool] = {}
        # Feed → the month's day (µs) from which history has records; none for kinds without a day.
        self.begun: dict[str, int] = {}
        self.seq = self.version = self._since = self.events_since = 0
        self.loaded = False
        self._pack, self._reader = pack, reader
        self._known_at_us: int | None = None
        self._until_us = FAR
        self._past: EventTable | None = None
        self._untold: set[str] = set()

    def load(self, now_us: int, known_at_us: int | None = None, until_us: int = FAR) -> None:
        """Reads what memory holds from history; of events what had happened until an instant.

        Raises:
            Unavailable: history cannot be read.
        """
        manifest = self._reader.manifest()
        self._until_us, self.version = until_us, manifest.version
        self._since = now_us - OBSERVATION_DAYS * DAY
        recent = Span(self._since, now_us + DAY, known_at_us=known_at_us)
        for feed, declared in self._pack.feeds.items():
            if declared.kind == "observation":
                table = self._reader.rows("observation", recent, [feed], LOADED)
                self.observed(feed).load(table)
                self._mark_demo([feed], [pc.any(table["demo"]).as_py()])
        self._load_events(now_us, known_at_us)
        for kind in ("indicator", "asset", "warning"):
            rows = sorted(self._reader.current(kind, known_at_us), key=lambda row: int(row["seq"]))
            self._takers()[kind](rows)
            self._mark_demo([row["feed"] for row in rows], [row["demo"] for row in rows])
        self.seq = manifest.checkpoint
        for entry in manifest.files:
            for feed in entry.feeds:
                self.versions[feed] = max(self.versions.get(feed, 0), entry.seq1)
                if entry.day0:
                    self.begun[feed] = min(self.begun.get(feed, FAR), entry.day0 * DAY)
        for feed in self._untold:
            # History has it now; at the instant of a replay nobody had told of it: unknown, not none.
            self.versions.pop(feed, None)
        self.loaded = bool(manifest.files)
        pa.default_memory_pool().release_unused()

    def _load_events(self, now_us: int, known_at_us: int | None) -> None:
        since = now_us - EVENT_DAYS * DAY
        older = self._reader.manifest().of("event", 0, since)
        self.events_since, self._known_at_us = since if older else 0, known_at_us
        every = self._reader.table("event", known_at_us)
        if self._until_us < FAR:
            every = every.filter(every.stage_time <= self._until_us)
        if known_at_us is not None:
            told = self._reader.run(every.select("feed").distinct())["feed"].to_pylist()
            self._untold = {key for key, feed in self._pack.feeds.items() if feed.kind == "event"} - set(told)
        # Closed, and neither due nor touched since: history keeps these.
        kept = every.semi_join(standing_ids(every, since), KEY) if older else every
        table = self._reader.facts(kept, TOLD)
        self.events.hold(table)
        self._mark_demo(table["feed"].to_pylist(), table["demo"].to_pylist())

    def _mark_demo(self, feeds: list[str], marks: list[Any]) -> None:
        """A feed is marked as simulated while any row that memory took of it is."""
        for feed, mark in zip(feeds, marks, strict=True):
            self.demo[feed] = self.demo.get(feed, False) or bool(mark)

    def standing(self) -> dict[str, Any]:
        """What stands beside the rows, as JSON-ready values."""
        return {"seq": self.seq, "version": self.version, "since": self._since, "events_since": self.events_since,
                "versions": dict(self.versions), "demo": dict(self.demo)}

    def resume(self, standing: dict[str, Any]) -> None:
        """Goes on from what `standing` said, once the rows are back."""
        self.seq, self.version, self._since = standing["seq"], standing["version"], standing["since"]
        self.events_since, self.loaded = standing["events_since"], True
        self.versions, self.demo = dict(standing["versions"]), dict(standing["demo"])

    def observed(self, feed: str) -> ObservationTable:
        """The observations of a feed, made empty where there are none."""
        return self.observations.setdefault(feed, ObservationTable(self.divisions))

    def apply(self, batch: Batch) -> bool:
        """Takes an accepted batch; one already held is left alone (False)."""
        if batch.seq1 <= self.seq:
            return False
        self.seq, self.loaded = batch.seq1, True
        self.versions[batch.feed] = batch.seq1
        if not batch.rows:
            return True
        self._reach[batch.feed].note(batch.seq1, min(row["time"] for row in batch.rows)
                                     if batch.kind == "observation" else 0)
        self._mark_demo([batch.feed], [any(row["demo"] for row in batch.rows)])
        if batch.kind == "observation":
            self.observed(batch.feed).add(batch.rows)
        else:
            self._takers()[batch.kind](batch.rows)
        return True

    def _takers(self) -> dict[str, Callable[[Iterable[Row]], None]]:
        return {"event": self._add_events, "indicator": self.indicators.add,
                "asset": lambda rows: self.assets.add(self._declared(rows)),
                "warning": lambda rows: self.warnings.add(self._declared(rows))}

    def _declared(self, rows: Iterable[Row]) -> list[Row]:
        """Without those of feeds that the pack has no more: what moved to another feed would be there twice."""
        return [row for row in rows if row["feed"] in self._pack.feeds]

    def forget(self, now_us: int) -> None:
        """Drops what has left the days that memory holds."""
        self._since = now_us - OBSERVATION_DAYS * DAY
        for table in self.observations.values():
            table.drop_before(self._since)
        since = now_us - EVENT_DAYS * DAY
        ended = self.events.closed_before(since)
        if ended.any():
            if self._past is not None:
                self._past.take_over(self.events, ended)
            self.events.keep(~ended)
            self.events_since = since

    def holds(self, loads: Iterable[Load]) -> bool:
        """Whether memory holds, or must hold, rows of bulk publishes: all but observations of long ago."""
        return any(load.kind != "observation" or load.day1 * DAY >= self._since - DAY for load in loads)

    def grew_older(self, loads: Iterable[Load]) -> None:
        """Notes that history has more of the long ago, so that what was answered from it is asked again."""
        for load in loads:
            self.versions[load.feed] = max(self.versions.get(load.feed, 0), load.seq1)
            self._reach[load.feed].note(load.seq1, 0)

    def version_before(self, feed: str, end_us: int) -> int:
        """The newest version of a feed since it was read whose records may change a figure of before an instant."""
        return self._reach[feed].before(end_us)

    def delivered(self, feeds: tuple[str, ...]) -> bool:
        """True if any of the feeds ever delivered."""
        return any(feed in self.versions for feed in feeds)

    @property
    def remembers_past(self) -> bool:
        """True once `past_events` was asked for."""
        return self._past is not None

    def past_events(self) -> EventTable:
        """The events that ended before what memory holds, as known now; read from history when first asked for.

        Raises:
            Unavailable: history cannot be read.
        """
        if self._past is None:
            self.take_past(*self.past_facts())
        assert self._past is not None
        return self._past

    def event_feeds(self) -> tuple[str, ...]:
        """The feeds that history has events of.

        Raises:
            Unavailable: history cannot be read.
        """
        return tuple(sorted({feed for entry in self._reader.manifest().of("event") for feed in entry.feeds}))

    def whole_events(self, events: Mapping[str, Sequence[str]]) -> EventTable:
        """Events (feed → ids) with their texts, read from history.

        Raises:
            Unavailable: history cannot be read.
        """
        found = EventTable(self.divisions)
        rows = self._reader.changes_of(events, Span(0, FAR, known_at_us=self._known_at_us)).to_pylist()
        found.add_standing(row for row in rows if row["stage_time"] <= self._until_us)
        return found

    def past_facts(self) -> tuple[int, pa.Table | None]:
        """What `take_past` wants, read from history (seconds): needs no lock.

        Raises:
            Unavailable: history cannot be read.
        """
        since = self.events_since
        return since, self._reader.event_facts(Span(0, since, known_at_us=self._known_at_us)) if since else None

    def take_past(self, since_us: int, facts: pa.Table | None) -> None:
        """Keeps facts of ended events, unless memory has moved on since they were read or holds them already."""
        if self._past is not None or since_us != self.events_since:
            return
        past = self.events.beside()
        if facts is not None:
            past.fill(self.events.unheld(facts))
        self._past = past

    def _add_events(self, found: Iterable[Row]) -> None:
        """Takes a feed's live rows; an event that ended long ago and stirs again comes back from history first."""
        rows = list(found)
        gone = {row["id"]: row["time"] for row in rows
                if row["time"] < self.events_since and self.events.position(row["feed"], row["id"]) is None}
        if gone:
            span = Span(min(gone.values()), rows[0]["received"], known_at_us=self._known_at_us)
            self._bring_back((rows[0]["feed"], set(gone)), span, rows[0]["seq"])
        self.events.add(rows)

    def _bring_back(self, events: tuple[str, set[str]], span: Span, before_seq: int) -> None:
        feed, ids = events
        try:
            older = self._reader.changes_of({feed: sorted(ids)}, span)
        except Unavailable as error:
            log.warning("older changes of %d events not readable: %s", len(ids), error)
            return
        self.put_anew(feed, ids, (row for row in older.to_pylist() if row["seq"] < before_seq))

    def put_anew(self, feed: str, ids: Collection[str], rows: Iterable[Row]) -> None:
        """Events of a feed as their rows tell them, instead of what memory holds of them."""
        for table in (self.events, self._past):
            if table is not None and (held := table.among(feed, ids)).any():
                table.keep(~held)
        self.events.add_standing(rows)

    def buckets(self, feeds: tuple[str, ...], metrics: Sequence[str], span: Span) -> list[Buckets]:
        """Aggregates per station and bucket of each metric: from memory, and from history for what lies before it.

        Raises:
            Unavailable: the older part is needed and history cannot be read.
        """
        edge = max(span.start_us, self._cut(span))
        pieces = [[table.buckets(metric, edge, span.end_us, span.step_us, span.offset_us)
                   for feed in feeds if (table := self.observations.get(feed)) is not None] for metric in metrics]
        if span.start_us < edge:
            older = Span(span.start_us, min(edge, span.end_us), span.step_us, span.offset_us, self._known_at_us)
            for found, piece in zip(pieces, self._older(feeds, metrics, older), strict=True):
                found.append(piece)
        return [whole(found) for found in pieces]

    def latest(self, feeds: tuple[str, ...], metrics: Sequence[str], span: Span) -> list[Buckets]:
        """The newest value of each station in the span, of each metric."""
        if span.start_us < self._since:
            return self.buckets(feeds, metrics, span)
        return [Buckets.join([empty_buckets(), *(self.observations[feed].latest(metric, span.start_us, span.end_us)
                                                 for feed in feeds if feed in self.observations)])
                for metric in metrics]

    def _cut(self, span: Span) -> int:
        """Start of the first whole bucket that memory holds."""
        if span.start_us >= self._since or span.step_us <= 0:
            return self._since
        first = int(bucket_start(np.array([self._since]), span.step_us, span.offset_us)[0])
        return first if first >= self._since else first + span.step_us

    def _older(self, feeds: tuple[str, ...], metrics: Sequence[str], span: Span) -> list[Buckets]:
        found = self._reader.observation_buckets(metrics, list(feeds), span)
        return [self._as_buckets(found.filter(pc.equal(found["metric"], metric))) for metric in metrics]

    def _as_buckets(self, rows: pa.Table) -> Buckets:
        codes = rows["code"].combine_chunks().dictionary_encode()
        index = np.array([self.divisions.index(code) if code in self.divisions else 0
                          for code in codes.dictionary.to_pylist()] or [0], np.int64)
        columns = {name: rows[name].to_numpy() for name in ("bucket", "n", "total", "low", "high", "last", "last_time")}
        return Buckets(station=np.asarray(rows["station"].to_numpy(zero_copy_only=False), object),
                       division=index[codes.indices.fill_null(0).to_numpy()], **columns)
