"""What is at a place: its divisions, the nearest asset of each layer, the open events around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data import rowsets
from data.errors import NotAllowed, NotFound, WrongInput
from data.finding import Finder
from data.metrics import Evaluator
from data.name_index import Section
from geo.geodesic import distances_m
from geo.plane import km_per_degree

AROUND_M, MOST_EVENTS = 500.0, 20
# The plane's distances are within 1 % of the ellipsoid's, so the nearest is among those this much farther.
SLACK = 1.05
ELSEWHERE = "无权查看该位置"
# What is told of an asset; its other columns may be persons and their telephones.
TOLD = ("id", "feed", "layer", "name", "department", "state", "division", "division_code", "lon", "lat", "demo")
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pin:
    """What an address's `pin` names: `asset:FEED:ID`, `event:FEED:ID` or `LON,LAT` (degrees, EPSG:4490)."""

    kind: str
    feed: str = ""
    id: str = ""
    lon: float = 0.0
    lat: float = 0.0


def read_pin(text: str) -> Pin:
    """The pin of an address. Raises WrongInput."""
    kind, _, rest = text.partition(":")
    feed, _, identity = rest.partition(":")
    if kind in ("asset", "event") and feed and identity:
        return Pin(kind, feed, identity)
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        lon = lat = float("nan")
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise WrongInput(f"pin={text!r:.60} 看不懂；应为 115.41,25.95、asset:FEED:ID 或 event:FEED:ID")
    return Pin("point", lon=lon, lat=lat)


def what_is_here(finder: Finder, evaluator: Evaluator, pin: Pin, top: str, end_us: int) -> dict[str, Any]:
    """Everything about a pin but the figure of its division.

    Returns:
        kind; thing (asset or event as a row, {} for a point); lon, lat (None where it has no place); code of the
        deepest division ("" outside the place), chain [{code, name, level}] from the top; nearest: of each layer the
        nearest asset {layer, feed, id, name, distance_m}; events: open ones within 500 m by distance, with distance_m.
        Only what lies in `top` and below is told. Distances are geodesics on the ellipsoid.

    Raises:
        NotFound: no such asset or event. NotAllowed: it lies outside `top`, or there is none and `top` is not all of
        the place. Unavailable: history cannot be read.
    """
    divisions = evaluator.pack.divisions
    allowed = divisions.below(top)
    try:
        thing = _thing(evaluator, pin, end_us)
    except NotFound:
        if top == divisions.root.code:
            raise
        # As where there is one elsewhere: who may not see it does not learn of it.
        raise NotAllowed(ELSEWHERE) from None
    lon, lat = (thing["lon"], thing["lat"]) if thing else (pin.lon, pin.lat)
    code = thing["division_code"] if thing else finder.code_at(lon, lat)
    if (code and not allowed[divisions.index(code)]) or (not code and top != divisions.root.code):
        raise NotAllowed(ELSEWHERE)
    chain = [{"code": above, "name": divisions.get(above).name,
              "level": divisions.level_words[divisions.get(above).level]}
             for above in reversed(divisions.chain(code))] if code else []
    found = {"kind": pin.kind, "thing": thing, "lon": lon, "lat": lat, "code": code, "chain": chain,
             "nearest": [], "events": []}
    if lon is None or lat is None:
        return found
    assets, _ = finder.sections(evaluator.tables)
    own = (pin.feed, pin.id) if pin.kind == "asset" else None
    return found | {"nearest": _nearest(evaluator, assets, (lon, lat), allowed, own),
                    "events": _events(evaluator, (lon, lat), allowed, end_us)}


def _thing(evaluator: Evaluator, pin: Pin, end_us: int) -> dict[str, Any]:
    if pin.kind == "point":
        return {}
    if pin.kind == "event":
        return rowsets.one_event(evaluator, pin.id, pin.feed, end_us)
    asset = evaluator.tables.assets.rows.get((pin.feed, pin.id))
    if asset is None:
        raise NotFound(f"数据源 {pin.feed!r:.40} 没有设施 {pin.id!r:.60}")
    row = rowsets.asset_row(evaluator, asset)
    told = {name: row[name] for name in TOLD if name in row}
    return {**told, "layer_name": rowsets.layer_name(evaluator.pack, asset["layer"])}


def _plane_m(lon: Floats, lat: Floats, place: tuple[float, float]) -> Floats:
    wide, high = km_per_degree(place[1])
    return np.asarray(1000 * np.hypot((lon - place[0]) * wide, (lat - place[1]) * high))


def _nearest(evaluator: Evaluator, assets: Section, place: tuple[float, float], allowed: Mask,
             own: tuple[str, str] | None) -> list[dict[str, Any]]:
    rows = evaluator.tables.assets.rows
    at = np.flatnonzero(allowed[assets.division] & np.isfinite(assets.lon))
    # The names may be older than the rows: where something is allowed is asked of its row.
    at = np.array([k for k in at.tolist() if assets.keys[k] != own and (row := rows.get(assets.keys[k])) is not None
                   and allowed[row["index"]]], np.intp)
    rough = _plane_m(assets.lon[at], assets.lat[at], place)
    layers = np.array([rows[assets.keys[k]]["layer"] for k in at.tolist()], np.str_)
    chosen: list[dict[str, Any]] = []
    for layer in sorted({one.source for one in evaluator.pack.layers.values() if one.kind == "assets"}):
        mine = np.flatnonzero(layers == layer)
        if not len(mine):
            continue
        close = mine[rough[mine] <= SLACK * rough[mine].min() + 1.0]
        exact = distances_m(*place, assets.lon[at[close]], assets.lat[at[close]])
        best = int(np.argmin(exact))
        feed, identity = assets.keys[int(at[close[best]])]
        chosen.append({"layer": layer, "layer_name": rowsets.layer_name(evaluator.pack, layer), "feed": feed,
                       "id": identity, "name": rows[feed, identity]["name"],
                       "distance_m": round(float(exact[best]), 1)})
    return sorted(chosen, key=lambda one: (one["distance_m"], one["layer"]))


def _events(evaluator: Evaluator, place: tuple[float, float], allowed: Mask, end_us: int) -> list[dict[str, Any]]:
    table = evaluator.tables.events
    lon, lat = table.columns["lon"], table.columns["lat"]
    at = np.flatnonzero(allowed[table.columns["division"]] & np.isfinite(lon) & table.stands(end_us))
    at = at[_plane_m(lon[at], lat[at], place) <= SLACK * AROUND_M]
    exact = distances_m(*place, lon[at], lat[at])
    near = [k for k in np.argsort(exact, kind="stable").tolist() if exact[k] <= AROUND_M][:MOST_EVENTS]
    return [{**rowsets.event_row(evaluator, table, int(at[k]), end_us), "distance_m": round(float(exact[k]), 1)}
            for k in near]
