"""How many people live in a drawn area: what whole divisions published, and what is only touched said beside it.

Nothing is split by area. A division whose point (its seat, else a point well inside) lies in the area counts whole, any
other that the area touches does not; the true figure lies between `least` (wholly inside) and `most` (all touched).
"""

from __future__ import annotations

from collections.abc import Iterator
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
        value, least (None = unknown), most (None while a touched division has no figure); level and its word: the
        finest without gaps among those that count; n_whole, n_partly, n_outside divisions; whole, partly, outside: the
        people of each; unknown: touched divisions without a figure; period; rows: one a division with code, name, value
        and part (whole | partly | outside).
    """
    if PEOPLE not in evaluator.pack.metrics:
        return None
    level, rows = -1, list[dict[str, Any]]()
    divisions = evaluator.pack.divisions
    inside, counted = divisions.below(scope.division), False
    for at, values in _published(evaluator, scope, window):
        found = _rows(evaluator, ground.touched(area, at, inside), values)
        counted = _whole(found, finest=level < 0)
        if level < 0 or counted:
            level, rows = at, found
        if counted:
            break
    if level < 0:
        return {"value": None, "least": None, "most": None, "rows": []}
    return _sums(rows, counted) | {"level": divisions.level_names[level], "level_word": divisions.level_words[level],
                                   "period": _period(evaluator, rows, window), "rows": rows}


def _whole(rows: list[dict[str, Any]], finest: bool) -> bool:
    """Whether the figures of a level can be added: those that count are all known.

    A level above the finest stands in for it only where the area holds a division of it wholly: the point alone of a
    large division would bring its people into any small area around it.
    """
    counts = [row for row in rows if row["part"] != "outside"]
    if not finest and not any(row["part"] == "whole" for row in counts):
        return False
    return bool(rows) and all(row["value"] is not None for row in counts or rows)


def _sums(rows: list[dict[str, Any]], counted: bool) -> dict[str, Any]:
    """What the rows come to; no sum without a figure of each that counts, no most without one of each touched."""
    sums = {part: sum(row["value"] or 0 for row in rows if row["part"] == part) for part in PARTS}
    counts = {f"n_{part}": sum(row["part"] == part for row in rows) for part in sums}
    unknown = sum(row["value"] is None for row in rows)
    return {"value": sums["whole"] + sums["partly"] if counted else None, "least": sums["whole"] if counted else None,
            "most": sum(sums.values()) if counted and not unknown else None, **sums, **counts, "unknown": unknown}


def _published(evaluator: Evaluator, scope: Scope, window: Window) -> Iterator[tuple[int, Values]]:
    """The levels, finest first and none above the scope's own, of which anybody's population is known; code → people.
    """
    divisions = evaluator.pack.divisions
    finest = evaluator.levels[evaluator.metric(PEOPLE).level]
    within = Scope(scope.division)
    for level in range(finest, divisions.get(scope.division).level - 1, -1):
        found = evaluator.evaluate(Question("metric", PEOPLE, by=divisions.level_names[level]), within, window)
        if any(group.value is not None for group in found.groups):
            yield level, {group.code: group.value for group in found.groups}


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
