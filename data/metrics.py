"""Evaluating a metric: contributions → value, series or groups, with state, target and time beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import isnan
from typing import Any

import numpy as np

from data.answers import Answer, Change, Group, Point, Question, Scope, State, Window
from data.clock import from_us, to_us
from data.columns import Array
from data.contribution import Contribution, by_division, by_group, worst_of
from data.coverage import coverage, layers_of
from data.errors import NotFound, WrongInput
from data.formulas import BY_BUCKET, FORMULAS, GROUPS, RECOUNTED, STOCKS
from data.formulas_figures import indicator_facts, indicator_series
from data.inputs import Formula, Inputs, Tables
from data.pack import EVERY, Metric, Pack
from data.settled import PointMemo
from data.steps import STEPS, bucket_starts, buckets_in, trailing_start
from data.windows import local_offset_us, shifted
from geo.divisions import Divisions

STATES: tuple[State, ...] = ("ok", "att", "warn", "alarm")
# A year of hours, 27 years of days. What is counted anew at each point gets a month of hours, or two years of days.
MOST_POINTS, MOST_STOCK_POINTS = 10_000, 800
# Roll-ups that add up, so that a part cannot be judged by the whole's limit.
ABSOLUTE = frozenset({"sum", "count"})


class Evaluator:
    """Computes metrics of one place from its tables; no clock, no cache, no rights."""

    def __init__(self, pack: Pack, tables: Tables, formulas: Mapping[str, Formula] = FORMULAS,
                 points: PointMemo | None = None) -> None:
        self.pack, self.tables, self.formulas, self._points = pack, tables, formulas, points
        self.levels = {level.key: number for number, level in enumerate(pack.place.levels)}

    def metric(self, name: str) -> Metric:
        """A declared metric.

        Raises:
            NotFound: no such metric.
        """
        if name not in self.pack.metrics:
            raise NotFound(f"没有指标 {name!r:.40}；全部指标见 /api/v1/metrics")
        found = self.pack.metrics[name]
        if found.formula.get("kind") not in FORMULAS:
            raise WrongInput(f"指标 {name} 的公式 {found.formula.get('kind')!r:.30} 不认识；用 ./yiping check 查看")
        return found

    def inputs(self, name: str, scope: Scope, window: Window) -> Inputs:
        """What the formula of a metric gets for a scope and window."""
        return Inputs(self.tables, self.metric(name), self.pack.feeds, self.pack.metrics, self.formulas,
                      to_us(window.start), to_us(window.end), 0,
                      local_offset_us(self.pack.place.timezone, window.end), scope.filters,
                      moving=bool(window.name))

    def nearest(self, metric: Metric, code: str) -> str:
        """The division at or above `code` at which the metric is published."""
        finest = self.levels[metric.level]
        for above in self.pack.divisions.chain(code):
            if self.pack.divisions.get(above).level <= finest:
                return above
        return code

    def evaluate(self, question: Question, scope: Scope, window: Window) -> Answer:
        """The answer without freshness (the gate adds it).

        Raises:
            NotFound, WrongInput: unknown metric or `by`.
        """
        metric = self.metric(question.name)
        inputs = self.inputs(question.name, scope, window)
        division = self.nearest(metric, scope.division)
        answer = self._value(question, inputs, division)
        if question.by:
            answer = self._grouped(answer, inputs, scope, question.by)
        if question.compare:
            answer = self._compared(answer, question.compare, Scope(division, scope.filters), window)
        return answer

    def _value(self, question: Question, inputs: Inputs, division: str) -> Answer:
        metric = inputs.metric
        found = self.formulas[metric.formula["kind"]](inputs)
        values, rows = by_division(found, self.pack.divisions)
        index = self.pack.divisions.index(division)
        value = _known(values[index])
        parts = self._parts(inputs, found, division)
        judged = self.judged(metric, division, inputs.filters)
        target = metric.target if judged else None
        return Answer(question, metric.name, metric.unit, value, decimals=metric.decimals, n=int(rows[index]),
                      time=from_us(found.newest) if found.newest else None,
                      state=parts.get("state") or (state_of(metric, value) if judged else None),
                      target=target if target is not None else parts.get("target"),
                      limit_text=metric.limit_text if judged else "", at_division=division, note=metric.note,
                      stations=coverage(inputs, found, index),
                      parts=parts)

    def judged(self, metric: Metric, division: str, filters: tuple[tuple[str, str], ...] = ()) -> bool:
        """True where the metric's target, limit and thresholds hold: a place's ten cases are not a village's ten."""
        if metric.target_level == EVERY or (not metric.target_level and metric.over_area not in ABSOLUTE):
            return True
        level = self.levels[metric.target_level] if metric.target_level else 0
        return not filters and self.pack.divisions.get(division).level == level

    def _parts(self, inputs: Inputs, found: Contribution, division: str) -> dict[str, Any]:
        if inputs.metric.formula["kind"] == "indicator":
            return indicator_facts(inputs, division)
        if found.describe is None:
            return {}
        inside = found.take(self.pack.divisions.below(division)[found.division])
        return found.describe(inside.parts.sum(axis=0)) if len(inside.division) else {}

    def _grouped(self, answer: Answer, inputs: Inputs, scope: Scope, by: str) -> Answer:
        if by in self.levels or by == "children":
            return self._by_level(answer, inputs, scope.division, by)
        groups = GROUPS.get(inputs.metric.formula["kind"], frozenset())
        if by in groups:
            return self._by_label(answer, inputs, by)
        if by == "month" and inputs.metric.formula["kind"] == "indicator":
            rows = indicator_series(inputs, answer.at_division)
            return replace(answer, series=tuple(Point(start, value, 1, facts) for start, value, facts in rows))
        if by in STEPS:
            trailing = last_steps(inputs, answer.question.limit, STEPS[by])
            check_points(trailing, by)
            return replace(answer, series=self._series(trailing, answer.at_division, STEPS[by]))
        known = "、".join([*self.levels, *STEPS, *sorted(groups)])
        raise WrongInput(f"{inputs.metric.name}不能按 by={by!r:.20} 分组；可用 {known}")

    def _by_level(self, answer: Answer, inputs: Inputs, code: str, by: str) -> Answer:
        divisions = self.pack.divisions
        level = divisions.get(code).level + 1 if by == "children" else self.levels[by]
        level = min(level, self.levels[inputs.metric.level])
        top = next(above for above in divisions.chain(code) if divisions.get(above).level <= level)
        found = self.formulas[inputs.metric.formula["kind"]](inputs)
        values, rows = by_division(found, divisions)
        chosen = np.flatnonzero(divisions.below(top) & (divisions.level == level))
        extra, items = _beside(found, divisions), divisions.items
        # Plain numbers: a city has 47,000 of them.
        each = zip(chosen.tolist(), values[chosen].tolist(), rows[chosen].tolist(), strict=True)
        groups = tuple(Group(items[at].code, items[at].name, None if isnan(value) else value, int(count), extra(at))
                       for at, value, count in each)
        adds = inputs.metric.over_area in ("sum", "count") and answer.value is not None and top == answer.at_division
        if inputs.metric.formula["kind"] == "indicator":
            adds = adds and all(group.value is not None for group in groups)
        rest = answer.value - sum(group.value or 0 for group in groups) if adds and answer.value is not None else None
        parts = {**answer.parts, "level": divisions.level_names[level], "breaks": list(inputs.metric.breaks)}
        if groups and inputs.metric.thresholds and self.judged(inputs.metric, groups[0].code, inputs.filters):
            parts["limits"] = [[limit.state, limit.above, limit.below] for limit in inputs.metric.thresholds]
        return replace(answer, groups=groups, unlocated=rest, parts=parts)

    def _by_label(self, answer: Answer, inputs: Inputs, by: str) -> Answer:
        found = self.formulas[inputs.metric.formula["kind"]](replace(inputs, group=by))
        if not len(found.label):
            return answer
        inside = found.take(self.pack.divisions.below(answer.at_division)[found.division])
        names, group = np.unique(inside.label.astype(str), return_inverse=True)
        values, rows = by_group(inside, group, len(names))
        judged = by == "station" and bool(inputs.metric.thresholds) and self.judged(inputs.metric, answer.at_division)
        groups = [Group(str(name), self._word(by, str(name), layers_of(inputs)), _known(value), int(count),
                        {"state": state_of(inputs.metric, _known(value))} if judged else {})
                  for name, value, count in zip(names, values, rows, strict=True)]
        return replace(answer, groups=tuple(sorted(groups, key=lambda row: -(row.value or 0))))

    def _word(self, by: str, code: str, layers: tuple[str, ...]) -> str:
        if by == "category" and code in self.pack.categories:
            return self.pack.categories[code].name
        if by == "channel":
            return self.pack.channels.get(code, code)
        if by == "layer" and code in self.pack.layers:
            return self.pack.layers[code].name
        if by == "station":
            return self.pack_asset_name(code, layers)
        return code

    def pack_asset_name(self, asset: str, layers: tuple[str, ...] = ()) -> str:
        """The name of an asset (of `layers` where given), its id where it is not known."""
        row = self.tables.assets.find(asset, layers)
        return str(row["name"]) if row else asset

    def _series(self, inputs: Inputs, division: str, step: int) -> tuple[Point, ...]:
        starts = bucket_starts(inputs.start, inputs.end, step, inputs.offset)
        kind = inputs.metric.formula["kind"]
        if kind in STOCKS:
            values = STOCKS[kind](inputs, np.append(starts[1:], inputs.end), self.pack.divisions.below(division))
            return tuple(Point(from_us(int(start)), _known(value), count)
                         for start, (value, count) in zip(starts, values, strict=True))
        stepped = replace(inputs, step=step)
        compute = partial(self._stock_points if kind in RECOUNTED else self._bucket_points, division)
        if self._points is None or not (kind in RECOUNTED or kind in BY_BUCKET):
            return tuple(compute(stepped, starts))
        return self._points.series(stepped, division, starts, compute)

    def _bucket_points(self, division: str, inputs: Inputs, starts: Array) -> list[Point]:
        found = self.formulas[inputs.metric.formula["kind"]](inputs)
        inside = found.take(self.pack.divisions.below(division)[found.division])
        known = np.isin(inside.bucket, starts)
        inside = inside.take(known)
        place = np.searchsorted(starts, inside.bucket)
        values, rows = by_group(inside, place, len(starts))
        return [Point(from_us(int(start)), _known(value), int(count), _described(inside, place == number))
                for number, (start, value, count) in enumerate(zip(starts, values, rows, strict=True))]

    def _stock_points(self, division: str, inputs: Inputs, starts: Array) -> list[Point]:
        ends = np.append(starts[1:], inputs.end)
        return [self._stock_point(replace(inputs, start=int(start), end=int(end), step=0,
                                          moving=inputs.moving and end == inputs.end), division)
                for start, end in zip(starts, ends, strict=True)]

    def _stock_point(self, inputs: Inputs, division: str) -> Point:
        found = self.formulas[inputs.metric.formula["kind"]](inputs)
        values, rows = by_division(found, self.pack.divisions)
        index = self.pack.divisions.index(division)
        return Point(from_us(inputs.start), _known(values[index]), int(rows[index]))

    def _compared(self, answer: Answer, word: str, scope: Scope, window: Window) -> Answer:
        if (growth := answer.parts.get("yoy")) is not None:
            return replace(answer, change=Change("同比", float(growth), "%"))
        before, words = shifted(window, word)
        old = self._value(answer.question, self.inputs(answer.question.name, scope, before), scope.division)
        if answer.value is None or old.value is None:
            return answer
        unit = "百分点" if answer.unit == "%" else answer.unit
        return replace(answer, change=Change(words, answer.value - old.value, unit))


def _beside(found: Contribution, divisions: Divisions) -> Callable[[int], dict[str, Any]]:
    """What stands beside a division's figure: its worst state, or what is told of figures that are its own."""
    if len(found.severity):
        worst = worst_of(found, divisions).tolist()
        told: list[dict[str, Any]] = [*({"state": state} for state in STATES), {}]      # -1: none
        return lambda at: told[worst[at]]
    if found.rolls_up or found.describe is None:
        return lambda at: {}
    own = {int(at): row for at, row in zip(found.division, found.parts, strict=True)}
    describe = found.describe
    return lambda at: describe(own[at]) if at in own else {}


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def last_steps(inputs: Inputs, steps: int, step: int) -> Inputs:
    """The inputs begun so that `steps` buckets end with the window, however short it is; 0 = the window itself."""
    if not steps:
        return inputs
    return replace(inputs, start=trailing_start(inputs.end, steps, step, inputs.offset))


def check_points(inputs: Inputs, by: str) -> None:
    """Refuses a series so long that computing it would hold up every other reader.

    Raises:
        WrongInput: more points than one question may ask for.
    """
    most = MOST_STOCK_POINTS if inputs.metric.formula["kind"] in RECOUNTED else MOST_POINTS
    points = buckets_in(inputs.end - inputs.start, STEPS[by])
    if points > most:
        raise WrongInput(f"by={by} 在这个时段有 {points} 个点，最多 {most} 个；请缩短时段，或用更长的 by")


def _described(found: Contribution, mask: Array) -> dict[str, Any]:
    if found.describe is None or not mask.any():
        return {}
    return found.describe(found.parts[mask].sum(axis=0))


def state_of(metric: Metric, value: float | None) -> State | None:
    """The worst state whose threshold the value reaches; ok where thresholds exist and none is reached."""
    if value is None or not metric.thresholds:
        return None
    worst: State = "ok"
    for threshold in metric.thresholds:
        high = threshold.above is not None and value >= threshold.above
        low = threshold.below is not None and value <= threshold.below
        if (high or low) and STATES.index(threshold.state) > STATES.index(worst):
            worst = threshold.state
    return worst

