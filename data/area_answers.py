"""Answers about a drawn area: what is in it, and which resources are nearest to it."""

from __future__ import annotations

from typing import Any

import shapely

from data.answers import Answer, Question, Scope, Window
from data.area_ground import AreaGround
from data.area_lists import Asked, lists
from data.area_people import people
from data.clock import to_us
from data.metrics import Evaluator
from data.nearest import PER_KIND, nearest
from geo.areas import Area
from geo.layers import geometry_json

# Rows a list that are given where nobody says how many.
ROWS = 200


def inside(evaluator: Evaluator, ground: AreaGround, question: Question, scope: Scope, window: Window) -> Answer:
    """What is in an area at the window's end, within the scope's division: parts area, people, lists; rows of all.

    Raises:
        WrongInput: no area can be made of the question's name.
    """
    area = ground.area(question.name)
    asked = Asked(area, scope, to_us(window.end), question.limit or ROWS)
    summaries, rows = lists(evaluator, asked)
    parts = {"area": told(area), "people": people(evaluator, ground, area, scope, window), "lists": summaries}
    return Answer(question, "区域内情况", at_division=scope.division, rows=tuple(rows), n=len(rows),
                  total=sum(found["n"] for found in summaries), demo=any(row["demo"] for row in rows), parts=parts)


def near(evaluator: Evaluator, ground: AreaGround, question: Question, scope: Scope) -> Answer:
    """The nearest resources to an area's center or a place: rows, and what `nearest` says beside them in parts.

    Raises:
        WrongInput: neither an area nor a place within the whole place.
    """
    target = ground.place(question.name)
    found = nearest(evaluator, ground, target, scope, question.limit or PER_KIND)
    rows = found.pop("rows")
    parts = {**found, "from": [round(target[0], 6), round(target[1], 6)], "of_area": ":" in question.name}
    return Answer(question, "就近资源", at_division=scope.division, rows=tuple(rows), n=len(rows), total=len(rows),
                  demo=any(row["demo"] for row in rows), note=found["note"], parts=parts)


def told(area: Area) -> dict[str, Any]:
    """An area as answers say it: its text, form, center, extent, outline and what was done to it."""
    drawn = area.drawn
    return {"text": drawn.text, "form": drawn.form, "words": words(area), "reach_m": drawn.reach_m,
            "points": [list(point) for point in drawn.points], "center": [round(part, 6) for part in area.center],
            "km2": round(area.km2, 4), "perimeter_m": round(area.perimeter_m), "linear": area.linear,
            "notes": list(area.notes), "outline": geometry_json(area.shape, 6),
            "course": geometry_json(area.core, 6) if area.linear else None,
            "bounds": [round(float(edge), 5) for edge in shapely.bounds(area.shape)]}


def words(area: Area) -> str:
    """An area in a few words."""
    drawn = area.drawn
    wide = f"{drawn.reach_m / 1000:g} 公里" if drawn.reach_m >= 1000 else f"{drawn.reach_m:g} 米"
    return {"circle": f"半径 {wide}的圆", "polygon": f"{len(drawn.points)} 个顶点的多边形",
            "line": f"所画线两侧各 {wide}", "river": f"{drawn.name}两侧各 {wide}"}[drawn.form]
