"""Formulas over events: stocks at an instant, flows in a window, ratios and mean times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from data.columns import Array
from data.contribution import Contribution, plain, quotient
from data.event_table import CLOSED, RATED, EventTable
from data.history_span import Span
from data.inputs import Inputs
from data.records import STAGES

HOUR = 3_600_000_000
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


def _made(inputs: Inputs, mask: Mask, parts: Array, times: Array) -> Contribution:
    events = inputs.tables.events
    whole = inputs.start >= inputs.tables.events_since or parts.shape[1] == 1
    if not whole:
        # Memory holds a part of the window only: half a ratio would be a wrong figure, so it stays unknown.
        mask, parts, times = mask & False, parts[:0], times[:0]
    delivered = inputs.tables.delivered(inputs.metric.feeds)
    finish = plain if parts.shape[1] == 1 else quotient(float(inputs.option("scale", 1)))
    newest = int(events.columns["stage_time"].max()) if len(events) else 0
    return Contribution(events.columns["division"][mask], parts, finish, "sum", delivered and parts.shape[1] == 1,
                        inputs.bucket(times), _label(events, inputs.group, mask, inputs.offset), newest)


def _within(inputs: Inputs, times: Array) -> Mask:
    return (times >= inputs.start) & (times < inputs.end) & (times > 0)


def event_stock(inputs: Inputs) -> Contribution:
    """Open events at the window's end: where = open | overdue | due_soon (within `hours`)."""
    events, end = inputs.tables.events, inputs.end
    if end < inputs.tables.events_since:
        return replace(_made(inputs, np.zeros(len(events), bool), np.zeros((0, 1)), np.zeros(0, np.int64)), zero=False)
    mask = events.open_at(end) & events.select(inputs.filters)
    due = events.columns["due"]
    if inputs.option("where") == "overdue":
        mask &= (due > 0) & (due < end)
    elif inputs.option("where") == "due_soon":
        mask &= (due >= end) & (due < end + int(inputs.option("hours", 24)) * HOUR)
    found = _made(inputs, mask, np.ones((int(mask.sum()), 1)), events.columns["time"][mask])
    return replace(found, severity=severity(due[mask], end))


def severity(due: Array, instant_us: int) -> Array:
    """0 ok, 1 due within 24 h, 2 overdue, 3 overdue by more than a day; events without a due are ok."""
    late_h = np.where(due > 0, (instant_us - due) / HOUR, -np.inf)
    return (late_h > -24).astype(np.int8) + (late_h > 0) + (late_h > 24)


def event_flow(inputs: Inputs) -> Contribution:
    """Events that reached `stage` within the window; what lies before memory is counted by history."""
    events = inputs.tables.events
    stage = str(inputs.option("stage", "received"))
    edge = _edge(inputs)
    recent = replace(inputs, start=max(inputs.start, edge))
    times = events.columns["time"] if stage == "received" else events.columns["reached"][:, STAGES.index(stage)]
    mask = _within(recent, times) & events.select(inputs.filters)
    found = _made(inputs, mask, np.ones((int(mask.sum()), 1)), times[mask])
    return _with_older(inputs, found, stage, min(edge, inputs.end)) if inputs.start < edge else found


def _edge(inputs: Inputs) -> int:
    """Start of the first whole bucket that memory holds completely."""
    since = inputs.tables.events_since
    if inputs.start >= since or not inputs.step:
        return since
    first = (since + inputs.offset) // inputs.step * inputs.step - inputs.offset
    return first if first >= since else first + inputs.step


def _with_older(inputs: Inputs, found: Contribution, stage: str, edge: int) -> Contribution:
    rows = inputs.tables.older_events(stage, Span(inputs.start, edge, inputs.step, inputs.offset)).to_pylist()
    kept = [row for row in rows if all(row.get(name) in value.split(",") for name, value in inputs.filters
                                       if name in ("category", "channel", "department"))]
    divisions = inputs.tables.divisions
    division = np.array([divisions.index(row["code"]) if row["code"] in divisions else 0 for row in kept], np.int64)
    label = np.array([row[inputs.group] for row in kept], object) if inputs.group in ("category", "channel",
                                                                                   "department") else found.label[:0]
    if inputs.group and not len(label) and kept:
        return replace(found.take(np.zeros(len(found.division), bool)), zero=False)
    counts = np.array([[float(row["n"])] for row in kept]).reshape(-1, 1)
    buckets = np.array([row["bucket"] for row in kept], np.int64)
    return replace(found, division=np.concatenate([found.division, division]),
                   parts=np.concatenate([found.parts, counts]), bucket=np.concatenate([found.bucket, buckets]),
                   label=np.concatenate([found.label, label]))


def _ratio_of(inputs: Inputs, of: str) -> tuple[Array, Mask]:
    """(instant that decides about the window, condition) of a named ratio."""
    columns, end = inputs.tables.events.columns, inputs.end
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
    times, good = _ratio_of(inputs, str(inputs.option("of")))
    mask = _within(inputs, times) & inputs.tables.events.select(inputs.filters)
    parts = np.column_stack([good[mask], np.ones(int(mask.sum()))]).astype(float)
    return _made(inputs, mask, parts, times[mask])


def event_mean(inputs: Inputs) -> Contribution:
    """Mean hours from receipt to closing of the events closed in the window."""
    columns = inputs.tables.events.columns
    closed = columns["reached"][:, CLOSED]
    mask = _within(inputs, closed) & inputs.tables.events.select(inputs.filters)
    hours = (closed[mask] - columns["time"][mask]) / HOUR
    return _made(inputs, mask, np.column_stack([hours, np.ones(len(hours))]), closed[mask])
