"""What is asked of the gate and what it answers: plain frozen values, shared by layouts, API and papers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Freshness = Literal["live", "late", "down", "unknown", "scheduled"]
ServedFrom = Literal["live", "memory", "disk", "history", "none"]
State = Literal["ok", "att", "warn", "alarm"]
FRESHNESS_WORDS: dict[str, str] = {"live": "实时", "late": "迟滞", "down": "不可用", "unknown": "未知",
                                   "scheduled": "定期"}


@dataclass(frozen=True)
class Window:
    """Half-open interval [start, end); `at` = what the county looked like then; `name` = the relative word or ''."""

    start: datetime
    end: datetime
    name: str = ""
    at: datetime | None = None
    known_now: bool = False


@dataclass(frozen=True)
class Scope:
    """Whose figures: a division code and filters (field, value)."""

    division: str
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked. kind: metric | rows | marks | layers | profile | feeds | warnings.

    `name` is the metric id (metric), the dataset (rows: "events", "assets:<layer>", "observations:<metric>"), or the
    layer. `by`: "" | a level name | hour | day | week | month | category | channel | department | station.
    `compare`: "" | previous | yesterday | last_week | last_year, answered in `Answer.change`.
    `after`: of rows of events, those that come after this (rowsets.place_of); () = from the beginning.
    `box`: of marks, west, south, east, north in degrees; () = everywhere. `zoom`: that of their clusters; None = none.
    """

    kind: str
    name: str = ""
    by: str = ""
    compare: str = ""
    limit: int = 0
    order: str = ""
    after: tuple[int, str, str] | tuple[()] = ()
    box: tuple[float, ...] = ()
    zoom: int | None = None


@dataclass(frozen=True)
class Change:
    """Difference against a comparison: `word` (较昨日), `value` in `unit` (the metric's unit, % or 百分点)."""

    word: str
    value: float
    unit: str


@dataclass(frozen=True)
class Coverage:
    """Stations in a figure: `told` of `known` registered ones; `enough` False = too few to stand for all."""

    told: int
    known: int
    enough: bool


@dataclass(frozen=True)
class Point:
    """One bucket of a series: `time` is its start, `value` None where nothing was delivered, `extra` its parts."""

    time: datetime
    value: float | None
    n: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """One row of an answer by level, category …: `code`, display `name`, `value`, `n` records in it, `extra` parts."""

    code: str
    name: str
    value: float | None
    n: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A figure with everything that must stand beside it on a screen.

    `value` None = nothing delivered for this scope (unknown), never zero. `at_division` is the division whose figure it
    is (the nearest published level at or above the one asked). `stations`: how many of its stations are in it, None
    where it is no figure of registered stations. `rows` holds records for kind rows/warnings/feeds.
    `contact_us` is when the source last answered at all, which tells late from down; 0 = as `time`. `stepped_us` is to
    be added to `time` before an age is taken from it: what the clock has jumped since.
    """

    question: Question
    name: str
    unit: str = ""
    value: float | None = None
    text: str = ""
    decimals: int = 0
    n: int = 0
    time: datetime | None = None
    source: str = ""
    freshness: Freshness = "unknown"
    served_from: ServedFrom = "none"
    cadence_s: float = 0.0
    contact_us: int = 0
    stepped_us: int = 0
    scheduled: bool = False
    state: State | None = None
    change: Change | None = None
    target: float | None = None
    limit_text: str = ""
    at_division: str = ""
    stations: Coverage | None = None
    unlocated: float | None = None
    demo: bool = False
    series: tuple[Point, ...] = ()
    groups: tuple[Group, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    total: int = 0
    note: str = ""
    parts: dict[str, Any] = field(default_factory=dict)
