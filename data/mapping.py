"""A feed's mapping, row by row: columns as written → canonical fields (`data.mapped_columns`: by column)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from data.cells import Cells, json_cell
from data.clock import Clock
from data.feed_mapping import ValueColumn
from data.formats.parts import RAW_CHARS
from data.pack import Feed
from data.written import civil, number, scaled

COUNTS = ("values", "missing", "repaired", "flagged", "lost")
Raw = Mapping[str, Any]
Row = dict[str, Any]


@dataclass
class Mapped:
    """Outcome of some raw rows: canonical dicts for `data.records.parse` (times int µs), what was rejected, counts.

    counts: values (cells looked at), missing (a stated text for "no value": neither a record nor an error), repaired
    (full-width digits and the like), flagged (pairs that contradict one another: kept, `quality` says so), lost (rows
    rejected whole). columns: column → [cells of mapped rows, missing, rejected] where one row makes several records.
    `origin[i]` and `rejected_origin[i]`: position of the raw row that rows[i] or rejected[i] came from.
    """

    rows: list[Row] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    rejected_origin: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    columns: dict[str, list[int]] = field(default_factory=dict)

    def looked_at(self, column: str, missing: bool) -> None:
        """One more cell of a column that makes records."""
        counted = self.columns.setdefault(column, [0, 0, 0])
        counted[0] += 1
        counted[1] += missing
        self.counts["values"] += 1
        self.counts["missing"] += missing

    def refuse_cell(self, column: str, raw: Raw, error: ValueError) -> None:
        """A cell that holds no value of its field; the rest of the row stays."""
        self.columns[column][2] += 1
        self.rejected.append((raw_text(raw), f"{column}: {error}"))


def needed_columns(feed: Feed) -> tuple[str, ...]:
    """The columns that the mapping names and a file must have; () when records come in canonical form."""
    given = feed.source.table.from_name
    return tuple(name for name in feed.map.columns() if name not in given)


def raw_text(row: Raw) -> str:
    """The row as it came, for quarantine (JSON, at most RAW_CHARS)."""
    return orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS).decode()[:RAW_CHARS]


class RowMapper:
    """Applies the mapping of one feed to rows; the zone and the codes are resolved once.

    `bare_time` is the unit of numbers in time columns where the format itself defines it (Parquet: us).

    Raises:
        WrongInput: the mapping names no existing time zone.
    """

    def __init__(self, feed: Feed, clock: Clock, bare_time: str = "") -> None:
        self._rule, self._kind = feed.map, feed.kind
        self._cells = Cells(feed, clock, bare_time)
        self._across = re.compile(feed.map.across.columns) if feed.map.across else None
        self._patterns = {way.pattern: re.compile(way.pattern)
                          for ways in feed.map.values.values() for way in ways if way.pattern}
        self._columns = () if feed.map.across else feed.map.columns()
        self._deep = frozenset(name for name in feed.map.columns() if "." in name)

    def apply(self, raws: Iterable[Raw]) -> Mapped:
        """Canonical rows of `raws`; a wide row becomes one record per value column."""
        out = Mapped()
        for position, raw in enumerate(raws):
            self._one(self._whole(raw), out)
            out.origin += [position] * (len(out.rows) - len(out.origin))
            out.rejected_origin += [position] * (len(out.rejected) - len(out.rejected_origin))
        return out

    def _whole(self, raw: Raw) -> Raw:
        """The row with the values of dotted paths and of joined columns beside its own."""
        if not self._deep and not self._rule.join:
            return raw
        row = {**raw, **{name: reached(raw, name) for name in self._deep if name not in raw}}
        for name, parts in self._rule.join.items():
            texts = [str(row.get(part) if row.get(part) is not None else "").strip() for part in parts]
            row[name] = " ".join(texts) if all(texts) else None
        return row

    def _one(self, raw: Raw, out: Mapped) -> None:
        try:
            self._any_column(raw)
            base = self._base(raw, out)
        except ValueError as error:
            out.rejected.append((raw_text(raw), str(error)))
            out.counts["lost"] += 1
            return
        if self._rule.values:
            self._spread(raw, base, out)
        elif self._across is not None or self._rule.stages:
            out.rows += list(self._several(raw, base, out))
        else:
            self._single(base, out)

    def _any_column(self, raw: Raw) -> None:
        """Columns under other names are no missing values: the source has changed, and that must be seen."""
        if self._columns and all(raw.get(name) is None for name in self._columns):
            raise ValueError(f"没有 feeds.yaml 所列的任何一列（{'、'.join(self._columns[:5])}）；来源的列名可能变了")

    def _single(self, base: Row, out: Mapped) -> None:
        if self._kind == "observation" and "value" in base:
            counted = out.columns.setdefault(self._rule.fields.get("value", "value"), [0, 0, 0])
            counted[0] += 1
            if base["value"] is None:
                counted[1] += 1
                out.counts["missing"] += 1
                return
        out.rows.append(base)

    def _sources(self, raw: Raw) -> Mapping[str, str]:
        if self._rule.named:
            return self._rule.fields
        if self._kind == "asset":
            return {name: name for name in raw if name in self._cells.types}
        return {name: name for name in raw}

    def _properties(self, raw: Raw) -> Row:
        """An asset may carry anything: without a mapping, names that are no fields are its properties."""
        extra = {name: value for name, value in raw.items() if name not in self._cells.types}
        known = json_cell(raw.get("properties")) if raw.get("properties") else {}
        return {**extra, **known} if isinstance(known, dict) else extra

    def _base(self, raw: Raw, out: Mapped) -> Row:
        row: Row = dict(self._rule.constants)
        for name, column in self._sources(raw).items():
            try:
                value = self._cell(name, raw.get(column), out)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if value is not None or name not in row:
                row[name] = value
        if self._rule.properties:
            row["properties"] = {name: raw.get(column) for name, column in self._rule.properties.items()
                                 if not self._cells.absent(name, raw.get(column))}
        elif self._kind == "asset" and not self._rule.named:
            row["properties"] = self._properties(raw)
        if self._rule.time_columns:
            parts = tuple(str(raw.get(column, "")).strip() for column in self._rule.time_columns)
            row["time"] = self._cells.within(civil(parts, self._cells.zone))
        return row

    def _cell(self, name: str, value: Any, out: Mapped) -> Any:
        if self._cells.absent(name, value):
            return None
        if self._cells.types.get(name) != "real":
            return self._cells.convert(name, value)
        result, repaired = number(value)
        out.counts["values"] += 1
        out.counts["repaired"] += repaired
        return result

    def _several(self, raw: Raw, base: Row, out: Mapped) -> Iterator[Row]:
        """One row that holds several records: a value in each column of a name, or a time for each stage."""
        for column, fields, name in self._places(raw):
            cell = raw.get(column)
            if not self._says(name, column, cell, out):
                continue
            try:
                given = {key: self._cells.convert(key, text) for key, text in fields.items()}
                value = number(cell)[0] if self._cells.types.get(name) == "real" else self._cells.convert(name, cell)
            except ValueError as error:
                out.refuse_cell(column, self._excerpt(raw, column), error)
                continue
            yield {**base, **given, name: value}

    def _says(self, name: str, column: str, cell: Any, out: Mapped) -> bool:
        """Whether a cell says anything; it is counted either way."""
        absent = self._cells.absent(name, cell)
        out.looked_at(column, absent)
        return not absent

    def _places(self, raw: Raw) -> Iterator[tuple[str, dict[str, str], str]]:
        """(column, fields that the column itself gives, field that its cell fills)."""
        for stage, column in self._rule.stages.items():
            yield column, {"stage": stage}, "stage_time"
        if self._rule.across is not None and self._across is not None:
            for column in raw:
                if self._across.fullmatch(column):
                    yield column, {self._rule.across.into: column}, self._rule.across.value

    def _spread(self, raw: Raw, base: Row, out: Mapped) -> None:
        made: dict[tuple[str, str], Row] = {}
        for column, ways in self._rule.values.items():
            cell = raw.get(column)
            if not self._says(column, column, cell, out):
                continue
            try:
                way, value, repaired = self._reading(ways, cell)
            except ValueError as error:
                out.refuse_cell(column, self._excerpt(raw, column), error)
                continue
            out.counts["repaired"] += repaired
            row = made.setdefault((way.metric, way.basis), {**base})
            row |= self._named(way)
            row[way.field] = value
        self._compare({metric: row for (metric, _), row in made.items()}, out)
        out.rows += made.values()

    def _reading(self, ways: tuple[ValueColumn, ...], cell: Any) -> tuple[ValueColumn, float, bool]:
        for way in ways:
            if not way.pattern:
                return way, *value_of(cell, way)
            match = self._patterns[way.pattern].fullmatch(str(cell).strip())
            if match:
                return way, *value_of(match[1], way)
        raise ValueError(f"{str(cell)!r:.40} 不合 feeds.yaml 所列的任何一种写法")

    def _named(self, way: ValueColumn) -> Row:
        if self._kind != "indicator":
            return {"metric": way.metric}
        given = {"indicator": way.metric, "basis": way.basis, "unit": way.unit if way.field == "value" else ""}
        return {name: text for name, text in given.items() if text}

    def _compare(self, made: Mapping[str, Row], out: Mapped) -> None:
        for metric, other in self._rule.not_above.items():
            if metric in made and other in made and made[metric]["value"] > made[other]["value"]:
                made[metric]["quality"] = made[other]["quality"] = f"{metric}>{other}"
                out.counts["flagged"] += 1

    def _excerpt(self, raw: Raw, column: str) -> Row:
        keys = [*self._rule.fields.values(), *self._rule.time_columns, column]
        return {key: raw.get(key) for key in keys}


def reached(raw: Raw, path: str) -> Any:
    """What a dotted path leads to in nested objects, None where it ends early."""
    found: Any = raw
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def value_of(cell: Any, spec: ValueColumn) -> tuple[float, bool]:
    """The stored value of a wide table's cell and whether it was repaired.

    Raises:
        ValueError: not a finite number.
    """
    value, repaired = number(cell)
    return scaled(value, spec.scale, spec.offset), repaired
