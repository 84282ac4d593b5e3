"""The events as they stand: one row an event, with the instant at which it reached each stage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.columns import Array, Columns, Vocabulary
from data.event_facts import reached_of
from data.records import STAGES, Row
from geo.divisions import Divisions

CLOSED, RATED = STAGES.index("closed"), STAGES.index("rated")
HOUR = 3_600_000_000
FAR = np.iinfo(np.int64).max
_STAGE = {name: number for number, name in enumerate(STAGES)}
_WORDS, _TEXTS = ("category", "channel", "department", "feed"), ("title", "detail", "level")
_SPEC: dict[str, tuple[Any, Any, int]] = {
    "time": (np.int64, 0, 1), "due": (np.int64, 0, 1), "stage": (np.int8, 0, 1), "stage_time": (np.int64, 0, 1),
    "division": (np.int32, 0, 1), "category": (np.int32, 0, 1), "channel": (np.int32, 0, 1),
    "department": (np.int32, 0, 1), "returned": (np.bool_, False, 1), "satisfaction": (np.float64, np.nan, 1),
    "lon": (np.float64, np.nan, 1), "lat": (np.float64, np.nan, 1), "reached": (np.int64, 0, len(STAGES)),
    "demo": (np.bool_, False, 1), "feed": (np.int32, 0, 1),
}
COLUMNS = [(name, str(np.dtype(kind)), width) for name, (kind, _, width) in _SPEC.items()]


class EventTable:
    """An event is known by feed and id. Columns: time, due, stage_time, reached[stage] in µs UTC (0 = none); division =
    index in `divisions`; category, channel, department, feed = numbers of vocabularies.
    """

    def __init__(self, divisions: Divisions) -> None:
        self._divisions = divisions
        self.columns = Columns(_SPEC)
        self.category, self.channel, self.department, self.feed = (Vocabulary() for _ in _WORDS)
        self.ids: list[str] = []
        self.texts: list[tuple[str, str, str]] = []
        self._position: dict[int, dict[str, int]] = {}

    def __len__(self) -> int:
        return self.columns.size

    def beside(self) -> EventTable:
        """An empty table that shares this one's vocabularies."""
        found = EventTable(self._divisions)
        for name in _WORDS:
            setattr(found, name, getattr(self, name))
        return found

    def copy(self) -> EventTable:
        """The same events, which can change by themselves; the vocabularies, which only grow, are shared."""
        found = self.beside()
        found.columns, found.ids, found.texts = self.columns.copy(), self.ids.copy(), self.texts.copy()
        found._position = {feed: held.copy() for feed, held in self._position.items()}
        return found

    def key(self, at: int) -> tuple[str, str]:
        """(feed, id) of the event at a position."""
        return self.feed.words[self.columns["feed"][at]], self.ids[at]

    def position(self, feed: str, event_id: str) -> int | None:
        """Position of an event, None if it is not held."""
        return self._position.get(self.feed.find(feed), {}).get(event_id)

    def newest(self, event_id: str) -> int | None:
        """Position of the event with this id, of several feeds' the one that changed last; None if none is held."""
        held = [at for positions in self._position.values() if (at := positions.get(event_id)) is not None]
        return max(held, key=lambda at: int(self.columns["stage_time"][at]), default=None)

    def unheld(self, facts: pa.Table) -> pa.Table:
        """The rows (columns of event_facts.FACTS) of events that are not held."""
        held = np.zeros(facts.num_rows, bool)
        for feed in pc.unique(facts["feed"]).to_pylist():
            ids = pa.array(self._position.get(self.feed.find(feed), ()), pa.string())
            held |= pc.and_(pc.equal(facts["feed"], feed), pc.is_in(facts["id"], ids)).to_numpy()
        return facts.filter(pa.array(~held))

    def among(self, feed: str, ids: Collection[str]) -> npt.NDArray[np.bool_]:
        """Mask of the events of a feed that bear one of the ids."""
        found: npt.NDArray[np.bool_] = self.columns["feed"] == self.feed.find(feed)
        found[found] = [self.ids[at] in ids for at in np.flatnonzero(found)]
        return found

    def alike(self, at: int, other: EventTable, there: int) -> bool:
        """Whether an event is told as one of a table that shares this one's vocabularies tells it."""
        return self.texts[at] == other.texts[there] and all(
            self.columns[name][at].tobytes() == other.columns[name][there].tobytes() for name in _SPEC)

    def late(self, rows: Iterable[Row]) -> set[str]:
        """Ids of a feed's events of which a row tells a change from before one that is held, or comes earlier in the
        rows: `add` does not take from it what nobody had said.
        """
        newest: dict[str, tuple[int, int]] = {}
        found = set()
        for row in rows:
            key, change = row["id"], (row["stage_time"], _STAGE[row["stage"]])
            if key not in newest and (at := self.position(row["feed"], key)) is not None:
                newest[key] = (int(self.columns["stage_time"][at]), int(self.columns["stage"][at]))
            if change < newest.get(key, change):
                found.add(key)
            newest[key] = max(change, newest.get(key, change))
        return found

    def add_standing(self, rows: Iterable[Row]) -> None:
        """Takes all rows that stand of events that are not held: each is told as history tells it."""
        self.add(sorted(rows, key=lambda row: (row["stage_time"], _STAGE[row["stage"]], row["seq"])))

    def add(self, rows: Iterable[Row]) -> None:
        """Takes event rows as they come, in the order of their seq."""
        for row in rows:
            feed = self.feed.number(row["feed"])
            held = self._position.setdefault(feed, {})
            at = held.get(row["id"])
            if at is None:
                at = held[row["id"]] = self.columns.extend(1)
                self.columns["feed"][at] = feed
                self.ids.append(row["id"])
                self.texts.append(("", "", ""))
            self._stage(at, row)

    def _stage(self, at: int, row: Row) -> None:
        columns, stage, when = self.columns, _STAGE[row["stage"]], row["stage_time"]
        reached, newest = columns["reached"][at], columns["stage_time"][at]
        if stage < CLOSED and reached[CLOSED] and when > reached[CLOSED]:
            reached[CLOSED:] = 0
            columns["returned"][at] = True
        if stage < CLOSED:
            reached[stage] = min(when, reached[stage]) or when
        elif columns["stage"][at] < CLOSED and when < newest:
            # A closing heard of late, after the work that took it back.
            columns["returned"][at] = True
        else:
            reached[stage] = max(when, reached[stage])
            # Its closing lies before what memory holds; nobody rates an open event.
            reached[CLOSED] = reached[CLOSED] or when
        if row["act"] == "return":
            columns["returned"][at] = True
        if (when, stage) >= (newest, columns["stage"][at]):
            self._facts(at, row)
            columns["stage"][at], columns["stage_time"][at] = stage, when

    def _facts(self, at: int, row: Row) -> None:
        columns = self.columns
        columns["time"][at] = row["time"]
        columns["due"][at] = row["due"] or columns["due"][at]
        columns["division"][at] = self._divisions.index(row["code"]) if row["code"] in self._divisions else 0
        columns["category"][at] = self.category.number(row["category"])
        columns["channel"][at] = self.channel.number(row["channel"])
        columns["department"][at] = self.department.number(row["department"]) or columns["department"][at]
        columns["demo"][at] = bool(row["demo"])
        if row["satisfaction"] is not None:
            columns["satisfaction"][at] = row["satisfaction"]
        if row["lon"] is not None:
            columns["lon"][at], columns["lat"][at] = row["lon"], row["lat"]
        old = self.texts[at]
        self.texts[at] = (row["title"] or old[0], row["detail"] or old[1], row["level"] or old[2])

    def standing(self, where: str = "open", hours: int = 24) -> tuple[Array, Array]:
        """First instant at which each event stands open | overdue | due_soon (within `hours`), and the first at which
        it does not any more, µs UTC; an event that never stands so begins when it ends or later.
        """
        time, due, closed = self.columns["time"], self.columns["due"], self.columns["reached"][:, CLOSED]
        until = np.where(closed > 0, closed, FAR)
        if where == "overdue":
            return np.where(due > 0, np.maximum(time, due + 1), FAR), until
        if where == "due_soon":
            return np.maximum(time, due - hours * HOUR + 1), np.minimum(until, due + 1)
        return time, until

    def stands(self, instant_us: int, where: str = "open", hours: int = 24) -> npt.NDArray[np.bool_]:
        """True for events that stand open | overdue | due_soon at the instant."""
        since, until = self.standing(where, hours)
        return (since <= instant_us) & (instant_us < until)

    def select(self, filters: tuple[tuple[str, str], ...], feeds: Collection[str] | None = None,
               ) -> npt.NDArray[np.bool_]:
        """Mask of the events (of `feeds` where given) that pass filters on category, channel, department or stage; a
        value may list a,b.
        """
        mask = np.ones(len(self), bool)
        if feeds is not None and not set(self.feed.words).issubset(feeds):
            mask &= np.isin(self.columns["feed"], [self.feed.find(feed) for feed in feeds])
        for name, value in filters:
            column, vocabulary = self._column(name)
            if column is None:
                continue
            wanted = [vocabulary(word) for word in value.split(",")]
            mask &= np.isin(column, wanted)
        return mask

    def _column(self, name: str) -> tuple[Array | None, Any]:
        if name in ("category", "channel", "department"):
            vocabulary: Vocabulary = getattr(self, name)
            return self.columns[name], vocabulary.find
        if name == "stage":
            return self.columns["stage"], lambda word: _STAGE.get(word, -1)
        return None, None

    def hold(self, table: pa.Table) -> None:
        """Takes whole events with their texts and places (columns of FACTS and TOLD), to be changed by later rows."""
        first = len(self)
        self.fill(table)
        for name in ("lon", "lat"):
            self.columns[name][first:] = table[name].cast(pa.float64()).to_numpy()
        texts = [table[name].fill_null("").to_pylist() for name in _TEXTS]
        self.texts += zip(*texts, strict=True)
        self._find_from(first)

    def _find_from(self, first: int) -> None:
        """Makes the events from a position on findable."""
        feeds = self.columns["feed"][first:]
        for feed in np.unique(feeds).tolist():
            positions = (np.flatnonzero(feeds == feed) + first).tolist()
            ids = map(self.ids.__getitem__, positions)
            self._position.setdefault(feed, {}).update(zip(ids, positions, strict=True))

    def fill(self, table: pa.Table) -> None:
        """Takes whole events (columns of event_facts.FACTS) that are not held yet; their texts stay with history."""
        first = self.columns.extend(table.num_rows)
        self.ids += table["id"].to_pylist()
        for name in _WORDS:
            self.columns[name][first:] = _coded(table[name], getattr(self, name).number)
        self.columns["division"][first:] = _coded(
            table["code"], lambda code: self._divisions.index(code) if code in self._divisions else 0)
        self.columns["stage"][first:] = _coded(table["stage"], lambda word: _STAGE.get(word, 0))
        for name in ("time", "due", "stage_time"):
            self.columns[name][first:] = table[name].fill_null(0).to_numpy()
        self.columns["satisfaction"][first:] = table["satisfaction"].to_numpy()
        self.columns["demo"][first:] = table["demo"].fill_null(False).to_numpy()
        reached, again = reached_of(table)
        self.columns["reached"][first:] = reached
        self.columns["returned"][first:] = again | table["sent_back"].fill_null(False).to_numpy()

    def take_over(self, other: EventTable, mask: npt.NDArray[np.bool_]) -> None:
        """Takes the rows of a mask from a table that shares this one's vocabularies."""
        first = self.columns.extend(int(mask.sum()))
        for name in _SPEC:
            self.columns[name][first:] = other.columns[name][mask]
        self.ids += [other.ids[at] for at in np.flatnonzero(mask)]

    def closed_before(self, instant_us: int) -> npt.NDArray[np.bool_]:
        """True for events closed, due and not touched again before the instant."""
        closed, due = self.columns["reached"][:, CLOSED], self.columns["due"]
        return (closed > 0) & (np.maximum(self.columns["stage_time"], due) < instant_us)

    def keep(self, mask: npt.NDArray[np.bool_]) -> None:
        """Forgets the events whose mask is False (history keeps them)."""
        kept = np.flatnonzero(mask)
        self.columns.keep(mask)
        self.ids = [self.ids[at] for at in kept]
        self.texts = [self.texts[at] for at in kept] if self.texts else []
        if self._position:
            self._position = {}
            self._find_from(0)

    def frame(self) -> pa.Table:
        """The events with their texts, to be kept and taken back by `restore` beside the words of `vocabularies`."""
        found = self.columns.frame().append_column("id", pa.array(self.ids, pa.string()))
        for at, name in enumerate(_TEXTS):
            found = found.append_column(f"text_{name}", pa.array([texts[at] for texts in self.texts], pa.string()))
        return found

    def vocabularies(self) -> dict[str, list[str]]:
        """The words behind the numbers of the columns."""
        return {name: list(getattr(self, name).words) for name in _WORDS}

    def restore(self, table: pa.Table, words: dict[str, list[str]]) -> None:
        """Takes what `frame` and `vocabularies` gave, into an empty table."""
        for name in _WORDS:
            for word in words[name][1:]:
                getattr(self, name).number(word)
        self.columns.fill(table)
        self.ids = table["id"].to_pylist()
        self.texts = list(zip(*(table[f"text_{name}"].to_pylist() for name in _TEXTS), strict=True))
        self._find_from(0)


def _coded(column: pa.ChunkedArray, number: Callable[[str], int]) -> Array:
    """The numbers of a column's words, each word looked up once."""
    coded = column.fill_null("").combine_chunks().dictionary_encode()
    numbers = np.array([number(word) for word in coded.dictionary.to_pylist()], np.int64)
    found: Array = numbers[coded.indices.to_numpy()]
    return found
