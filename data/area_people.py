"""How many people live in a drawn area: what whole divisions published, and what is only touched said beside it.

Nothing is split by area. A division whose point (its seat, else a point well inside) lies in the area counts whole, any
other that the area touches does not; the true figure lies between `least` (wholly inside) and `most` (all touched).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from data.answers import Question, Scope, Window
from data.area_ground import AreaGround, Touched
from data.columns import Array
from data.metrics import Evaluator
from geo.areas import Area

PEOPLE = "population"
Values = dict[str, float | None]
PARTS = ("whole", "partly", "outside")


def people(evaluator: Evaluator, ground: AreaGround, area: Area, scope: Scope, window: Window) -> dict[str, Any] | None:
    """Residents of an area within the scope's division; None where the pack publishes no population.

    Returns:
        value, least, most (None = nobody published); level and its word; n_whole, n_partly, n_outside divisions; whole,
        partly, outside: the people of each; unknown: touched divisions without a figure; period; rows: one a division
        with code, name, value and part (whole | partly | outside).
    """
    if PEOPLE not in evaluator.pack.metrics:
        return None
    known = _published(evaluator, scope, window)
    if known is None:
        return {"value": None, "least": None, "most": None, "rows": []}
    level, values = known
    divisions = evaluator.pack.divisions
    touched = ground.touched(area, level, divisions.below(scope.division))
    rows = _rows(evaluator, touched, values)
    sums = {part: sum(row["value"] or 0 for row in rows if row["part"] == part) for part in PARTS}
    counts = {f"n_{part}": sum(row["part"] == part for row in rows) for part in sums}
    some = any(row["value"] is not None for row in rows)
    return {"value": sums["whole"] + sums["partly"] if some else None, "least": sums["whole"] if some else None,
            "most": sum(sums.values()) if some else None, **sums, **counts,
            "unknown": sum(row["value"] is None for row in rows), "level": divisions.level_names[level],
            "level_word": divisions.level_words[level], "period": _period(evaluator, rows, window), "rows": rows}


def _published(evaluator: Evaluator, scope: Scope, window: Window) -> tuple[int, Values] | None:
    """The deepest level, not above the scope's own, of which anybody's population is known; code → people."""
    divisions = evaluator.pack.divisions
    finest = evaluator.levels[evaluator.metric(PEOPLE).level]
    within = Scope(scope.division)
    for level in range(finest, divisions.get(scope.division).level - 1, -1):
        found = evaluator.evaluate(Question("metric", PEOPLE, by=divisions.level_names[level]), within, window)
        if any(group.value is not None for group in found.groups):
            return level, {group.code: group.value for group in found.groups}
    return None


def _period(evaluator: Evaluator, rows: list[dict[str, Any]], window: Window) -> str:
    """Of when the figures are: that of the first division that has one."""
    first = next((row["code"] for row in rows if row["value"] is not None), "")
    found = evaluator.evaluate(Question("metric", PEOPLE), Scope(first), window).parts if first else {}
    return str(found.get("period") or "")


def _rows(evaluator: Evaluator, touched: Touched, values: Values) -> list[dict[str, Any]]:
    items = evaluator.pack.divisions.items

    def told(positions: Array, part: str) -> list[dict[str, Any]]:
        found = [{"code": items[at].code, "name": items[at].name, "value": values.get(items[at].code), "part": part}
                 for at in np.asarray(positions).tolist()]
        return sorted(found, key=lambda row: -(row["value"] or 0))

    return told(touched.whole, "whole") + told(touched.partly, "partly") + told(touched.outside, "outside")
