"""One cell → one canonical value, by the rules of a feed: shared by the mapping of rows and that of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import orjson

from data.clock import MICRO, Clock
from data.pack import Feed
from data.records import FIELDS
from data.written import flag, instant, written_instant, written_period, zone_of

_YEAR_US = 31_556_952 * MICRO
_EARLIEST_US = -70 * _YEAR_US
OUT_OF_BOUNDS = "时间早于 1900 年或晚于一百年后，请核对单位（秒、毫秒）"
_META = {"demo": "flag"}
Convert = Callable[[Any], Any]


class Cells:
    """The rules of one feed for single cells; the zone and the codes are resolved once.

    `bare_time` is the unit of numbers in time columns where the format itself defines it (Parquet: us). `types`: types
    of the kind's canonical fields and of `demo`.

    Raises:
        WrongInput: the mapping names no existing time zone.
    """

    def __init__(self, feed: Feed, clock: Clock, bare_time: str = "") -> None:
        self._rule = feed.map
        self.types = {**{spec.name: spec.type for spec in FIELDS[feed.kind]}, **_META}
        self.zone = zone_of(feed.map.timezone)
        self.unit = feed.map.time_unit or bare_time
        self.bounds = time_bounds(clock)
        self._missing = frozenset(feed.map.missing)
        self._missing_of = {name: self._missing | set(texts) for name, texts in feed.map.missing_of.items()}
        self._made: dict[str, Convert] = {}

    def absent(self, name: str, value: Any) -> bool:
        """True for what the feed declares to mean "no value" in this field."""
        if isinstance(value, str):
            return value.strip() in self._missing_of.get(name, self._missing)
        return value is None or (name in self._missing_of and str(value) in self._missing_of[name])

    def special(self, name: str) -> bool:
        """True where the field has missing values of its own."""
        return name in self._missing_of

    def convert(self, name: str, value: Any) -> Any:
        """The canonical value of a cell of any type but real.

        Raises:
            ValueError: it holds none.
        """
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._converter(name)
        return made(value)

    def _converter(self, name: str) -> Convert:
        kind = self.types.get(name, "text")
        if kind == "time":
            return self._instant(name)
        if kind in ("flag", "json"):
            return flag if kind == "flag" else json_cell
        written, trimmed = self._rule.formats.get(name), name in self._rule.trimmed
        if written is not None:
            return lambda value: written_period(_plain(value), written, trimmed)
        codes = self._rule.codes.get(name)
        return lambda value: code_of(codes, _text(value))

    def _instant(self, name: str) -> Convert:
        written, trimmed = self._rule.formats.get(name), name in self._rule.trimmed
        if written is not None:
            return lambda value: self.within(written_instant(_plain(value), written, self.zone, trimmed))
        declared = self._rule.time_unit

        def convert(value: Any) -> int:
            return self.within(instant(value, self.zone, declared if isinstance(value, str) else self.unit))
        return convert

    def within(self, micros: int) -> int:
        """The instant itself.

        Raises:
            ValueError: outside 1900 … a hundred years ahead.
        """
        return check_bounds(micros, self.bounds)


def time_bounds(clock: Clock) -> tuple[int, int]:
    """Instants outside 1900 … a hundred years ahead mean a mistaken unit (milliseconds read as seconds: year 57861)."""
    return _EARLIEST_US, clock.now_us() + 100 * _YEAR_US


def check_bounds(micros: int, bounds: tuple[int, int]) -> int:
    """The instant itself.

    Raises:
        ValueError: outside the bounds.
    """
    if not bounds[0] <= micros <= bounds[1]:
        raise ValueError(OUT_OF_BOUNDS)
    return micros


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return value.isoformat() if isinstance(value, date) else value


def code_of(codes: Mapping[str, str] | None, value: Any) -> Any:
    """The canonical word for a word as written; without a table the word itself.

    Raises:
        ValueError: there is a table and the word is neither in it nor canonical.
    """
    if not codes:
        return value
    word = str(value)
    if word in codes:
        return codes[word]
    if word in codes.values():
        return word
    raise ValueError(f"没有对应 {word!r:.40}（见 feeds.yaml 的 codes）")


def json_cell(value: Any) -> Any:
    """JSON fields come as values or, in CSV, as their text.

    Raises:
        ValueError: text that is no JSON.
    """
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError(f"应为 JSON，得到 {value!r:.40}") from None
    return value
