"""The lists of a drawn area: how many of what, and every one by name; a row is pinned on the map by touching it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.links import anchor
from layouts.parts import EMPTY, join, state_mark
from layouts.screen import Context

# A longer list is opened by whoever wants it.
OPEN_UP_TO, MOST_KINDS = 6, 6
Row = dict[str, Any]


def lists(found: Answer, context: Context) -> Markup:
    """Every list of an answer about an area."""
    return EMPTY.join(_list(summary, [row for row in found.rows if row["list"] == summary["key"]],
                            context, found.parts["area"]["linear"]) for summary in found.parts["lists"])


def _list(summary: Row, rows: list[Row], context: Context, linear: bool) -> Markup:
    """One list; an empty one is a line."""
    unit = "件" if summary["key"] == "event" else "处"
    told = [told for told in map(_kind, summary["kinds"]) if told]
    kinds = "·".join(told[:MOST_KINDS]) + (f" 等 {len(told)} 类" if len(told) > MOST_KINDS else "")
    late = f"超期 {words.number(summary['overdue'])} 件" if summary.get("overdue") else ""
    blind = f"另有 {words.number(summary['blind'])} {unit}无坐标，未计" if summary["blind"] else ""
    note = "；".join(filter(None, (late, kinds, blind)))
    head = Markup('<h3>{}<b>{}</b> {}</h3><p class="note">{}</p>').format(summary["word"], words.number(summary["n"]),
                                                                       unit, note)
    if not rows:
        return Markup('<section class="area-list">{}</section>').format(head)
    cut = EMPTY
    if summary["shown"] < summary["n"]:
        cut = Markup('<p class="note">列出前 {} {}，全部见下载</p>').format(words.number(summary["shown"]), unit)
    body = Markup("<ul>{}</ul>{}").format(EMPTY.join(_row(row, context, linear) for row in rows), cut)
    return Markup('<details class="area-list" id="area-{}"{}><summary>{}</summary>{}</details>').format(
        summary["key"], Markup(" open") if len(rows) <= OPEN_UP_TO else EMPTY, head, body)


def _kind(kind: Row) -> str:
    """学校 8（在校学生 4,200）; '' for none."""
    if not kind["n"]:
        return ""
    sums = "、".join(f"{word} {words.number(total)}" for word, total in kind["sums"].items() if total)
    return f"{kind['name']} {words.number(kind['n'])}" + (f"（{sums}）" if sums else "")


def _row(row: Row, context: Context, linear: bool) -> Markup:
    state = state_mark(row["state"], "") if row["state"] else EMPTY
    late = f"超期 {words.short_age(row['overdue_s'])}" if row.get("overdue_s") else ""
    told = join(filter(None, (row["kind"], row["text"], late, row["division"])), "·")
    return Markup("<li>{}<span>{}{}</span><small>{}</small></li>").format(
        _pin(row, context, Markup("{}{}").format(state, row["name"])), "距线 " if linear else "",
        short_m(row["distance_m"]), told)


def _pin(row: Row, context: Context, inner: object) -> Markup:
    """The row's name; touching it marks its place on the map, touching it again takes the mark away."""
    spot = f"{row['lon']:.6f},{row['lat']:.6f}"
    on = context.view.pin == spot
    return anchor(context, {"pin": None if on else spot}, inner, "on" if on else "", on)


def near_list(found: Answer, context: Context) -> Markup:
    """The nearest of each kind, with the time and the way."""
    pieces = []
    for kind in found.parts["kinds"]:
        rows = [row for row in found.rows if row["layer"] == kind["layer"]]
        idle = f"另有 {words.number(kind['unready'])} 处{kind['name']}不可出动，未列" if kind["unready"] else ""
        said = idle if rows or idle else f"辖区内没有有坐标的{kind['name']}"
        none = Markup('<li class="none">{}</li>').format(said) if said else EMPTY
        pieces.append(Markup("<h4>{}</h4><ul>{}{}</ul>").format(
            kind["name"], EMPTY.join(_near_row(row, context) for row in rows), none))
    return EMPTY.join(pieces)


def _near_row(row: Row, context: Context) -> Markup:
    by_road = row["way"] == "road"
    off = f"（离路 {short_m(row['off_m'])}）" if by_road and row["off_m"] > 50 else ""
    way = f"道路 {short_m(row['road_m'])}{off}" if by_road else row["why"] and f"{row['why']}，按直线估算"
    told = join(filter(None, (way, f"直线 {short_m(row['straight_m'])}", row["text"], row["division"])), "·")
    soon = short_m(row["straight_m"]) if row["minutes"] is None else f"约 {words.number(row['minutes'])} 分"
    return Markup("<li>{}<span>{}</span><small>{}</small></li>").format(_pin(row, context, row["name"]), soon, told)


def short_m(meters: float) -> str:
    """A length: 350 m, 2.4 km, 31 km."""
    if meters < 1000:
        return f"{meters:.0f} m"
    return f"{meters / 1000:.1f} km" if meters < 20_000 else f"{meters / 1000:.0f} km"
