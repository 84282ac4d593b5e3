"""Formulas over events: stocks at an instant, flows in a window, ratios and mean times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from data.columns import Array
from data.contribution import Contribution, joined, plain, quotient
from data.event_table import CLOSED, HOUR, RATED, EventTable
from data.inputs import Inputs
from data.records import STAGES

Mask = npt.NDArray[np.bool_]


def _label(events: EventTable, group: str, mask: Mask, offset: int) -> Array:
    if group in ("category", "channel", "department"):
        return np.array(getattr(events, group).words, object)[events.columns[group][mask]]
    if group == "stage":
        return np.array(STAGES, object)[events.columns["stage"][mask]]
    if group == "weekhour":
        hours = (events.columns["time"][mask] + offset) // HOUR
        days = (hours // 24 + 3) % 7
        return np.array([f"{day}-{hour:02d}" for day, hour in zip(days, hours % 24, strict=True)], object)
    return np.zeros(0, object)


def _rows(inputs: Inputs, events: EventTable, mask: Mask, parts: Array, times: Array) -> Contribution:
    finish = plain if parts.shape[1] == 1 else quotient(float(inputs.option("scale", 1)))
    return Contribution(events.columns["division"][mask], parts, finish, "sum", False, inputs.bucket(times),
                        _label(events, inputs.group, mask, inputs.offset))


def _joined(inputs: Inputs, since: int, made: Callable[[EventTable], Contribution]) -> Contribution:
    """What the events in memory contribute and, for an instant before those, what the ended ones of history do."""
    tables = inputs.tables
    found, held = made(tables.events), _held(inputs, since)
    for past in held[1:]:
        found = joined(found, made(past))
    newest = _last(tables.events.columns["stage_time"][tables.events.select((), inputs.told_by)])
    counted = tables.delivered(inputs.metric.feeds) and found.parts.shape[1] == 1
    # Before the first event that anybody told of, none is not the same as zero.
    return replace(found, zero=counted and inputs.end > _begun(inputs, held), newest=newest)


def _held(inputs: Inputs, since: int) -> list[EventTable]:
    """The events in memory and, when the question reaches back behind them, those that ended before."""
    tables = inputs.tables
    return [tables.events, *([tables.past_events()] if since < tables.events_since else [])]


def _begun(inputs: Inputs, held: list[EventTable]) -> int:
    """Receipt of the first event that its feeds told of, where the question may reach behind it; else 0."""
    if len(held) == 1 and inputs.tables.events_since:
        return 0
    told = [events.columns["time"][events.select((), inputs.told_by)] for events in held]
    return min((int(times.min()) for times in told if len(times)), default=0)


def _last(times: Array) -> int:
    return int(times.max()) if len(times) else 0


def _within(inputs: Inputs, times: Array) -> Mask:
    return (times >= inputs.start) & (times < inputs.end) & (times > 0)


def _stock(inputs: Inputs) -> tuple[str, int]:
    return str(inputs.option("where", "open")), int(inputs.option("hours", 24))


def event_stock(inputs: Inputs) -> Contribution:
    """Open events at the window's end: where = open | overdue | due_soon (within `hours`)."""
    end, stock = inputs.end, _stock(inputs)

    def standing(events: EventTable) -> Contribution:
        mask = events.stands(end, *stock) & events.select(inputs.filters, inputs.told_by)
        found = _rows(inputs, events, mask, np.ones((int(mask.sum()), 1)), events.columns["time"][mask])
        return replace(found, severity=severity(events.columns["due"][mask], end))

    return _joined(inputs, end, standing)


def stock_series(inputs: Inputs, instants: Array, below: Mask) -> list[tuple[float, int]]:
    """`event_stock` at each of the ascending instants for the divisions of a mask (NaN = unknown), and the count: an
    event stands from one instant to another, so all points are counted in one pass.
    """
    held = _held(inputs, int(instants[0]))
    spans = [_spans(inputs, events, below) for events in held]
    since, until = (np.sort(np.concatenate(column)) for column in zip(*spans, strict=True))
    count = np.searchsorted(since, instants, "right") - np.searchsorted(until, instants, "right")
    told = inputs.tables.delivered(inputs.metric.feeds) & (instants > _begun(inputs, held))
    values: list[float] = np.where(told | (count > 0), count, np.nan).tolist()
    return list(zip(values, count.tolist(), strict=True))


def _spans(inputs: Inputs, events: EventTable, below: Mask) -> tuple[Array, Array]:
    since, until = events.standing(*_stock(inputs))
    mask = events.select(inputs.filters, inputs.told_by) & below[events.columns["division"]] & (since < until)
    return since[mask], until[mask]


def severity(due: Array, instant_us: int) -> Array:
    """0 ok, 1 due within 24 h, 2 overdue, 3 overdue by more than a day; events without a due are ok."""
    late_h = np.where(due > 0, (instant_us - due) / HOUR, -np.inf)
    return (late_h > -24).astype(np.int8) + (late_h > 0) + (late_h > 24)


def event_flow(inputs: Inputs) -> Contribution:
    """Events that reached `stage` within the window: first, of closed and rated last (one taken back did not count)."""
    stage = str(inputs.option("stage", "received"))

    def reached(events: EventTable) -> Contribution:
        times = events.columns["time"] if stage == "received" else events.columns["reached"][:, STAGES.index(stage)]
        mask = _within(inputs, times) & events.select(inputs.filters, inputs.told_by)
        return _rows(inputs, events, mask, np.ones((int(mask.sum()), 1)), times[mask])

    return _joined(inputs, inputs.start, reached)


def _ratio_of(inputs: Inputs, events: EventTable) -> tuple[Array, Mask]:
    """(instant that decides about the window, condition) of a named ratio."""
    columns, end, of = events.columns, inputs.end, str(inputs.option("of"))
    closed = columns["reached"][:, CLOSED]
    done = (closed > 0) & (closed < end)
    if of == "on_time":
        return columns["due"], done & (closed <= columns["due"])
    if of == "closing":
        return columns["time"], done
    if of == "rework":
        return np.where(done, closed, 0), columns["returned"]
    rated = np.where(np.isfinite(columns["satisfaction"]), columns["reached"][:, RATED], 0)
    return rated, columns["satisfaction"] >= float(inputs.option("from", 3))


def event_ratio(inputs: Inputs) -> Contribution:
    """Share of events: of = on_time (closed by their due ÷ due in the window) | closing (closed ÷ received in it) |
    rework (sent back ÷ closed in it) | satisfied (rated at least `from` ÷ rated in it).
    """
    def share(events: EventTable) -> Contribution:
        times, good = _ratio_of(inputs, events)
        mask = _within(inputs, times) & events.select(inputs.filters, inputs.told_by)
        parts = np.column_stack([good[mask], np.ones(int(mask.sum()))]).astype(float)
        return _rows(inputs, events, mask, parts, times[mask])

    return _joined(inputs, inputs.start, share)


def event_mean(inputs: Inputs) -> Contribution:
    """Mean hours from receipt to closing of the events closed in the window."""
    def taken(events: EventTable) -> Contribution:
        closed = events.columns["reached"][:, CLOSED]
        mask = _within(inputs, closed) & events.select(inputs.filters, inputs.told_by)
        hours = (closed[mask] - events.columns["time"][mask]) / HOUR
        return _rows(inputs, events, mask, np.column_stack([hours, np.ones(len(hours))]), closed[mask])

    return _joined(inputs, inputs.start, taken)
