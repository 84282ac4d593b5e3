"""Colours of the map: values of divisions → classes with round breaks, their words and counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from data.answers import Answer
from layouts import words

UNKNOWN = "qn"
SEQUENCE = ("q0", "q1", "q2", "q3", "q4")
CHANGE = ("d0", "d1", "d2", "d3", "d4")
SPREAD = {1: (2,), 2: (1, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}
EVENT_STATES = (("alarm", "超期超过 1 天"), ("warn", "有超期"), ("att", "24 小时内到期"), ("ok", "正常"))


@dataclass(frozen=True)
class Shading:
    """`values`: code → (index into `tokens`, text). `legend`: (token, words, number of divisions), brightest first."""

    values: dict[str, tuple[int, str]]
    tokens: tuple[str, ...]
    legend: tuple[tuple[str, str, int], ...]


def shade(answer: Answer) -> Shading:
    """Classes of a metric's groups: the metric's own breaks, else round quantiles; two-sided where it is a growth."""
    known = [group.value for group in answer.groups if group.value is not None]
    two_sided = answer.unit == "%" and any(value < 0 for value in known)
    breaks = _breaks(answer, known, two_sided)
    palette = CHANGE if two_sided else SEQUENCE
    steps = _steps(len(breaks) + 1, two_sided) if breaks or any(known) else range(1)
    tokens = (*(palette[k] for k in steps), UNKNOWN)
    unknown = len(tokens) - 1
    values = {}
    for group in answer.groups:
        at = unknown if group.value is None else sum(group.value >= limit for limit in breaks)
        values[group.code] = (at, _text(answer, group.value))
    counts = [sum(at == k for at, _ in values.values()) for k in range(len(tokens))]
    labels = (*_labels(answer, known, breaks), "未知")
    order = [*reversed(range(unknown)), *([unknown] if counts[unknown] else [])]
    return Shading(values, tokens, tuple((tokens[k], labels[k], counts[k]) for k in order))


def _steps(count: int, two_sided: bool) -> Sequence[int]:
    return range(5) if two_sided else SPREAD[max(1, min(count, 5))]


def _labels(answer: Answer, known: Sequence[float], breaks: Sequence[float]) -> tuple[str, ...]:
    """Words of the classes; a class in which all divisions have the one lowest value says that value."""
    if not breaks:
        return (f"均为 {words.value(answer, known[0])}",) if known else ("全部",)
    found = class_words(breaks, answer.decimals)
    lowest = {value for value in known if value < breaks[0]}
    if len(lowest) != 1 or answer.parts.get("breaks"):
        return found
    return (words.value(answer, lowest.pop()), *found[1:])


def _text(answer: Answer, value: float | None) -> str:
    return "未知" if value is None else f"{words.value(answer, value)} {answer.unit}".strip()


def _breaks(answer: Answer, known: Sequence[float], two_sided: bool) -> tuple[float, ...]:
    declared = answer.parts.get("breaks")
    if declared and not two_sided:
        return tuple(float(limit) for limit in declared)[:4]
    if two_sided:
        reach = max(abs(value) for value in known)
        step = round_down(reach / 2)
        return (-step, -step / 5, step / 5, step)
    ordered = sorted(known)
    if not ordered or ordered[0] == ordered[-1]:
        return ()
    quantiles = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (.3, .55, .75, .9)]
    cuts = [round_down(value) for value in quantiles if value > ordered[0]]
    if len(cuts) < len(quantiles):
        # Many have the lowest value, as on a day without rain: whoever has more is a class of its own.
        more = next(value for value in ordered if value > ordered[0])
        cuts.append(round_down(more) if round_down(more) > ordered[0] else more)
    return tuple(sorted({cut for cut in cuts if ordered[0] < cut <= ordered[-1]}))


def round_down(value: float) -> float:
    """At most two leading digits, towards zero."""
    if not value or not math.isfinite(value):
        return 0.0
    power = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return round(math.trunc(round(value / power, 6)) * power, 10)


def class_words(breaks: Sequence[float], decimals: int) -> tuple[str, ...]:
    """< 7, 7–9.9, …, ≥ 18; a single class has no border."""
    if not breaks:
        return ("全部",)
    needed = max([decimals, *(0 if limit == int(limit) else 1 if round(limit, 1) == limit else 2 for limit in breaks)])
    unit = 10.0 ** -needed
    shown = [words.number(limit, needed) for limit in breaks]
    tops = [words.number(limit - unit, needed) for limit in breaks[1:]]
    mark = "~" if any(limit < 0 for limit in breaks) else "–"
    middle = [low if low == top else f"{low}{mark}{top}" for low, top in zip(shown, tops, strict=False)]
    return (f"< {shown[0]}", *middle, f"≥ {shown[-1]}")


def marks(answers: dict[str, Answer]) -> dict[str, tuple[str, str]]:
    """Numbers beside names: code → (text, state), wherever there is anything to count, so that they add up.

    `map.number` is what is counted, `map.warn` and `map.att` how many of them have that state.
    """
    counted = answers.get("map.number")
    if counted is None:
        return {}
    warn, att = (_values(answers.get(f"map.{name}")) for name in ("warn", "att"))
    found: dict[str, tuple[str, str]] = {}
    for group in counted.groups:
        state = str(group.extra.get("state")
                    or ("warn" if warn.get(group.code) else "att" if att.get(group.code) else "ok"))
        if group.value:
            found[group.code] = (words.number(group.value), state)
    return found


def _values(answer: Answer | None) -> dict[str, float]:
    return {group.code: group.value or 0.0 for group in answer.groups} if answer else {}
