"""Rows behind the figures: events, warnings, assets, feeds and the profile of a division."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from shapely.geometry.base import BaseGeometry

from data.answers import Answer, Freshness, Question, Scope, Window
from data.columns import Array
from data.errors import NotFound, WrongInput
from data.event_table import CLOSED, FAR, EventTable
from data.formulas_events import severity
from data.health import seconds
from data.masking import mask_numbers
from data.metrics import Evaluator
from data.pack import Pack
from data.records import STAGE_WORDS, STAGES, Row
from data.small_tables import AssetTable
from geo.divisions import Divisions
from geo.geodesic import area_km2

# Of now alone: what is counted since midnight, and when something was received or answered.
UNCOUNTED: dict[str, int | None] = {"accepted": None, "duplicate": None, "rejected": None, "last_received_us": 0,
                                    "last_contact_us": 0}
STATES = ("ok", "att", "warn", "alarm")
# Orders of a list of events that show only what stands so at the window's end.
STANDING = {"overdue": "overdue", "due": "due_soon", "open": "open"}
Rows = tuple[tuple[dict[str, Any], ...], int]
# … and how many of all have no coordinates.
PlacedRows = tuple[tuple[dict[str, Any], ...], int, int]


def _name(evaluator: Evaluator, index: int, level: int = 1) -> str:
    divisions = evaluator.pack.divisions
    chain = divisions.chain(divisions.items[index].code)
    named = [divisions.get(code) for code in chain if divisions.get(code).level <= level]
    return named[0].name if named else divisions.root.name


def event_row(evaluator: Evaluator, events: EventTable, at: int, end_us: int, level: int = 1) -> dict[str, Any]:
    """One event of a table as it was at an instant, place named at or above a level, numbers in its title masked."""
    columns, texts = events.columns, events.texts[at]
    category = events.category.words[columns["category"][at]]
    known = evaluator.pack.categories.get(category)
    due, (stage, stage_time) = int(columns["due"][at]), _stood(events, at, end_us)
    closed = STAGES.index(stage) >= CLOSED
    return {
        "id": events.ids[at], "feed": events.feed.words[columns["feed"][at]],
        "title": mask_numbers(texts[0]) or (known.name if known else category),
        "category": known.name if known else category, "category_code": category,
        "channel": evaluator.pack.channels.get(events.channel.words[columns["channel"][at]], ""),
        "department": events.department.words[columns["department"][at]],
        "stage": STAGE_WORDS[stage], "stage_code": stage,
        "division": _name(evaluator, int(columns["division"][at]), level),
        "division_code": evaluator.pack.divisions.items[int(columns["division"][at])].code,
        "time_us": int(columns["time"][at]), "stage_time_us": stage_time, "due_us": due,
        "left_s": max(0, (due - end_us) // 1_000_000) if due and not closed else 0,
        "overdue_s": max(0, (end_us - due) // 1_000_000) if due and not closed else 0,
        "state": "ok" if closed else STATES[int(severity(np.array([due]), end_us)[0])],
        "lon": _real(columns["lon"][at]), "lat": _real(columns["lat"][at]), "demo": bool(columns["demo"][at]),
    }


def _stood(events: EventTable, at: int, end_us: int) -> tuple[str, int]:
    """(stage, its instant) of an event as it was at an instant: what came later is not told."""
    newest = int(events.columns["stage_time"][at])
    if newest <= end_us:
        return STAGES[events.columns["stage"][at]], newest
    reached = events.columns["reached"][at]
    told = [(int(time), number) for number, time in enumerate(reached) if 0 < time <= end_us]
    time, number = max(told, default=(int(events.columns["time"][at]), 0))
    return STAGES[number], time


def _real(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def events(evaluator: Evaluator, question: Question, scope: Scope, span: tuple[int, int]) -> PlacedRows:
    """Events of a division: order overdue (open, longest over their due first), due (open, next 24 h, the next first),
    open, or newest (last stage first); where these are equal, by feed and id. Those that ended before memory come from
    history.

    Raises:
        Unavailable: the window is older than memory and history cannot be read.
    """
    tables = evaluator.tables
    asked = span[0] if question.order == "newest" else span[1]
    held = [tables.events, *([tables.past_events()] if asked < tables.events_since else [])]
    inside = evaluator.pack.divisions.below(scope.division)
    masked = [chosen(table, question.order, scope, inside, span) for table in held]
    keys = np.concatenate([key for _, key in masked])
    first = len(masked[0][0])

    def named(at: int) -> tuple[str, str]:
        part = int(at >= first)
        return held[part].key(masked[part][0][at - part * first])

    order = _in_order(keys, named, question)
    old = {at: named(at) for at in order if at >= first}
    whole = tables.whole_events(_by_feed(old.values())) if old else held[0]
    below = evaluator.pack.divisions.get(scope.division).level + 1
    rows = []
    for at in order:
        recent = at < first
        place = int(masked[0][0][at]) if recent else whole.position(*old[at])
        if place is not None:
            rows.append(event_row(evaluator, held[0] if recent else whole, place, span[1], below))
    blind = sum(int(np.isnan(table.columns["lon"][at]).sum()) for table, (at, _) in zip(held, masked, strict=True))
    return tuple(rows), len(keys), blind


def place_of(row: dict[str, Any], order: str) -> tuple[int, str, str]:
    """Where a row of `events` stands in its order: what `Question.after` takes."""
    return row["due_us"] or FAR if order in STANDING else -row["stage_time_us"], row["feed"], row["id"]


def _in_order(keys: Array, named: Callable[[int], tuple[str, str]], question: Question) -> list[int]:
    """The first rows after `question.after` by (key, feed, id); only rows of equal keys are looked at one by one."""
    rank = np.argsort(keys, kind="stable")
    if question.after:
        key, *name = question.after
        begin, end = (int(np.searchsorted(keys[rank], key, side)) for side in ("left", "right"))
        same = [at for at in rank[begin:end].tolist() if named(at) > tuple(name)]
        rank = np.concatenate([np.array(same, rank.dtype), rank[end:]])
    limit = question.limit or 50
    if len(rank) > limit:
        # All that are equal to the last one wanted.
        rank = rank[: int(np.searchsorted(keys[rank], keys[rank[limit - 1]], "right"))]
    return sorted(rank.tolist(), key=lambda at: (int(keys[at]), named(at)))[:limit]


def _by_feed(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for feed, event_id in keys:
        found.setdefault(feed, []).append(event_id)
    return found


def chosen(table: EventTable, order: str, scope: Scope, inside: npt.NDArray[np.bool_],
            span: tuple[int, int]) -> tuple[Array, Array]:
    """(positions, sort keys) of the events that an order asks for."""
    mask, due = inside[table.columns["division"]] & table.select(scope.filters), table.columns["due"]
    key = due
    if order in STANDING:
        mask &= table.stands(span[1], STANDING[order])
        key = np.where(due > 0, due, FAR)
    else:
        stamps = table.columns["stage_time"]
        mask &= (stamps <= span[1]) & (stamps >= span[0])
        key = -stamps
    found = np.flatnonzero(mask)
    return found, key[found]


def one_event(evaluator: Evaluator, event_id: str, feed: str, end_us: int) -> dict[str, Any]:
    """One event with the instants of its stages, of any age; without a feed, of those with this id the one that changed
    last, one in memory before any that ended earlier. Raises NotFound, Unavailable.
    """
    tables = evaluator.tables
    table = tables.events
    at = table.position(feed, event_id) if feed else table.newest(event_id)
    if at is None:
        table = tables.whole_events({key: [event_id] for key in ([feed] if feed else tables.event_feeds())})
        at = table.newest(event_id)
    if at is None:
        raise NotFound(f"数据源 {feed!r:.40} 没有事件 {event_id!r:.60}" if feed else f"没有事件 {event_id!r:.60}")
    reached = table.columns["reached"][at]
    row = event_row(evaluator, table, at, end_us)
    row["detail"] = mask_numbers(table.texts[at][1])
    row["history"] = [{"stage": STAGE_WORDS[stage], "stage_code": stage, "time_us": int(reached[number])}
                      for number, stage in enumerate(STAGES) if reached[number]]
    return row


def asset_row(evaluator: Evaluator, asset: Row, level: int = 1) -> dict[str, Any]:
    """One asset with its properties, its place named at or above a level."""
    return {**asset["properties"], "id": asset["id"], "layer": asset["layer"], "name": asset["name"],
            "feed": asset["feed"], "lon": asset["lon"], "lat": asset["lat"],
            "division": _name(evaluator, asset["index"], level),
            "division_code": evaluator.pack.divisions.items[asset["index"]].code, "demo": bool(asset["demo"])}


def layer_name(pack: Pack, source: str) -> str:
    """The pack's word for a layer of assets, 设施 where it has none."""
    return next((layer.name for layer in pack.layers.values() if layer.kind == "assets" and layer.source == source),
                "设施")


def layer_assets(evaluator: Evaluator, question: Question, scope: Scope) -> list[Row]:
    """Assets of the layer named after `assets:` that lie in the division, as they are kept."""
    table: AssetTable = evaluator.tables.assets
    inside = evaluator.pack.divisions.below(scope.division)
    return [asset for asset in table.layer(question.name.partition(":")[2]) if inside[asset["index"]]]


def assets(evaluator: Evaluator, question: Question, scope: Scope) -> PlacedRows:
    """Assets of the layer named after `assets:` that lie in the division."""
    rows = layer_assets(evaluator, question, scope)
    limit = question.limit or len(rows)
    below = evaluator.pack.divisions.get(scope.division).level + 1
    blind = sum(asset["lon"] is None for asset in rows)
    return tuple(asset_row(evaluator, asset, below) for asset in rows[:limit]), len(rows), blind


def warnings(evaluator: Evaluator, scope: Scope, end_us: int, limit: int) -> Rows:
    """Warnings in force that touch the division, then those sent in the last 30 days; and how many are in force."""
    divisions = evaluator.pack.divisions
    chain = set(divisions.chain(scope.division))
    active = {(row["feed"], row["id"]) for row in evaluator.tables.warnings.active(end_us)}
    rows = []
    for key, row in evaluator.tables.warnings.rows.items():
        codes = [code for code in row["divisions"] if code in divisions]
        touches = not codes or any(code in chain or scope.division in divisions.chain(code) for code in codes)
        recent = end_us - 30 * 86_400_000_000 < row["sent"] <= end_us
        if touches and (recent or key in active):
            rows.append({"id": row["id"], "feed": row["feed"], "kind": row["kind"], "level": row["level"],
                         "headline": row["headline"] or "", "detail": row["detail"] or "",
                         "sent_us": row["sent"], "expires_us": row["expires"],
                         "divisions": [divisions.get(code).name for code in codes], "active": key in active,
                         "status": row["status"] or "", "demo": bool(row["demo"])})
    order = {"red": 0, "orange": 1, "yellow": 2, "blue": 3}
    rows.sort(key=lambda row: (not row["active"], order[row["level"]] if row["active"] else 0, -row["sent_us"]))
    return tuple(rows[: limit or 50]), sum(row["active"] for row in rows)


def feeds(evaluator: Evaluator, health: Mapping[str, Any], judged: Callable[[str], Freshness]) -> Rows:
    """State of every declared feed; `judged` says how fresh one is."""
    rows = []
    for key, feed in evaluator.pack.feeds.items():
        known = health.get(key)
        cadence = seconds(feed.cadence)
        rows.append({"feed": key, "name": feed.name, "topic": feed.topic, "department": feed.department,
                     "kind": feed.kind, "freshness": judged(key), "scheduled": bool(feed.release), "cadence_s": cadence,
                     "last_time_us": known.last_time if known else 0,
                     "last_received_us": known.last_received if known else 0,
                     "last_contact_us": max(known.last_contact, known.last_received) if known else 0,
                     "stepped_s": known.stepped / 1e6 if known else 0.0,
                     "accepted": known.accepted if known else 0, "duplicate": known.duplicate if known else 0,
                     "rejected": known.rejected if known else 0, "error": known.error if known else "",
                     "read_as": known.read_as if known else ""})
    return tuple(rows), len(rows)


def profile(evaluator: Evaluator, scope: Scope, counted: Answer | None) -> dict[str, Any]:
    """Name, level, parent and children of a division; area_km2 of its (perhaps 示意) border on the ellipsoid;
    population and its period if `counted`; assets: how many of each of the pack's layers lie in it.
    """
    divisions = evaluator.pack.divisions
    division = divisions.get(scope.division)
    children = divisions.children(scope.division)
    return {"code": division.code, "name": division.name, "level": divisions.level_names[division.level],
            "level_word": divisions.level_words[division.level], "parent": division.parent or "",
            "official": division.official,
            "area_km2": round(area_km2(_shape(divisions, division.code)), 2),
            "assets": _counted(evaluator, division.code),
            "population": counted.value if counted else None,
            "period": counted.parts.get("period", "") if counted else "",
            "children": [{"code": child.code, "name": child.name} for child in children],
            "chain": [{"code": code, "name": divisions.get(code).name}
                      for code in reversed(divisions.chain(division.code))]}


def _counted(evaluator: Evaluator, code: str) -> list[dict[str, Any]]:
    inside, table = evaluator.pack.divisions.below(code), evaluator.tables.assets
    stations = {feed.stations for feed in evaluator.pack.feeds.values() if feed.kind == "observation"}
    counts = [(layer, sum(bool(inside[row["index"]]) for row in table.layer(layer.source)))
              for layer in evaluator.pack.layers.values() if layer.kind == "assets"]
    return [{"layer": layer.source, "name": layer.name, "count": count, "reports": layer.source in stations}
            for layer, count in counts if count]


def _shape(divisions: Divisions, code: str) -> BaseGeometry:
    return divisions.geometry[divisions.index(code)]


def population(evaluator: Evaluator, code: str) -> Answer | None:
    """The newest population that the division itself or all of its children published."""
    if "population" not in evaluator.pack.metrics:
        return None
    far = datetime(2200, 1, 1, tzinfo=UTC)
    answer = evaluator.evaluate(Question("metric", "population"), Scope(code), Window(far, far))
    return answer if answer.at_division == code and answer.value is not None else None


def check_rows(question: Question) -> None:
    """Raises WrongInput for a set of rows that does not exist."""
    if question.name != "events" and not question.name.startswith("assets:"):
        raise WrongInput(f"没有数据集 {question.name!r:.40}；可用 events、assets:<图层>")
