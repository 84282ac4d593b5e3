"""Cells of the map: which level is drawn, and whether it is read as a whole or in parts of what is in sight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.web import Web
from geo.divisions import Divisions
from layouts.view import ViewState

# Of one level at once: beyond it neither an eye nor a browser can tell the cells apart.
MOST_CELLS, MOST_IN_PART = 5_000, 3_000
PART = "CODE"                                           # stands in an address for the part's division


def _many(divisions: Divisions, code: str, level: str) -> int:
    return int(divisions.below(code)[divisions.at_level(divisions.level_names.index(level))].sum())


def cells_in(divisions: Divisions, view: ViewState) -> int:
    """How many cells of the level that is drawn lie in the division."""
    level = view.map.drawn or view.map.level
    return _many(divisions, view.division, level) if level else len(divisions.children(view.division))


def dense(divisions: Divisions, view: ViewState) -> dict[str, Any] | None:
    """The level asked for and how many cells the division has of it, where they are too many to be drawn at once."""
    if not view.map.level:
        return None
    code = view.division or divisions.root.code
    cells = _many(divisions, code, view.map.level) if code in divisions else 0
    return {"level": view.map.level, "cells": cells} if cells > MOST_CELLS else None


def seen_level(divisions: Divisions, view: ViewState) -> ViewState:
    """The view with the level that is drawn: the finest above a dense one that is not, unless the map is close."""
    if dense(divisions, view) is None or view.map.close:
        return view
    names, code = divisions.level_names, view.division or divisions.root.code
    above = reversed(names[:names.index(view.map.level)])
    drawn = next((level for level in above if _many(divisions, code, level) <= MOST_CELLS), names[0])
    return replace(view, map=replace(view.map, drawn=drawn))


def cells_of(web: Web, level: str) -> str | dict[str, str]:
    """Where the cells of a level are read: one address, or that of a part (PART for its division) and of what covers
    them all.
    """
    divisions = web.pack.divisions
    number = divisions.level_names.index(level)
    address = f"/api/v1/layers/divisions-{level}.geojson?v={web.geometry_version}"
    if len(divisions.at_level(number)) <= MOST_CELLS:
        return address
    cover = divisions.level_names[divisions.cover(number, MOST_IN_PART)]
    return {"cover": f"/api/v1/layers/divisions-{cover}.geojson?v={web.geometry_version}",
            "part": f"{address}&division={PART}"}
