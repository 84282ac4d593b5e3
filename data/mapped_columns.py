"""A feed's mapping by column, for the bulk door: the functions of `data.mapping`, applied once per distinct cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from data.cells import OUT_OF_BOUNDS, Cells
from data.clock import Clock
from data.feed_mapping import ValueColumn
from data.mapping import COUNTS, raw_text, value_of
from data.pack import Feed
from data.records import FIELDS
from data.times import parse_period
from data.written import civil, number

ARROW: dict[str, pa.DataType] = {"text": pa.string(), "real": pa.float64(), "time": pa.int64(), "flag": pa.bool_(),
                                 "json": pa.string()}
_NEEDED = {"event": ("需要 lon 与 lat，或 division", "lon lat", "division"),
           "indicator": ("需要 value 或 yoy", "value", "yoy"),
           "warning": ("需要 divisions 或 polygon", "divisions", "polygon")}
Mask = npt.NDArray[np.bool_]
Reasons = dict[int, str]


@dataclass
class MappedColumns:
    """Canonical columns (every field of the kind and `demo`; times int64 µs UTC, JSON as text), rejected, counts."""

    table: pa.Table
    rejected: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    columns: dict[str, list[int]] = field(default_factory=dict)


def canonical_schema(kind: str) -> pa.Schema:
    """Arrow schema of a kind's fields in the order of `data.records`, then `demo`."""
    named = [pa.field(spec.name, ARROW[spec.type]) for spec in FIELDS[kind]]
    return pa.schema([*named, pa.field("demo", pa.bool_())])


@dataclass(frozen=True)
class _Converted:
    values: pa.Array
    bad: Reasons
    repaired: int = 0


def _by_word(column: Any, convert: Callable[[Any], Any], kind: pa.DataType) -> _Converted:
    """`convert` on each distinct cell; it answers None for "no value" and raises ValueError for a bad one."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_null(whole.type):
        return _Converted(pa.nulls(len(whole), kind), {})
    coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    made: list[Any] = []
    wrong: Reasons = {}
    for position, word in enumerate(coded.dictionary.to_pylist()):
        try:
            made.append(None if word is None else convert(word))
        except ValueError as error:
            made.append(None)
            wrong[position] = str(error)
    values = pa.array(made, kind).take(coded.indices)
    if not wrong:
        return _Converted(values, {})
    at = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return _Converted(values, {int(row): wrong[int(at[row])] for row in np.flatnonzero(np.isin(at, list(wrong)))})


class ColumnMapper:
    """Applies the mapping of one feed to Arrow tables.

    Raises:
        WrongInput: the mapping names no existing time zone.
    """

    def __init__(self, feed: Feed, clock: Clock, bare_time: str = "us") -> None:
        self._rule, self._kind = feed.map, feed.kind
        self._cells = Cells(feed, clock, bare_time)
        self._types = self._cells.types

    def apply(self, source: pa.Table) -> MappedColumns:
        """Canonical columns of a table in the file's own columns."""
        out = MappedColumns(canonical_schema(self._kind).empty_table())
        base, bad = self._base(source, out)
        if self._rule.values:
            self._spread(source, base, bad, out)
        else:
            unknown = [name for name in base if name not in self._types]
            bad.update(dict.fromkeys(range(source.num_rows), f"不认识的字段 {unknown[0]!r:.40}") if unknown else {})
            known = {name: values for name, values in base.items() if name in self._types}
            self._take(source, known, bad, out)
        return out

    def _base(self, source: pa.Table, out: MappedColumns) -> tuple[dict[str, pa.Array], Reasons]:
        rows, bad = source.num_rows, Reasons()
        base: dict[str, pa.Array] = {name: _constant(value, self._types.get(name, "text"), rows)
                                     for name, value in self._rule.constants.items()}
        for name, column in self._sources(source).items():
            made = self._column(name, source[column])
            for row, reason in made.bad.items():
                bad.setdefault(row, f"{name}: {reason}")
            base[name] = pc.coalesce(made.values, base[name]) if name in base else made.values
            if self._types.get(name) == "real":
                out.counts["values"] += rows - made.values.null_count
                out.counts["repaired"] += made.repaired
        if self._rule.time_columns:
            made = self._civil(source)
            bad = {**made.bad, **bad}
            base["time"] = made.values
        return base, bad

    def _sources(self, source: pa.Table) -> dict[str, str]:
        return self._rule.fields if self._rule.named else {name: name for name in source.column_names}

    def _civil(self, source: pa.Table) -> _Converted:
        parts = [source[name].cast(pa.string()) for name in self._rule.time_columns]
        joined = pc.binary_join_element_wise(*parts, "\x1f", null_handling="replace", null_replacement="")
        return _by_word(joined, lambda text: self._cells.within(
            civil(tuple(part.strip() for part in text.split("\x1f")), self._cells.zone)), pa.int64())

    def _column(self, name: str, column: Any) -> _Converted:
        kind = self._types.get(name, "text")
        if kind == "real":
            return self._numbers(name, column, None)
        plain_us = kind == "time" and pa.types.is_integer(column.type) and self._cells.unit == "us"
        if plain_us and name not in self._rule.formats:
            return self._micros(column)

        def convert(cell: Any) -> Any:
            if self._cells.absent(name, cell):
                return None
            value = self._cells.convert(name, cell)
            return value if kind in ("flag", "time") else orjson.dumps(value).decode() if kind == "json" else str(value)

        return _by_word(column, convert, ARROW[kind])

    def _micros(self, column: Any) -> _Converted:
        values = column.cast(pa.int64()).combine_chunks()
        low, high = self._cells.bounds
        wild = pc.or_(pc.less(values, low), pc.greater(values, high)).fill_null(False)
        rows = np.flatnonzero(wild.to_numpy(zero_copy_only=False))
        return _Converted(values, dict.fromkeys(rows.tolist(), OUT_OF_BOUNDS))

    def _numbers(self, name: str, column: Any, spec: ValueColumn | None) -> _Converted:
        plain = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        if plain and not self._cells.special(name):
            return _plain_numbers(column, spec)
        repaired: set[Any] = set()

        def convert(cell: Any) -> float | None:
            if self._cells.absent(name, cell):
                return None
            value, mended = number(cell) if spec is None else value_of(cell, spec)
            if mended:
                repaired.add(cell)
            return value

        made = _by_word(column, convert, pa.float64())
        if not repaired:
            return made
        count = pc.sum(pc.is_in(column, pa.array(sorted(repaired)))).as_py()
        return _Converted(made.values, made.bad, int(count))

    def _spread(self, source: pa.Table, base: dict[str, pa.Array], bad: Reasons, out: MappedColumns) -> None:
        good = _without(source.num_rows, bad)
        self._lose(source, bad, out)
        tables = []
        ways = {column: way[0] for column, way in self._rule.values.items()}
        readings = {column: self._numbers(column, source[column], spec) for column, spec in ways.items()}
        by_metric = {spec.metric: readings[column].values for column, spec in ways.items()}
        flags = self._flags(by_metric, good, out)
        for column, spec in ways.items():
            made = readings[column]
            wrong = {row: f"{column}: {reason}" for row, reason in made.bad.items() if good[row]}
            keys = dict.fromkeys([*self._rule.fields.values(), *self._rule.time_columns, column])
            _reject(source.select(list(keys)), wrong, out)
            there = made.values.is_valid().to_numpy(zero_copy_only=False) & good
            _count(column, int(good.sum()), int(good.sum()) - int(there.sum()) - len(wrong), len(wrong), out)
            out.counts["values"] += int(good.sum())
            out.counts["repaired"] += made.repaired
            columns = {**base, "metric": _constant(spec.metric, "text", source.num_rows), "value": made.values}
            if spec.metric in flags:
                columns["quality"] = flags[spec.metric]
            tables.append(self._canonical(columns, source.num_rows).filter(pa.array(there)))
        whole = pa.concat_tables(tables)
        self._check(whole, whole, out)

    def _flags(self, readings: dict[str, pa.Array], good: Mask, out: MappedColumns) -> dict[str, pa.Array]:
        """Quality texts of the metrics that contradict another one of the same row."""
        flags: dict[str, pa.Array] = {}
        for metric, other in self._rule.not_above.items():
            over = pc.greater(readings[metric], readings[other]).fill_null(False)
            out.counts["flagged"] += int((over.to_numpy(zero_copy_only=False) & good).sum())
            for name in (metric, other):
                before = flags.get(name, pa.nulls(len(over), pa.string()))
                flags[name] = pc.if_else(over, pa.scalar(f"{metric}>{other}"), before)
        return flags

    def _canonical(self, columns: dict[str, pa.Array], rows: int) -> pa.Table:
        schema = canonical_schema(self._kind)
        arrays = [columns.get(name, pa.nulls(rows, schema.field(name).type)) for name in schema.names]
        table = pa.Table.from_arrays(arrays, schema=schema)
        return table.set_column(len(schema) - 1, schema.field("demo"), table["demo"].fill_null(False))

    def _take(self, source: pa.Table, columns: dict[str, pa.Array], bad: Reasons, out: MappedColumns) -> None:
        whole = self._canonical(columns, source.num_rows)
        self._lose(source, bad, out)
        good = _without(source.num_rows, bad)
        if self._kind == "observation" and "value" in columns:
            there = whole["value"].is_valid().to_numpy()
            name = self._rule.fields.get("value", "value")
            _count(name, int(good.sum()), int((good & ~there).sum()), 0, out)
            good &= there
        keep = pa.array(good)
        self._check(whole.filter(keep), source.filter(keep), out)

    def _lose(self, source: pa.Table, bad: Reasons, out: MappedColumns) -> None:
        _reject(source, bad, out)
        out.counts["lost"] += len(bad)

    def _check(self, table: pa.Table, source: pa.Table, out: MappedColumns) -> None:
        bad = together(self._kind, table)
        _reject(source, bad, out)
        out.table = table.filter(pa.array(_without(table.num_rows, bad))) if bad else table


def _plain_numbers(column: Any, spec: ValueColumn | None) -> _Converted:
    """Columns that are numbers already; the arithmetic of `data.written.scaled`, so that both ways agree to the bit."""
    values = column.cast(pa.float64()).combine_chunks()
    wild = np.flatnonzero(pc.invert(pc.is_finite(values)).fill_null(False).to_numpy(zero_copy_only=False))
    if spec is not None and (spec.scale != 1.0 or spec.offset != 0.0):
        plain = values.to_numpy(zero_copy_only=False)
        values = pa.array(np.rint((plain * spec.scale + spec.offset) * 1e9) / 1e9, mask=np.isnan(plain))
    return _Converted(values, dict.fromkeys(wild.tolist(), "不是有限的数"))


def _count(column: str, cells: int, missing: int, refused: int, out: MappedColumns) -> None:
    before = out.columns.get(column, [0, 0, 0])
    out.columns[column] = [old + new for old, new in zip(before, (cells, missing, refused), strict=True)]
    out.counts["missing"] += missing


def _constant(value: Any, kind: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, ARROW[kind]), rows)


def _without(rows: int, bad: Reasons) -> Mask:
    good = np.ones(rows, bool)
    good[list(bad)] = False
    return good


def _reject(source: pa.Table, bad: Reasons, out: MappedColumns) -> None:
    if not bad:
        return
    order = sorted(bad)
    raws = source.take(pa.array(order)).to_pylist()
    out.rejected += [(raw_text(raw), bad[row]) for row, raw in zip(order, raws, strict=True)]


def together(kind: str, table: pa.Table) -> Reasons:
    """Rows that `data.records.parse` would refuse although every cell converts: required, allowed words, pairs."""
    bad: Reasons = {}

    def mark(mask: Any, reason: str) -> None:
        for row in np.flatnonzero(np.asarray(mask.fill_null(False).combine_chunks())):
            bad.setdefault(int(row), reason)

    for spec in FIELDS[kind]:
        column = table[spec.name]
        if spec.required and column.null_count:
            mark(column.is_null(), f"缺少 {spec.name}")
        if spec.one_of:
            known = pc.or_(pc.is_in(column, pa.array(spec.one_of)), column.is_null())
            mark(pc.invert(known), f"{spec.name}: 不在 {'/'.join(filter(None, spec.one_of))} 之中")
    if kind in _NEEDED:
        words, *choices = _NEEDED[kind]
        there = [_all([table[name].is_valid() for name in choice.split()]) for choice in choices]
        mark(pc.invert(pc.or_(*there)), words)
    if kind == "indicator":
        bad = {**_by_word(table["period"], lambda text: parse_period(text) and text, pa.string()).bad, **bad}
    return bad


def _all(masks: list[Any]) -> Any:
    return masks[0] if len(masks) == 1 else pc.and_(*masks)
