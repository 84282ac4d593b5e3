"""Colours of the map: values of divisions → classes with round breaks, their words and counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.breaks import SMALLEST, natural, quantiles
from data.answers import Answer
from layouts import words

UNKNOWN = "qn"
MOST_DECIMALS = 6
SEQUENCE = ("q0", "q1", "q2", "q3", "q4")
CHANGE = ("d0", "d1", "d2", "d3", "d4")
MOST_LIMITS = len(SEQUENCE) - 1
SPREAD = {1: (2,), 2: (1, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}
EVENT_STATES = (("alarm", "超期超过 1 天"), ("warn", "有超期"), ("att", "24 小时内到期"), ("ok", "正常"))
# The reader's choices of class limits; without one it is as the metric declares, else quantiles of few digits.
METHODS = {"natural": "自然断点（Fisher–Jenks）", "quantile": "分位（各级区划数相近）", "thresholds": "指标规定的限值"}
RISKS = (("ok", "q0", "未到限值"), ("att", "k-yellow", "关注"), ("warn", "k-orange", "预警"),
         ("alarm", "k-red", "告警"))
WARNINGS = (("", "q0", "无预警"), ("blue", "k-blue", "蓝色预警"), ("yellow", "k-yellow", "黄色预警"),
            ("orange", "k-orange", "橙色预警"), ("red", "k-red", "红色预警"))


@dataclass(frozen=True)
class Shading:
    """`values`: code → (index into `tokens`, text). `legend`: (token, words, number of divisions), brightest first.

    `method`: how the classes were made. `breaks`: limits of which a value's class is the number it reaches;
    `by_limits` False where that is not all that decides.
    """

    values: dict[str, tuple[int, str]]
    tokens: tuple[str, ...]
    legend: tuple[tuple[str, str, int], ...]
    method: str = ""
    breaks: tuple[float, ...] = ()
    by_limits: bool = True


def shade(answer: Answer, method: str = "") -> Shading:
    """Classes of a metric's groups: colors of warnings in force, of states that limits give, or classes of its values.

    `method`: a key of METHODS; limits that do not hold at the level shown give way to the declared classes.
    """
    if any("worst" in group.extra for group in answer.groups):
        return _by_warning(answer)
    limits = answer.parts.get("limits")
    if method == "thresholds" and limits:
        return _by_state(answer, limits)
    # A reader sees rounded figures: a class holds what reads as being in it.
    exact = {group.code: group.value for group in answer.groups if group.value is not None}
    rounded = {value: round(value, answer.decimals) for value in set(exact.values())}
    read = {code: rounded[value] for code, value in exact.items()} if len(set(rounded.values())) > 1 else exact
    known = list(read.values())
    two_sided = answer.unit == "%" and any(value < 0 for value in known)
    breaks, colors = _classes(answer, known, two_sided, method)
    tokens = (*colors, UNKNOWN)
    reached = {value: sum(value >= limit for limit in breaks) for value in set(known)}
    at = {group.code: reached[read[group.code]] if group.code in read else len(tokens) - 1 for group in answer.groups}
    return _shading(answer, at, (tokens, (*_labels(answer, known, breaks, method), "未知")),
                    _told(answer, method, two_sided), breaks)


def _classes(answer: Answer, known: Sequence[float], two_sided: bool,
             method: str) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Limits of the classes and their colors."""
    rule = {"natural": natural, "quantile": quantiles}.get(method)
    if rule is None:
        breaks, palette = _breaks(answer, known, two_sided), CHANGE if two_sided else SEQUENCE
        steps = _steps(len(breaks) + 1, two_sided) if breaks or any(known) else range(1)
        return breaks, tuple(palette[k] for k in steps)
    if not two_sided:
        breaks = rule(known)
        return breaks, tuple(SEQUENCE[k] for k in _steps(len(breaks) + 1, False))
    # A fall, none and a rise are never one class: each side has its own two.
    fallen, risen = [value for value in known if value < 0], [value for value in known if value > 0]
    left, right = rule(fallen, 2), rule(risen, 2)
    still = len(fallen) + len(risen) < len(known)
    over = (10.0 ** -answer.decimals if still else 0.0,) if risen else ()
    colors = (*(CHANGE[:2] if left else CHANGE[1:2]), *(CHANGE[2:3] if still else ()),
              *((CHANGE[3:] if right else CHANGE[3:4]) if risen else ()))
    return (*left, *((0.0,) if still else ()), *over, *right), colors


def _told(answer: Answer, method: str, two_sided: bool) -> str:
    if method in ("natural", "quantile"):
        return METHODS[method]
    if answer.parts.get("breaks") and not two_sided:
        left = len(answer.parts["breaks"]) - MOST_LIMITS
        return "指标规定的分级" + (f"，最高的 {left} 个界限以上不再分色" if left > 0 else "")
    return "以零为中" if two_sided else "近似分位，取整"


def _shading(answer: Answer, at: dict[str, int], classes: tuple[tuple[str, ...], tuple[str, ...]], method: str,
             breaks: tuple[float, ...] | None) -> Shading:
    """The classes with their counts; that of unknown divisions is the last, and is named where there are any."""
    tokens, labels = classes
    texts = {value: _text(answer, value) for value in {group.value for group in answer.groups}}
    values = {group.code: (at[group.code], texts[group.value]) for group in answer.groups}
    counts = Counter(at.values())
    unknown = len(tokens) - 1
    order = [*reversed(range(unknown)), *([unknown] if counts[unknown] else [])]
    return Shading(values, tokens, tuple((tokens[k], labels[k], counts[k]) for k in order), method, breaks or (),
                   breaks is not None)


def _by_state(answer: Answer, limits: Sequence[Sequence[Any]]) -> Shading:
    """Colors of the states that the metric's limits give, quiet where none is reached."""
    def state(value: float) -> int:
        reached = [told for told, above, below in limits
                   if (above is not None and value >= above) or (below is not None and value <= below)]
        return max((names.index(told) for told in reached), default=0)

    names = [name for name, _, _ in RISKS]
    there = {0, *(names.index(told) for told, _, _ in limits)}
    kept = [k for k in range(len(RISKS)) if k in there]
    at = {group.code: len(kept) if group.value is None else kept.index(state(group.value)) for group in answer.groups}
    labels = [RISKS[k][2] + _limit_words(answer, limits, RISKS[k][0]) for k in kept]
    return _shading(answer, at, ((*(RISKS[k][1] for k in kept), UNKNOWN), (*labels, "未知")), METHODS["thresholds"],
                    None)


def _limit_words(answer: Answer, limits: Sequence[Sequence[Any]], state: str) -> str:
    told = [f"≥ {_limit(answer, above)}" if above is not None else f"≤ {_limit(answer, below)}"
            for name, above, below in limits if name == state]
    return f" {'或 '.join(told)}" if told else ""


def _limit(answer: Answer, limit: float) -> str:
    return words.number(limit, 0 if limit == int(limit) else max(answer.decimals, 1))


def _by_warning(answer: Answer) -> Shading:
    """The official color of the worst warning in force."""
    levels = [level for level, _, _ in WARNINGS]
    at = {group.code: len(WARNINGS) if group.value is None else levels.index(str(group.extra.get("worst", "")))
          for group in answer.groups}
    return _shading(answer, at, ((*(token for _, token, _ in WARNINGS), UNKNOWN),
                                 (*(told for _, _, told in WARNINGS), "未知")), "生效预警的最高级别", None)


def _steps(count: int, two_sided: bool) -> Sequence[int]:
    return range(5) if two_sided else SPREAD[max(1, min(count, 5))]


def _labels(answer: Answer, known: Sequence[float], breaks: Sequence[float], method: str) -> tuple[str, ...]:
    """Words of the classes; a class in which all divisions have the one lowest value says that value."""
    if not breaks:
        return (f"均为 {words.value(answer, known[0])}",) if known else ("全部",)
    found = class_words(breaks, answer.decimals)
    lowest = {value for value in known if value < breaks[0]}
    if len(lowest) != 1 or (answer.parts.get("breaks") and method not in ("natural", "quantile")):
        return found
    return (words.value(answer, lowest.pop()), *found[1:])


def _text(answer: Answer, value: float | None) -> str:
    return "未知" if value is None else f"{words.value(answer, value)} {answer.unit}".strip()


def _breaks(answer: Answer, known: Sequence[float], two_sided: bool) -> tuple[float, ...]:
    declared = answer.parts.get("breaks")
    if declared and not two_sided:
        return tuple(float(limit) for limit in declared)[:MOST_LIMITS]
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
    if abs(value) < SMALLEST or not math.isfinite(value):
        return 0.0
    power = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return round(math.trunc(round(value / power, 6)) * power, 10)


def class_words(breaks: Sequence[float], decimals: int) -> tuple[str, ...]:
    """< 7, 7–9.9, …, ≥ 18; a single class has no border."""
    if not breaks:
        return ("全部",)
    needed = max([decimals, *(next((k for k in range(MOST_DECIMALS) if round(limit, k) == limit), MOST_DECIMALS)
                              for limit in breaks)])
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
