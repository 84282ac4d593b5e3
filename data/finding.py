"""Finding divisions, assets and events by what somebody types; the index follows the data, not the keystrokes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import shapely

from data.answers import Answer, Question, Scope
from data.ended_events import by_number
from data.inputs import Tables
from data.masking import without_numbers
from data.metrics import Evaluator
from data.name_index import EXACT, NONE, WORDS, Named, Section, Typed, section_of, typed
from data.pack import Pack
from data.rowsets import event_row, layer_name
from data.spelling import MOST_TYPED, Spelling, folded
from geo.coordinates import read_point
from geo.locate import Locator
from geo.plane import km_per_degree

KINDS = ("division", "asset", "event")
# The order of a search that also asks history.
ENDED = "ended"
MOST, USUAL = 50, 12
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Held:
    """The sections of assets and events, and what of the tables they were made from."""

    assets: Section
    events: Section
    asset_mark: tuple[int, ...] = ()
    event_ids: list[str] = field(default_factory=list)
    titles: tuple[str, ...] = ()


class Finder:
    """The names of one place. `follow` is told what changed; a search of the past makes its own sections once."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._spelling = Spelling({key: told.pinyin for key, told in pack.names.items() if len(key) == 1})
        self._held: WeakKeyDictionary[Tables, _Held] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._divisions: Section | None = None
        self._centers: Floats = np.zeros((0, 2))

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self._pack.divisions)

    def knows(self, tables: Tables) -> bool:
        """Whether `follow` has been called for the tables."""
        return tables in self._held

    def follow(self, tables: Tables, lock: AbstractContextManager[Any]) -> None:
        """Takes the names of the tables as they stand; cheap where none has changed. `lock` guards the tables."""
        with self._lock:
            self._places()
            held = self._held.get(tables) or _Held(section_of(()), section_of(()))
            with lock:
                assets, events = _new_assets(tables, held), _new_events(tables, held)
                division, lon, lat = (tables.events.columns[name].copy() for name in ("division", "lon", "lat"))
            if assets is not None:
                rows, mark = assets
                held = replace(held, asset_mark=mark, assets=self._section([
                    Named(key, self._names(str(row["name"] or "")), row["index"], _real(row["lon"]), _real(row["lat"]))
                    for key, row in rows]))
            if events is not None:
                fresh = self._section([Named(key, (without_numbers(title) or self._category(word),), *where)
                                       for key, title, word, where in events.rows])
                held = replace(held, event_ids=events.ids, titles=events.titles,
                               events=held.events.plus(fresh) if events.more else fresh)
            # An event may be sent on to another township, and its place corrected, under the same title.
            self._held[tables] = replace(held, events=replace(held.events, division=division, lon=lon, lat=lat))

    def sections(self, tables: Tables) -> tuple[Section, Section]:
        """The names of assets and of events, as `follow` took them last."""
        held = self._held.get(tables)
        return (held.assets, held.events) if held else (section_of(()), section_of(()))

    def code_at(self, lon: float, lat: float) -> str:
        """Code of the deepest division that holds a point, "" outside the place."""
        return self._locator.locate_one(lon, lat) or ""

    def _places(self) -> Section:
        if self._divisions is None:
            divisions = self._pack.divisions
            boxes = shapely.bounds(np.array(divisions.geometry, object))
            self._centers = (boxes[:, :2] + boxes[:, 2:]) / 2
            self._divisions = self._section([
                Named(("", item.code), self._names(item.name, item.code), at, *self._centers[at].tolist())
                for at, item in enumerate(divisions.items)])
        return self._divisions

    def _section(self, things: Sequence[Named]) -> Section:
        self._spelling.learn(folded(name) for thing in things for name in thing.names)
        return section_of(things)

    def _names(self, name: str, code: str = "") -> tuple[str, ...]:
        """A name with what else the pack calls it, in Chinese or in pinyin."""
        told = [self._pack.names[key] for key in (name, code) if key in self._pack.names]
        return (name, *(word for one in told for word in (*one.alias, *("".join(text.split()) for text in one.pinyin))))

    def _category(self, key: str) -> str:
        known = self._pack.categories.get(key)
        return known.name if known else key

    def search(self, evaluator: Evaluator, asked: tuple[Question, Scope], allowed: Mask, end_us: int,
               lock: AbstractContextManager[Any]) -> Answer:
        """What `question.name` may mean, best first: exact name or code > beginning > inside > initials; then division
        before asset before event; then nearer to the scope's division (inside it, inside the one above it, …; there
        the larger division first, then by distance).

        Rows: kind, feed, id, name, what (its level, layer or stage in words), division, division_code, layer, state,
        lon, lat, match. Only what lies in `allowed` divisions is looked at. Events are those in memory: of 40 days, and
        all that are open; with the order `ended`, where nothing else is found, those of history by their whole number.
        The names are ranked without `lock`, which guards the tables.

        Raises:
            Unavailable: history was asked and cannot be read.
        """
        question, scope = asked
        text = question.name[:MOST_TYPED]
        point = self._point(text, allowed)
        if point is not None or not text.strip(" '\u3000\t\r\n"):
            return _answer(question, scope, [point] if point else [], int(point is not None))
        sections = (self._places(), *self.sections(evaluator.tables))
        ranked, total = self._ranked(sections, typed(text, self._spelling), scope.division, allowed)
        rows: list[dict[str, Any]] = []
        with lock:
            for rank, kind, at in ranked:
                row = self._row(evaluator, kind, sections[kind].keys[at], end_us)
                if row is not None and allowed[self._pack.divisions.index(row["division_code"])]:
                    rows.append({"kind": KINDS[kind], **row, "match": WORDS[rank]})
                if len(rows) == min(question.limit or USUAL, MOST):
                    break
        if question.order == ENDED and not rows:
            rows = [one for one in self._ended(evaluator, text, end_us)
                    if allowed[self._pack.divisions.index(one["division_code"])]]
            total = len(rows)
        return _answer(question, scope, rows, total)

    def _ended(self, evaluator: Evaluator, text: str, end_us: int) -> list[dict[str, Any]]:
        return [{"kind": KINDS[2], **_event((row["feed"], row["id"]), row, self._pack.divisions), "match": WORDS[EXACT]}
                for row in by_number(evaluator, text, end_us)]

    def _point(self, text: str, allowed: Mask) -> dict[str, Any] | None:
        """The row of a point, when coordinates were typed that lie in what may be seen."""
        divisions = self._pack.divisions
        west, south, east, north = divisions.geometry[0].bounds
        found = read_point(text, (west, south, east, north))
        code = self.code_at(found.lon, found.lat) if found else ""
        if found is None or not code or not allowed[divisions.index(code)]:
            return None
        name = f"{found.lon:.6f}, {found.lat:.6f}"
        return {"kind": "point", **_shown(("", name.replace(" ", "")), name, code, code, divisions),
                "lon": found.lon, "lat": found.lat, "match": found.system}

    def _ranked(self, sections: Sequence[Section], asked: Typed, division: str,
                allowed: Mask) -> tuple[list[tuple[int, int, int]], int]:
        """(rank, kind, position in its section) of the best, best first; and how many were found."""
        steps, here = self._steps(division), self._centers[self._pack.divisions.index(division)]
        parts = []
        for kind, section in enumerate(sections):
            ranks = section.find(asked)
            hit = np.flatnonzero((ranks < NONE) & allowed[section.division])
            away = self._away_km(section, hit, here)
            level = self._pack.divisions.level[section.division[hit]] if kind == 0 else np.zeros(len(hit))
            parts.append(np.column_stack([ranks[hit], np.full(len(hit), kind), steps[section.division[hit]], level,
                                          away, hit]))
        found = np.concatenate(parts)
        # By the last key first.
        order = np.lexsort(found.T[::-1])
        return [(int(row[0]), int(row[1]), int(row[5])) for row in found[order[: 4 * MOST]]], len(found)

    def _steps(self, division: str) -> npt.NDArray[np.int8]:
        """How far up the tree one must go from the division in view until each division lies inside."""
        divisions = self._pack.divisions
        chain = divisions.chain(division)
        found = np.zeros(len(divisions), np.int8)
        for step in range(len(chain) - 1, -1, -1):
            found[divisions.below(chain[step])] = step
        return found

    def _away_km(self, section: Section, hit: npt.NDArray[np.intp], here: Floats) -> Floats:
        wide, high = km_per_degree(float(here[1]))
        middle = self._centers[section.division[hit]]
        lon = np.where(np.isnan(section.lon[hit]), middle[:, 0], section.lon[hit])
        lat = np.where(np.isnan(section.lat[hit]), middle[:, 1], section.lat[hit])
        return np.asarray(np.round(np.hypot((lon - here[0]) * wide, (lat - here[1]) * high), 1))

    def _row(self, evaluator: Evaluator, kind: int, key: tuple[str, str], end_us: int) -> dict[str, Any] | None:
        """What is shown of a thing, as it stands; None when it is gone meanwhile."""
        divisions, tables = self._pack.divisions, evaluator.tables
        if kind == 0:
            item = divisions.get(key[1])
            lon, lat = self._centers[divisions.index(item.code)].tolist()
            return _shown(key, item.name, item.parent or "", item.code, divisions) | {
                "what": divisions.level_words[item.level], "lon": round(lon, 6), "lat": round(lat, 6)}
        if kind == 1:
            asset = tables.assets.rows.get(key)
            if asset is None:
                return None
            code = divisions.items[asset["index"]].code
            return _shown(key, asset["name"], code, code, divisions) | {
                "what": layer_name(self._pack, asset["layer"]), "layer": asset["layer"], "lon": asset["lon"],
                "lat": asset["lat"]}
        at = tables.events.position(*key)
        if at is None:
            return None
        return _event(key, event_row(evaluator, tables.events, at, end_us), divisions)


@dataclass(frozen=True)
class _Events:
    """Rows (key, title, category, (division, lon, lat)) of events; `more`: they come after those that are held."""

    ids: list[str]
    titles: tuple[str, ...]
    more: bool
    rows: list[tuple[tuple[str, str], str, str, tuple[int, float, float]]]


def _new_assets(tables: Tables, held: _Held) -> tuple[list[Any], tuple[int, ...]] | None:
    """All assets with a mark of their version, None where they are those that are held."""
    mark = (len(tables.assets.rows), max((row["seq"] for row in tables.assets.rows.values()), default=0))
    return None if held.asset_mark == mark else (list(tables.assets.rows.items()), mark)


def _new_events(tables: Tables, held: _Held) -> _Events | None:
    """The events that came since, all of them where older ones changed or were forgotten; None where none did."""
    table = tables.events
    titles, known = tuple(texts[0] for texts in table.texts), len(held.titles)
    more = bool(known) and held.event_ids is table.ids and titles[:known] == held.titles
    first = known if more else 0
    if more and len(titles) == known:
        return None
    word, columns = table.category.words, table.columns
    rows = [(table.key(at), titles[at], word[columns["category"][at]],
             (int(columns["division"][at]), float(columns["lon"][at]), float(columns["lat"][at])))
            for at in range(first, len(titles))]
    return _Events(table.ids, titles, more, rows)


def _shown(key: tuple[str, str], name: str, where: str, code: str, divisions: Any) -> dict[str, Any]:
    """The columns that all rows have; `where`: the deepest division to be told, with those above it but the root."""
    chain = [divisions.get(above).name for above in reversed(divisions.chain(where)[:-1])] if where else []
    return {"feed": key[0], "id": key[1], "name": name, "division": " › ".join(chain), "division_code": code,
            "what": "", "layer": "", "state": "", "lon": None, "lat": None}


def _event(key: tuple[str, str], row: dict[str, Any], divisions: Any) -> dict[str, Any]:
    return _shown(key, row["title"], row["division_code"], row["division_code"], divisions) | {
        "what": row["stage"], "layer": "events", "state": row["state"], "lon": row["lon"], "lat": row["lat"]}


def _real(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _answer(question: Question, scope: Scope, rows: list[dict[str, Any]], total: int) -> Answer:
    return Answer(question, "查找", rows=tuple(rows), total=total, n=len(rows), at_division=scope.division)
