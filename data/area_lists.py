"""What is in a drawn area: sensitive places, hazards, resources by layer, open events; counted, summed and listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.answers import Scope
from data.columns import Array
from data.metrics import Evaluator
from data.pack_layers import Layer
from data.records import Row
from data.rowsets import STATES, event_row
from data.small_tables import Placed
from geo.areas import Area

ROLES = {"sensitive": "敏感目标", "hazard": "风险隐患", "resource": "应急资源"}
EVENTS, EVENTS_WORD = "event", "在办事件"
# What of an asset's properties says how it stands; nothing else of them leaves here, so no names or phones do.
_STANDS = ("state", "level", "stage", "status")
_FLAGS = {"online": ("在线", "离线"), "ready": ("可出动", "不可出动")}


@dataclass(frozen=True)
class Asked:
    """What is counted: the area, within a division, of events those that pass the filters, at an instant (µs UTC)."""

    area: Area
    scope: Scope
    end_us: int
    limit: int


def lists(evaluator: Evaluator, asked: Asked) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(one summary a list, all their rows: the lists in their order, assets nearest first, events gravest first).

    A summary has key, word, n (all inside), shown (rows given), blind (of the division, without coordinates) and kinds:
    layer or category, its name, n, blind and sums (word → total of a declared property).
    """
    found = [_assets(evaluator, asked, role) for role in ROLES]
    found.append(_events(evaluator, asked))
    return [summary for summary, _ in found], [row for _, rows in found for row in rows]


def asset_brief(evaluator: Evaluator, layer: str, asset: Row, distance_m: float) -> dict[str, Any]:
    """One asset as lists show it: id, feed, layer and its word, name, state, distance, division, place."""
    divisions = evaluator.pack.divisions
    return {"layer": layer, "kind": evaluator.pack.layers[layer].name, "id": asset["id"], "feed": asset["feed"],
            "name": asset["name"], "state": "", "text": stands(asset["properties"]),
            "distance_m": round(float(distance_m)), "division": division_name(evaluator, asset["index"]),
            "division_code": divisions.items[asset["index"]].code, "lon": round(float(asset["lon"]), 6),
            "lat": round(float(asset["lat"]), 6), "demo": bool(asset["demo"])}


def stands(properties: dict[str, Any]) -> str:
    """How an asset says it stands, '' where it does not."""
    for name, (yes, no) in _FLAGS.items():
        if isinstance(properties.get(name), bool):
            return yes if properties[name] else no
    return next((str(properties[name]) for name in _STANDS if isinstance(properties.get(name), str)), "")


def division_name(evaluator: Evaluator, index: int) -> str:
    """The two lowest names of a division: 贡江镇 某某村."""
    divisions = evaluator.pack.divisions
    chain = divisions.chain(divisions.items[index].code)[-2::-1][:2]
    return " ".join(divisions.get(code).name for code in chain) or divisions.root.name


def _assets(evaluator: Evaluator, asked: Asked, role: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    layers = {key: layer for key, layer in evaluator.pack.layers.items() if role in layer.roles}
    kinds, spots = [], []
    inside = evaluator.pack.divisions.below(asked.scope.division)
    for key, layer in layers.items():
        placed = evaluator.tables.assets.placed(layer.source)
        kind, at, distance = _of_layer(asked, (key, layer), placed, inside)
        kinds.append(kind)
        spots += [(meters, key, placed.rows[place]) for place, meters in zip(at, distance, strict=True)]
    spots.sort(key=lambda spot: (spot[0], spot[2]["id"]))
    rows = [{"list": role} | asset_brief(evaluator, key, asset, meters)
            for meters, key, asset in spots[:asked.limit]]
    return _summary(role, ROLES[role], kinds, len(rows)), rows


def _of_layer(asked: Asked, named: tuple[str, Layer], placed: Placed,
              inside: Array) -> tuple[dict[str, Any], list[int], list[float]]:
    key, layer = named
    mine = inside[placed.division] if len(placed.division) else np.zeros(0, bool)
    at = np.flatnonzero(mine & asked.area.contains(placed.lon, placed.lat))
    blind = int((mine & np.isnan(placed.lon)).sum())
    sums = {word: sum(_number(placed.rows[place]["properties"].get(name)) for place in at.tolist())
            for name, word in layer.sums.items()}
    distance = asked.area.distance_m(placed.lon[at], placed.lat[at])
    kind = {"layer": key, "name": layer.name, "n": len(at), "blind": blind, "sums": sums}
    return kind, at.tolist(), distance.tolist()


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def _events(evaluator: Evaluator, asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Open events; those that had ended before memory begins have no coordinates any more and count as without."""
    tables, pack = evaluator.tables, evaluator.pack
    inside, events = pack.divisions.below(asked.scope.division), tables.events
    columns = events.columns
    mine = inside[columns["division"]] & events.select(asked.scope.filters) & events.stands(asked.end_us)
    blind = int((mine & np.isnan(columns["lon"])).sum())
    if asked.end_us < tables.events_since:
        past = tables.past_events()
        blind += int((inside[past.columns["division"]] & past.select(asked.scope.filters)
                      & past.stands(asked.end_us)).sum())
    near = np.flatnonzero(mine & ~np.isnan(columns["lon"]))
    at = near[asked.area.contains(columns["lon"][near], columns["lat"][near])]
    distance = asked.area.distance_m(columns["lon"][at], columns["lat"][at])
    due = columns["due"][at]
    order = np.lexsort((distance, np.where(due > 0, due, np.iinfo(np.int64).max)))[:asked.limit]
    rows = [_event(evaluator, int(at[place]), float(distance[place]), asked.end_us) for place in order]
    names, counts = np.unique(columns["category"][at], return_counts=True)
    kinds = [_category(evaluator, events.category.words[number], count)
             for number, count in zip(names.tolist(), counts.tolist(), strict=True)]
    kinds.sort(key=lambda kind: (-kind["n"], kind["layer"]))
    found = _summary(EVENTS, EVENTS_WORD, kinds, len(rows)) | {"blind": blind}
    return found | {"overdue": int(((due > 0) & (due < asked.end_us)).sum())}, rows


def _category(evaluator: Evaluator, code: str, count: int) -> dict[str, Any]:
    known = evaluator.pack.categories.get(code)
    return {"layer": code, "name": known.name if known else code, "n": count, "blind": 0, "sums": {}}


def _event(evaluator: Evaluator, at: int, distance_m: float, end_us: int) -> dict[str, Any]:
    row = event_row(evaluator, evaluator.tables.events, at, end_us)
    index = int(evaluator.tables.events.columns["division"][at])
    assert row["state"] in STATES
    return {"list": EVENTS, "layer": row["category_code"], "kind": row["category"], "id": row["id"],
            "feed": row["feed"], "name": row["title"], "state": row["state"], "text": row["stage"],
            "distance_m": round(distance_m), "division": division_name(evaluator, index),
            "division_code": row["division_code"], "lon": round(row["lon"], 6), "lat": round(row["lat"], 6),
            "demo": row["demo"], "time_us": row["time_us"], "due_us": row["due_us"], "left_s": row["left_s"],
            "overdue_s": row["overdue_s"], "department": row["department"]}


def _summary(key: str, word: str, kinds: list[dict[str, Any]], shown: int) -> dict[str, Any]:
    return {"key": key, "word": word, "n": sum(kind["n"] for kind in kinds), "shown": shown,
            "blind": sum(kind["blind"] for kind in kinds), "kinds": kinds}
