"""Events as they stand after all their stage changes, made by column from the rows of history."""

from __future__ import annotations

import ibis
import numpy as np
import pyarrow as pa

from data.columns import Array
from data.history_dialect import Dialect
from data.records import STAGES

_CLOSED = STAGES.index("closed")
# What an event is known by: two feeds may give one number to different things.
KEY = ("id", "feed")
TOLD = ("lon", "lat", "title", "detail", "level")
STATED = ("time", "code", "category", "channel", "stage", "demo", "department", "due", "satisfaction")
FACTS = pa.schema([
    *((name, pa.string()) for name in (*KEY, "code", "category", "channel", "stage", "department")),
    *((name, pa.int64()) for name in ("time", "due", "stage_time", "worked", "ended")), ("satisfaction", pa.float64()),
    ("demo", pa.bool_()), ("sent_back", pa.bool_()), *((f"reached_{name}", pa.int64()) for name in STAGES)])


def _order(rows: ibis.Table) -> tuple[ibis.Value, ibis.Value]:
    """(number of the stage, what grows with time and, at one instant, with the stage)."""
    place = rows.stage.cases(*((name, number) for number, name in enumerate(STAGES)), else_=0)
    return place, rows.stage_time * len(STAGES) + place


def ended_ids(rows: ibis.Table, before_us: int) -> ibis.Table:
    """KEY of the events that are closed, and whose last change and deadline lie before an instant."""
    last, over = _ends(rows, before_us)
    return last.filter(over).select(*KEY)


def standing_ids(rows: ibis.Table, before_us: int) -> ibis.Table:
    """KEY of all other events: of a long history much the fewer."""
    last, over = _ends(rows, before_us)
    return last.filter(~over).select(*KEY)


def _ends(rows: ibis.Table, before_us: int) -> tuple[ibis.Table, ibis.BooleanValue]:
    last = rows.group_by(*KEY).agg(change=_order(rows)[1].max(), due=rows.due.max().fill_null(0))
    closed = last.change % len(STAGES) >= _CLOSED
    return last, closed & (last.change < before_us * len(STAGES)) & (last.due < before_us)


def facts(rows: ibis.Table, dialect: Dialect, more: tuple[str, ...] = ()) -> ibis.Table:
    """One row an event of rows of stage changes: columns of FACTS and `more`, empty where nothing was said.

    What the newest change that says it says counts, of changes at one instant that of the later stage. reached_…: the
    first time, of closed and rated the last; worked, ended: the last change before closing, the first from closing on.
    """
    place, order = _order(rows)
    rows = rows.select(*KEY, "act", "stage_time", *STATED, *more, place=place, order=order)
    place, when = rows.place, rows.stage_time
    stated = {name: dialect.at_greatest(rows[name], rows["order"]) for name in (*STATED, *more)}
    reached = {f"reached_{name}": when.min(where=place == number) if number < _CLOSED
               else when.max(where=place == number) for number, name in enumerate(STAGES)}
    return rows.group_by(*KEY).agg(
        **stated, **reached, stage_time=when.max(), worked=when.max(where=place < _CLOSED),
        ended=when.min(where=place >= _CLOSED), sent_back=(rows.act == "return").any())


def reached_of(table: pa.Table) -> tuple[Array, Array]:
    """((events, stages) µs at which each stage was reached, 0 = not; True where work went on after a closing).

    A closing that was taken back does not count; one that was never told lies where the rating is: nobody rates an open
    event.
    """
    columns = [_numbers(table, f"reached_{name}") for name in STAGES]
    worked, ended = _numbers(table, "worked"), _numbers(table, "ended")
    closed, rated = (np.where(column >= worked, column, 0) for column in columns[_CLOSED:])
    reached = np.stack([*columns[:_CLOSED], np.where(closed > 0, closed, rated), rated], axis=1)
    return reached, (ended > 0) & (worked > ended)


def _numbers(table: pa.Table, name: str) -> Array:
    found: Array = table[name].fill_null(0).to_numpy()
    return found
