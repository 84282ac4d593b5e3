"""Stations against their limits: rain, river and reservoir gauges, air and water sections; the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from data.answers import Answer, Group
from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import division_link, near
from layouts.parts import STATE_RANK, axis_note, empty, state_mark
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

MOST = 6


@dataclass(frozen=True)
class Station:
    """One row: `over` is metres above the limit (negative = below), None where that is not the question."""

    name: str
    division: str
    division_code: str
    value: float | None
    state: str
    level: float | None = None
    limit: float | None = None


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; asks: `by` (a metric by station) and `sites` (the stations' own rows, for place and limit).

    Options: `over` True = values are metres above a limit, kept in the site's property `limit` and called
    `limit_name`; `met` True = 100 is reached, 0 is not; `word` names the kind.
    """
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many are over their limit."""
    main = answers["by"]
    word = str(panel.options.get("word") or "站点")
    found = stations(panel, answers)
    if not found:
        return Drawn(empty("e-none", f"本区划内没有{word}", "请看上一级区划"), panel.title)
    columns, cells = _over(panel) if panel.options.get("over") else _plain(panel, main)
    rows = [[state_mark(s.state, "") if s.value is not None else Markup('<span class="q">—</span>'), Cut(s.name, 10),
             division_link(context, s.division_code, near(context, s.division)), *cells(s)] for s in found[:MOST]]
    silent = sum(s.value is None for s in found)
    note = "·".join(filter(None, [f"{word} {len(found)} 个", f"{silent} 个无数据" if silent else "", main.limit_text]))
    return Drawn(table(columns, rows) + axis_note(note), _title(panel, found, word))


def stations(panel: Panel, answers: Answers) -> list[Station]:
    """All stations, worst first; those without a value come last."""
    sites = {str(row.get("id")): row for row in answers["sites"].rows} if "sites" in answers else {}
    found = [_station(panel, group, sites.get(group.code, {})) for group in answers["by"].groups]
    heard = {group.code for group in answers["by"].groups}
    found += [_station(panel, Group(code, str(row.get("name") or code), None), row)
              for code, row in sites.items() if code not in heard]
    worst = {False: 1, True: -1}[bool(panel.options.get("met"))]
    return sorted(found, key=lambda s: (s.value is None, -STATE_RANK.get(s.state, 0), -worst * (s.value or 0), s.name))


def _station(panel: Panel, group: Group, site: dict[str, Any]) -> Station:
    known = {**site, **group.extra}
    limit = known.get(str(panel.options.get("limit") or "limit"))
    level = known.get("level_m",
                      limit + group.value if isinstance(limit, int | float) and group.value is not None else None)
    state = str(group.extra.get("state") or _state(panel, group.value))
    return Station(group.name, str(known.get("division") or words.NONE), str(known.get("division_code") or ""),
                   group.value,
                   state, level, limit if isinstance(limit, int | float) else None)


def _state(panel: Panel, value: float | None) -> str:
    if value is None:
        return "ok"
    if panel.options.get("over"):
        return "warn" if value > 0 else "ok"
    return "att" if panel.options.get("met") and value < 100 else "ok"


def _over(panel: Panel) -> tuple[tuple[Column, ...], Any]:
    name = str(panel.options.get("limit_name") or "限值")
    columns = (Column(""), Column("站点", wide=True), Column("地点", optional=True), Column("水位 m", right=True),
               Column(f"{name} m", right=True, optional=True), Column(f"距{name} m", right=True))

    def cells(station: Station) -> list[object]:
        over = "未知" if station.value is None else words.over(station.value, 2)
        return [words.number(station.level, 2), words.number(station.limit, 2), Markup("<b>{}</b>").format(over)]

    return columns, cells


def _plain(panel: Panel, main: Answer) -> tuple[tuple[Column, ...], Any]:
    met = bool(panel.options.get("met"))
    head = "达标" if met else f"{main.name} {main.unit}".strip()
    columns = (Column(""), Column("站点", wide=True), Column("地点", optional=True), Column(head, right=True))

    def cells(station: Station) -> list[object]:
        if station.value is None:
            return ["未知"]
        if met:
            return ["达标" if station.value >= 100 else "未达标"]
        return [Markup("<b>{}</b>").format(words.number(station.value, main.decimals))]

    return columns, cells


def _title(panel: Panel, found: list[Station], word: str) -> str:
    known = [station for station in found if station.value is not None]
    if not known:
        return panel.title
    bad = [station for station in known if STATE_RANK.get(station.state, 0) > 0]
    if panel.options.get("over"):
        name = str(panel.options.get("limit_name") or "限值")
        over = [station for station in known if round(station.value or 0, 2) > 0]
        below = all(round(station.value or 0, 2) < 0 for station in known)
        calm = f"{word}全部低于{name}" if below else f"{word}均未超{name}"
        return f"{len(over)} 个{word}超{name}，{over[0].name}最高" if over else calm
    if panel.options.get("met"):
        return f"{len(known)} 个{word}，{len(bad)} 个未达标" if bad else f"{len(known)} 个{word}全部达标"
    return f"{panel.title}：{len(bad)} 个需关注" if bad else f"{panel.title}：{known[0].name}最高"
