"""What stands on a map's sheet: single marks where few are in sight, worst-state clusters where there are many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from data import rowsets
from data.answers import Question, Scope
from data.area_lists import stands
from data.columns import Array
from data.errors import WrongInput
from data.formulas_events import severity
from data.metrics import STATES, Evaluator

# Squares of clusters, in pixels of the asked zoom (tiles of 256 pixels, EPSG:3857). A map that draws its own clusters
# asks a zoom further in and joins them.
SQUARE_PX = 54
MOST_SINGLE, MOST_AT_ONCE = 3_000, 20_000
MERCATOR_LAT = 85.0511


class Spots(NamedTuple):
    """Marks by column: degrees east and north, state (index into STATES, 0 where none), and the row of each by its
    place; `total`: all of the division; `blind`: those without coordinates.
    """

    lon: Array
    lat: Array
    state: Array
    row: Callable[[int], dict[str, Any]]
    total: int
    blind: int


def marks(evaluator: Evaluator, question: Question, scope: Scope, span: tuple[int, int]) -> rowsets.PlacedRows:
    """Rows of `rowsets.events` (those open) or `rowsets.assets` inside `question.box`, each with `n`: how many it is.

    Up to MOST_SINGLE of them are told one by one. More are joined by squares of the asked zoom: the row of the worst
    one of each (the first of equals), `lon` and `lat` the mean of all of them. Without a zoom all are told one by one.

    Raises:
        WrongInput: without a zoom, more than one answer holds.
    """
    spots = _events(evaluator, question, scope, span) if question.name == "events" else _assets(
        evaluator, question, scope)
    inside = np.flatnonzero(~np.isnan(spots.lon) & _within(spots, question.box))
    if len(inside) > MOST_AT_ONCE and question.zoom is None:
        raise WrongInput(f"这里有 {len(inside)} 处，一次最多给 {MOST_AT_ONCE} 处；请用 bbox 缩小范围，或加 zoom 取聚合")
    if len(inside) <= MOST_SINGLE or question.zoom is None:
        rows = [{**spots.row(int(at)), "n": 1} for at in inside]
    else:
        rows = list(_clustered(spots, inside, question.zoom))
    return tuple(rows), spots.total, spots.blind


def _within(spots: Spots, box: Sequence[float]) -> Array:
    if not box:
        return np.ones(len(spots.lon), bool)
    west, south, east, north = box
    return (spots.lon >= west) & (spots.lon <= east) & (spots.lat >= south) & (spots.lat <= north)


def _events(evaluator: Evaluator, question: Question, scope: Scope, span: tuple[int, int]) -> Spots:
    tables = evaluator.tables
    if span[1] < tables.events_since:
        rows, total, blind = rowsets.events(evaluator, Question("rows", "events", order="open", limit=10**9), scope,
                                            span)
        return _spots(rows, blind, total, lambda at: rows[at])
    events = tables.events
    at, _ = rowsets.chosen(events, "open", scope, evaluator.pack.divisions.below(scope.division), span)
    columns = events.columns
    below = evaluator.pack.divisions.get(scope.division).level + 1

    def row(place: int) -> dict[str, Any]:
        return rowsets.event_row(evaluator, events, int(at[place]), span[1], below)

    lon = columns["lon"][at]
    return Spots(lon, columns["lat"][at], severity(columns["due"][at], span[1]), row, len(at),
                 int(np.isnan(lon).sum()))


def _assets(evaluator: Evaluator, question: Question, scope: Scope) -> Spots:
    found = rowsets.layer_assets(evaluator, question, scope)
    below = evaluator.pack.divisions.get(scope.division).level + 1
    states = [asset["properties"].get("state") for asset in found]
    return _spots([{"lon": asset["lon"], "lat": asset["lat"], "state": state}
                   for asset, state in zip(found, states, strict=True)],
                  sum(asset["lon"] is None for asset in found), len(found),
                  lambda at: _asset(rowsets.asset_row(evaluator, found[at], below), found[at]["properties"]))


def _asset(row: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """An asset as a mark: its state is one of STATES; what else it says of itself (完好) is a word beside its name."""
    state = properties.get("state")
    known = state in STATES
    return {**row, "state": state if known else "", "text": "" if known else stands(properties), "stage": ""}


def _spots(rows: Sequence[dict[str, Any]], blind: int, total: int, row: Callable[[int], dict[str, Any]]) -> Spots:
    place = np.array([(np.nan, np.nan) if each["lon"] is None else (each["lon"], each["lat"]) for each in rows],
                     float).reshape(-1, 2)
    state = np.array([STATES.index(each["state"]) if each["state"] in STATES else 0 for each in rows], np.int8)
    return Spots(place[:, 0], place[:, 1], state, row, total, blind)


def _clustered(spots: Spots, inside: Array, zoom: int) -> list[dict[str, Any]]:
    lon, lat, state = spots.lon[inside], spots.lat[inside], spots.state[inside]
    squares = 256 * 2.0**zoom / SQUARE_PX
    sine = np.sin(np.radians(np.clip(lat, -MERCATOR_LAT, MERCATOR_LAT)))
    across = np.floor((lon + 180) / 360 * squares)
    down = np.floor((0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * squares)
    _, first, group, count = np.unique(across * 2.0**32 + down, return_index=True, return_inverse=True,
                                       return_counts=True)
    # the worst of each square, of equals the first
    order = np.lexsort((np.arange(len(inside)), -state, group))
    worst = order[np.searchsorted(group[order], np.arange(len(first)))]
    mean = [np.bincount(group, values) / count for values in (lon, lat)]
    return [{**spots.row(int(inside[one])), "lon": float(east), "lat": float(north), "n": int(n)}
            for one, east, north, n in zip(worst, *mean, count, strict=True)]
