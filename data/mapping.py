"""A feed's mapping, row by row: columns as written → canonical fields (`data.mapped_columns`: by column)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from data.clock import MICRO, Clock
from data.pack import Feed, ValueColumn
from data.records import FIELDS
from data.written import civil, flag, instant, number, scaled, zone_of

RAW_CHARS = 2000
_YEAR_US = 31_556_952 * MICRO
_EARLIEST_US = -70 * _YEAR_US
OUT_OF_BOUNDS = "时间早于 1900 年或晚于一百年后，请核对单位（秒、毫秒）"
COUNTS = ("values", "missing", "repaired", "flagged")
_META = {"demo": "flag"}


@dataclass
class Mapped:
    """Outcome of some raw rows: canonical dicts for `data.records.parse` (times int µs), what was rejected, counts.

    counts: values (cells looked at), missing (a stated text for "no value": neither a record nor an error), repaired
    (full-width digits and the like), flagged (pairs that contradict one another: kept, `quality` says so).
    `origin[i]` and `rejected_origin[i]`: position of the raw row that rows[i] or rejected[i] came from.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    rejected_origin: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))


@dataclass(frozen=True)
class FieldTypes:
    """Types of a kind's canonical fields, and of `demo`."""

    of: dict[str, str]

    @staticmethod
    def for_kind(kind: str) -> FieldTypes:
        """The table of `data.records`."""
        return FieldTypes({**{spec.name: spec.type for spec in FIELDS[kind]}, **_META})


def needed_columns(feed: Feed) -> tuple[str, ...]:
    """The columns that the mapping names and a file must have; () when records come in canonical form."""
    rule = feed.map
    return tuple(dict.fromkeys([*rule.fields.values(), *rule.time_columns, *rule.values]))


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


def raw_text(row: Mapping[str, Any]) -> str:
    """The row as it came, for quarantine (JSON, at most RAW_CHARS)."""
    return orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS).decode()[:RAW_CHARS]


class RowMapper:
    """Applies the mapping of one feed to rows; the zone and the codes are resolved once.

    `bare_time` is the unit of numbers in time columns where the format itself defines it (Parquet: us).

    Raises:
        WrongInput: the mapping names no existing time zone.
    """

    def __init__(self, feed: Feed, clock: Clock, bare_time: str = "") -> None:
        self._rule = feed.map
        self._unit = feed.map.time_unit or bare_time
        self._kind = feed.kind
        self._types = FieldTypes.for_kind(feed.kind).of
        self._zone = zone_of(feed.map.timezone)
        self._missing = frozenset(feed.map.missing)
        self._bounds = time_bounds(clock)

    def apply(self, raws: Iterable[Mapping[str, Any]]) -> Mapped:
        """Canonical rows of `raws`; a wide row becomes one observation per value column."""
        out = Mapped()
        for position, raw in enumerate(raws):
            self._one(raw, out)
            out.origin += [position] * (len(out.rows) - len(out.origin))
            out.rejected_origin += [position] * (len(out.rejected) - len(out.rejected_origin))
        return out

    def _one(self, raw: Mapping[str, Any], out: Mapped) -> None:
        try:
            base = self._base(raw, out)
        except ValueError as error:
            out.rejected.append((raw_text(raw), str(error)))
            return
        if self._rule.values:
            self._spread(raw, base, out)
        elif self._kind == "observation" and base.get("value") is None and "value" in base:
            out.counts["missing"] += 1
        else:
            out.rows.append(base)

    def _sources(self, raw: Mapping[str, Any]) -> Mapping[str, str]:
        if self._rule.fields or self._rule.values or self._rule.time_columns:
            return self._rule.fields
        if self._kind == "asset":
            return {name: name for name in raw if name in self._types}
        return {name: name for name in raw}

    def _properties(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """An asset may carry anything: without a mapping, names that are no fields are its properties."""
        extra = {name: value for name, value in raw.items() if name not in self._types}
        known = json_cell(raw.get("properties")) if raw.get("properties") else {}
        return {**extra, **known} if isinstance(known, dict) else extra

    def _base(self, raw: Mapping[str, Any], out: Mapped) -> dict[str, Any]:
        row: dict[str, Any] = dict(self._rule.constants)
        sources = self._sources(raw)
        for name, column in sources.items():
            try:
                value = self._cell(name, raw.get(column), out)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if value is not None or name not in row:
                row[name] = value
        if self._kind == "asset" and sources is not self._rule.fields:
            row["properties"] = self._properties(raw)
        if self._rule.time_columns:
            parts = tuple(str(raw.get(column, "")).strip() for column in self._rule.time_columns)
            row["time"] = check_bounds(civil(parts, self._zone), self._bounds)
        return row

    def _cell(self, name: str, value: Any, out: Mapped) -> Any:
        if value is None or (isinstance(value, str) and value.strip() in self._missing):
            return None
        kind = self._types.get(name, "text")
        if kind == "real":
            result, repaired = number(value)
            out.counts["values"] += 1
            out.counts["repaired"] += repaired
            return result
        if kind == "time":
            return check_bounds(instant(value, self._zone, self._unit), self._bounds)
        if kind == "flag":
            return flag(value)
        if kind == "json":
            return json_cell(value)
        return self._coded(name, value)

    def _coded(self, name: str, value: Any) -> Any:
        return code_of(self._rule.codes.get(name), value.strip() if isinstance(value, str) else value)

    def _spread(self, raw: Mapping[str, Any], base: dict[str, Any], out: Mapped) -> None:
        made: dict[str, dict[str, Any]] = {}
        for column, spec in self._rule.values.items():
            cell = raw.get(column)
            out.counts["values"] += 1
            if cell is None or (isinstance(cell, str) and cell.strip() in self._missing):
                out.counts["missing"] += 1
                continue
            try:
                value, repaired = value_of(cell, spec)
            except ValueError as error:
                out.rejected.append((raw_text(self._excerpt(raw, column)), f"{column}: {error}"))
                continue
            out.counts["repaired"] += repaired
            made[spec.metric] = {**base, "metric": spec.metric, "value": value}
        out.rows += made.values()
        for metric, other in self._rule.not_above.items():
            if metric in made and other in made and made[metric]["value"] > made[other]["value"]:
                made[metric]["quality"] = made[other]["quality"] = f"{metric}>{other}"
                out.counts["flagged"] += 1

    def _excerpt(self, raw: Mapping[str, Any], column: str) -> dict[str, Any]:
        keys = [*self._rule.fields.values(), *self._rule.time_columns, column]
        return {key: raw.get(key) for key in keys}


def value_of(cell: Any, spec: ValueColumn) -> tuple[float, bool]:
    """The stored value of a wide table's cell and whether it was repaired.

    Raises:
        ValueError: not a finite number.
    """
    value, repaired = number(cell)
    return scaled(value, spec.scale, spec.offset), repaired


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
