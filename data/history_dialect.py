"""The few functions of an engine that Ibis has no name for, or says in a slow way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import Value

SECOND_US = 1_000_000


@dataclass(frozen=True)
class Dialect:
    """How one engine says it.

    Attributes:
        month_start: µs since 1970 of the first instant of the calendar month that holds an instant, by the same clock.
        at_greatest: the value where an order (whole numbers) is greatest, of the rows that have a value.
        newest: the number at the greatest time, µs of the years 1685 to 2255 (exact in a double); all rows have both.
    """

    month_start: Callable[[Value], Value]
    at_greatest: Callable[[Value, Value], Value]
    newest: Callable[[Value, Value], Value]


# Microseconds of any timestamp, and the timestamp of microseconds, in DuckDB.
epoch_us = ibis.udf.scalar.builtin(lambda instant: None, name="epoch_us", signature=(("timestamp",), "int64"))
_make_timestamp = ibis.udf.scalar.builtin(lambda us: None, name="make_timestamp", signature=(("int64",), "timestamp"))
# The same in seconds, in PostgreSQL; whole seconds are exact in a double.
_to_timestamp = ibis.udf.scalar.builtin(lambda seconds: None, name="to_timestamp",
                                        signature=(("float64",), "timestamp('UTC')"))
_date_trunc = ibis.udf.scalar.builtin(lambda unit, instant: None, name="date_trunc",
                                      signature=(("string", "timestamp('UTC')"), "timestamp('UTC')"))
_date_part = ibis.udf.scalar.builtin(lambda part, instant: None, name="date_part",
                                     signature=(("string", "timestamp('UTC')"), "float64"))
# And in Spark.
_timestamp_micros = ibis.udf.scalar.builtin(lambda us: None, name="timestamp_micros",
                                            signature=(("int64",), "timestamp"))
_unix_micros = ibis.udf.scalar.builtin(lambda instant: None, name="unix_micros", signature=(("timestamp",), "int64"))


def floored(value: Value, step: int) -> Value:
    """How many whole steps lie before a whole number, also below zero, in every engine."""
    return (value.cast("float64") / float(step)).floor().cast("int64")


def _duckdb_month(us: Value) -> Value:
    return epoch_us(_make_timestamp(us).truncate("M"))


def _postgres_month(us: Value) -> Value:
    instant = _to_timestamp(floored(us, SECOND_US).cast("float64"))
    return _date_part("epoch", _date_trunc("month", instant)).cast("int64") * SECOND_US


def _spark_month(us: Value) -> Value:
    return _unix_micros(_timestamp_micros(us).truncate("M"))


def _duckdb_greatest(value: Value, order: Value) -> Value:
    # Ibis' own argmax sorts every group.
    return _arg_max(value.type())(value, order)


@cache
def _arg_max(kind: dt.DataType) -> Callable[[Value, Value], Value]:
    found: Callable[[Value, Value], Value] = ibis.udf.agg.builtin(
        lambda value, order: None, name="arg_max", signature=((kind, "int64"), kind))
    return found


def _greatest(value: Value, order: Value) -> Value:
    return value.argmax(order, where=value.notnull())


# PostgreSQL compares arrays by their first element, and finds a maximum without sorting: three times as fast.
_max_pair = ibis.udf.agg.builtin(lambda pair: None, name="max", signature=(("array<float64>",), "array<float64>"))


def _postgres_newest(value: Value, time: Value) -> Value:
    # The second of the pair: Ibis and sqlglot each add one to the place of an element; the contract test would tell.
    return _max_pair(ibis.array([time.cast("float64"), value]))[0]


DUCKDB = Dialect(_duckdb_month, _duckdb_greatest, _duckdb_greatest)
POSTGRES = Dialect(_postgres_month, _greatest, _postgres_newest)
SPARK = Dialect(_spark_month, _greatest, _greatest)
