"""Colors of two compared maps: classes that both share, and classes of what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.difference import Differences, middle_step
from data.answers import Answer
from layouts import words
from layouts.choropleth import CHANGE, UNKNOWN, Shading, shade


def pooled(sides: Sequence[Answer], method: str = "") -> tuple[Shading, ...]:
    """One shading a side, with the breaks and colors of all sides' values together: the same color means the same."""
    together = tuple(replace(group, code=f"{side} {group.code}") for side, answer in enumerate(sides)
                     for group in answer.groups)
    whole = shade(replace(sides[0], groups=together), method)
    found = []
    for side in range(len(sides)):
        values = {code.partition(" ")[2]: held for code, held in whole.values.items() if code.startswith(f"{side} ")}
        counts = [sum(at == k for at, _ in values.values()) for k in range(len(whole.tokens))]
        legend = tuple((token, told, counts[whole.tokens.index(token)]) for token, told, _ in whole.legend)
        found.append(replace(whole, values=values, legend=legend))
    return tuple(found)


def shade_difference(found: Differences, answer: Answer) -> Shading:
    """Classes of what changed, two-sided around grey, which is no change at all; each value says both."""
    decimals, unit = answer.decimals, "百分点" if answer.unit == "%" else answer.unit
    far = middle_step(found, decimals)
    tokens = (*CHANGE, UNKNOWN)
    values = {code: (_side(step, far), _step_text(step, unit, decimals)) for code, step in found.of.items()}
    counts = [sum(at == k for at, _ in values.values()) for k in range(len(tokens))]
    border = words.number(far, decimals)
    labels = (f"降 {border} 及以上", f"降不到 {border}", "持平", f"升不到 {border}", f"升 {border} 及以上", "未知")
    shown = [k for k in (4, 3, 2, 1, 0) if far or counts[k]] + ([5] if counts[5] else [])
    if not far:
        labels = ("下降", "下降", "持平", "上升", "上升", "未知")
    return Shading(values, tokens, tuple((tokens[k], labels[k], counts[k]) for k in shown), "以零为中", by_limits=False)


def _side(step: float | None, far: float) -> int:
    if step is None:
        return len(CHANGE)
    if not step:
        return 2
    large = bool(far) and abs(step) >= far
    return (4 if large else 3) if step > 0 else (0 if large else 1)


def _step_text(step: float | None, unit: str, decimals: int) -> str:
    if step is None:
        return "差值未知"
    return "持平" if not step else f"{words.signed(step, decimals)} {unit}".strip()
