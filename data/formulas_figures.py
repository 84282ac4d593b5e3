"""Formulas over indicators and warnings, and figures per head of another figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from data.columns import Array
from data.contribution import Contribution, by_division, plain, quotient
from data.inputs import Inputs
from data.records import Row
from data.times import parse_period
from geo.divisions import Divisions

# The state that a warning's color stands for, the gravest first.
WARNING_STATES = {"red": "alarm", "orange": "warn", "yellow": "att", "blue": "ok"}
_FACTS = ("period", "basis", "yoy", "yoy_kind", "mom", "target", "rank", "status", "note")


def _basis(inputs: Inputs, indicator: str) -> str:
    wanted = str(inputs.option("basis", ""))
    bases = inputs.tables.indicators.bases(indicator)
    return wanted if wanted in bases or not bases else bases[0]


def _newest_row(inputs: Inputs, indicator: str, division: str) -> Row | None:
    rows = inputs.tables.indicators.series(indicator, _basis(inputs, indicator), division, inputs.end)
    return rows[-1] if rows else None


def _facts(row: Row) -> dict[str, Any]:
    """Period, growth, target and progress of an indicator row; time progress = share of the year gone by its end."""
    end = parse_period(row["period"])[1]
    months = 12 if (end.month, end.day) == (1, 1) else end.month - 1
    facts = {name: row[name] for name in _FACTS}
    facts["time_progress_pct"] = round(100 * months / 12, 1)
    if row["target"] and row["value"] is not None:
        facts["progress_pct"] = round(100 * row["value"] / row["target"], 1)
    return facts


def indicator(inputs: Inputs) -> Contribution:
    """The newest published value (or `field` = yoy) of an indicator, as each division published it; never added up
    unless `over_area` is sum: then children that all have a figure add up, else what the division itself published.
    """
    name, column = str(inputs.option("id")), str(inputs.option("field", "value"))
    divisions = inputs.tables.divisions
    rows = [row for code in inputs.tables.indicators.divisions(name, _basis(inputs, name))
            if code in divisions and (row := _newest_row(inputs, name, code)) is not None and row[column] is not None]
    at = np.array([divisions.index(row["division"]) for row in rows], np.int64)
    values = np.array([row[column] for row in rows], float)
    if inputs.metric.over_area == "sum":
        at, values = _added_up(at, values, divisions)
    newest = max((row["received"] for row in rows), default=0)
    return Contribution(at, values.reshape(-1, 1), plain, "sum", False, at * 0, newest=newest, rolls_up=False)


def _added_up(at: Array, published: Array, divisions: Divisions) -> tuple[Array, Array]:
    """Every division that has a figure, and it: the sum over its children where none lacks one, else its own."""
    values = np.full(len(divisions), np.nan)
    values[at] = published
    for level in range(int(divisions.level[at].max(initial=0)), 0, -1):
        children = divisions.at_level(level)
        sums = np.full(len(divisions), np.nan)
        sums[divisions.parent[children]] = 0.0
        np.add.at(sums, divisions.parent[children], values[children])
        values = np.where(np.isnan(sums), values, sums)
    known = np.flatnonzero(~np.isnan(values))
    return known, values[known]


def indicator_facts(inputs: Inputs, division: str) -> dict[str, Any]:
    """What stands beside an indicator's value: period, 同比, target, progress."""
    name = str(inputs.option("id"))
    rows = inputs.tables.indicators.series(name, _basis(inputs, name), division, inputs.end)
    if not rows:
        return {}
    facts = _facts(rows[-1])
    return facts if facts["mom"] is not None else {**facts, "mom": _month_on_month(rows)}


def _month_on_month(rows: list[Row]) -> float | None:
    """% between the newest single month (or balance) and the month right before it; None where either is missing."""
    if len(rows) < 2 or rows[-1]["basis"] not in ("current", "balance"):
        return None
    before, until, _ = parse_period(rows[-2]["period"])
    old, new = rows[-2]["value"], rows[-1]["value"]
    if until != parse_period(rows[-1]["period"])[0] or (until - before).days > 31 or not old or new is None:
        return None
    return round(100 * (float(new) / float(old) - 1), 1)


def indicator_series(inputs: Inputs, division: str) -> list[tuple[datetime, float | None, dict[str, Any]]]:
    """(start of the period's last month, value, facts) of a division's periods that end within the last `months`."""
    name, column = str(inputs.option("id")), str(inputs.option("field", "value"))
    rows = inputs.tables.indicators.series(name, _basis(inputs, name), division, inputs.end)
    found = []
    for row in rows[-int(inputs.option("months", 24)):]:
        end = parse_period(row["period"])[1]
        month = end.month - 1 or 12
        start = datetime(end.year - (end.month == 1), month, 1, tzinfo=UTC)
        found.append((start, row[column], _facts(row)))
    return found


def warning_count(inputs: Inputs) -> Contribution:
    """Warnings in force at the window's end; one counts in every division that it names, and once above them.

    Beside the count: the worst level in force and its state, since how many there are says nothing of how grave.
    """
    divisions = inputs.tables.divisions
    active = inputs.tables.warnings.active(inputs.end)
    count = np.zeros((len(divisions), 1 + len(WARNING_STATES)))
    for warning in active:
        touched = np.zeros(len(divisions), bool)
        for code in [code for code in warning["divisions"] if code in divisions] or [divisions.root.code]:
            touched |= divisions.below(code)
            touched[[divisions.index(above) for above in divisions.chain(code)]] = True
        count[touched, 0] += 1
        if warning["level"] in WARNING_STATES:
            count[touched, 1 + list(WARNING_STATES).index(warning["level"])] += 1
    at = np.flatnonzero(count[:, 0])
    newest = max((warning["sent"] for warning in active), default=0)
    zero = inputs.tables.delivered(inputs.metric.feeds)
    return Contribution(at, count[at], plain, "sum", zero, at * 0, newest=newest, rolls_up=False,
                        describe=_worst_warning)


def _worst_warning(parts: Array) -> dict[str, Any]:
    worst = next((level for level, found in zip(WARNING_STATES, parts[1:], strict=True) if found > 0), "")
    return {"worst": worst, "state": WARNING_STATES[worst]} if worst else {}


def per(inputs: Inputs) -> Contribution:
    """Metric `part` per `scale` of metric `whole` (open events per 10,000 residents): sums first, then the quotient,
    in every division of which `whole` is known.
    """
    counted, whole = (inputs.formulas[side.metric.formula["kind"]](side) for side in (
        inputs.of(str(inputs.option(name))) for name in ("part", "whole")))
    if not (counted.zero or len(counted.division)):
        # Nobody ever told of what is counted: that is unknown, not none.
        return replace(counted, parts=np.zeros((0, 2)), finish=quotient(), describe=None)
    divisions = inputs.tables.divisions
    over = by_division(whole, divisions)[0]
    at = np.flatnonzero(np.isfinite(over))
    parts = np.column_stack([np.nan_to_num(by_division(counted, divisions)[0][at]), over[at]])
    # What is counted moves; by how many it is divided is as old as its last census.
    return Contribution(at, parts, quotient(float(inputs.option("scale", 1))), "sum", False, at * 0,
                        newest=counted.newest or whole.newest, rolls_up=False)
