"""Warnings in force, worst first; a calm sign when there is none."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.frame import Drawn, framed
from layouts.parts import EMPTY, calm, chip, two_facts
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

LEVELS = ("red", "orange", "yellow", "blue")
LEVEL_WORDS = {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}
MOST, FEW, LONGEST, LONGEST_PLACE = 6, 3, 76, 3
COLUMNS = (Column("级"), Column("预警", wide=True), Column("范围", optional=True), Column("发布", right=True),
           Column("至", right=True))


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `list` (warnings)."""
    return framed(panel, answers, context, draw)


def in_force(rows: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Active warnings, worst first, then newest."""
    active = [row for row in rows if row.get("active")]
    return sorted(active, key=lambda row: (rank(row), -int(row.get("sent_us") or 0)))


def rank(row: dict[str, Any]) -> int:
    """0 for red … 3 for blue, 4 for anything else."""
    level = str(row.get("level"))
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def headline(row: dict[str, Any]) -> str:
    """What a warning is called."""
    return str(row.get("headline") or row.get("kind") or "预警")


def brief(row: dict[str, Any]) -> str:
    """What a warning is called without its sender, who stands in the panel's head: 县气象局发布暴雨预警 → 暴雨预警."""
    told = headline(row)
    return told.partition("发布")[2] or told


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many and the highest level."""
    listed = answers["list"]
    rows = listed.rows
    active = in_force(rows)
    if not active:
        return Drawn(_calm(listed, context), panel.title)
    top = LEVEL_WORDS.get(str(active[0].get("level")), "")
    body = table(COLUMNS, [_row(row, context) for row in active[:MOST]])
    if len(active) <= FEW:
        says = _detail(active[0], context) if active[0].get("detail") else EMPTY
        body = Markup('<div class="told">{}{}</div>').format(body, says)
    more = len(active) - MOST
    if more > 0:
        body += Markup('<div class="axis-note">另有 {} 条生效</div>').format(more)
    red = "is-red" if active[0].get("level") == "red" else ""
    return Drawn(body, f"生效预警 {len(active)} 条" + (f"，最高{top}色" if top else ""), css=red)


def _detail(row: dict[str, Any], context: Context) -> Markup:
    """What the gravest warning asks for, and how long it is still in force: there is room for it while there are few.
    """
    ends = int(row.get("expires_us") or 0)
    left = f"{brief(row)}·余 {words.age((ends - context.now_us) / 1e6)}" if ends else brief(row)
    return Markup('<div class="says"><b>{}</b><p>{}</p></div>').format(left, words.short(str(row["detail"]), LONGEST))


def _calm(listed: Answer, context: Context) -> Markup:
    rows = listed.rows
    past = sorted(rows, key=lambda row: -int(row.get("expires_us") or row.get("sent_us") or 0))
    if not past:
        return calm(listed, "当前无生效预警", "预警中心联络正常，本时段内没有发布过预警")
    last = past[0]
    ended = int(last.get("expires_us") or last.get("sent_us") or 0)
    zone = context.place.timezone
    said = calm(listed, "当前无生效预警", f"上一条：{headline(last)}，{words.moment(ended, zone, context.now_us)} 解除")
    days = int((context.now_us - ended) / 86_400e6)
    return said + two_facts([("已无预警", f"{days} 天" if days else "不足 1 天"), ("本时段发布", f"{len(rows)} 条")])


def _row(row: dict[str, Any], context: Context) -> tuple[object, ...]:
    level = str(row.get("level"))
    names = [str(name) for name in row.get("divisions") or ()]
    first = names[0] if names and (len(names) == 1 or len(names[0]) <= LONGEST_PLACE) else ""
    where = first if len(names) <= 1 else f"{first}等 {len(names)} 处" if first else f"共 {len(names)} 处"
    times = [words.clock_or_day(int(row[key]), context.place.timezone, context.now_us) if row.get(key) else words.NONE
             for key in ("sent_us", "expires_us")]
    known = level if level in LEVELS else "plain"
    return chip(LEVEL_WORDS.get(level, "—"), f"chip-{known}"), Cut(brief(row), 14), where or words.NONE, *times
