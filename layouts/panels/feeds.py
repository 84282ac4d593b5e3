"""State of the data sources, the troubled ones first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from data.answers import FRESHNESS_WORDS
from layouts import words
from layouts.frame import Drawn, framed
from layouts.parts import EMPTY, axis_note, empty, fresh_word
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

ORDER = ("down", "late", "unknown", "live", "scheduled")
SHORT = (Column("状态"), Column("来源", wide=True), Column("应间隔", right=True, optional=True),
         Column("最近", right=True))
LONG = (Column("状态"), Column("数据源", wide=True), Column("部门", optional=True),
        Column("应间隔", right=True, optional=True), Column("数据时间", right=True), Column("迟", right=True),
        Column("到数/常量", right=True, optional=True), Column("今日收下", right=True, optional=True, second=True),
        Column("今日隔离", right=True, optional=True),
        Column("得分", right=True), Column("说明", wide=True, optional=True))


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `list` (feeds). Options: `long` True = every column and every feed; `most`."""
    return framed(panel, answers, context, draw)


def counts(rows: tuple[dict[str, Any], ...]) -> Counter[str]:
    """Feeds by freshness."""
    return Counter(str(row.get("freshness") or "unknown") for row in rows)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many, and how many are live."""
    rows = answers["list"].rows
    if not rows:
        return Drawn(empty("e-none", "没有声明任何数据源", "在地方包的 feeds.yaml 中声明"), panel.title)
    by = counts(rows)
    long = bool(panel.options.get("long"))
    ordered = sorted(rows, key=lambda row: (_rank(row), str(row.get("name"))))
    most = len(rows) if long else int(str(panel.options.get("most") or 6))
    body = table(LONG if long else SHORT, [(_long if long else _short)(row, context) for row in ordered[:most]])
    more = axis_note(f"另有 {len(rows) - most} 个") if len(rows) > most else EMPTY
    if long and any(row.get("rule") for row in rows):
        more = Markup('<p class="note rule">{}</p>').format(next(row["rule"] for row in rows if row.get("rule")))
    good = by["live"] + by["scheduled"]
    trouble = "·".join(f"{FRESHNESS_WORDS[key]} {by[key]}" for key in ORDER[:3] if by[key])
    return Drawn(body + more, f"{len(rows)} 个数据源，{good} 个正常" + (f"（{trouble}）" if long and trouble else ""),
                 department=f"{len({row.get('department') for row in rows})} 个部门采集" if long else "")


def _rank(row: dict[str, Any]) -> int:
    key = str(row.get("freshness"))
    return ORDER.index(key) if key in ORDER else ORDER.index("unknown")


def _mark(row: dict[str, Any]) -> Markup:
    last, contact = (_now_at(row, key) for key in ("last_time_us", "last_contact_us"))
    return fresh_word(str(row.get("freshness") or "unknown"), (last, contact or last), float(row.get("cadence_s") or 0))


def _now_at(row: dict[str, Any], key: str) -> int:
    """An instant of a row by the present clock, from which an age may be taken; 0 = never."""
    at = int(row.get(key) or 0)
    return at + round(1e6 * float(row.get("stepped_s") or 0)) if at else 0


def _name(row: dict[str, Any]) -> str:
    return str(row.get("name") or row.get("feed"))


def _when(row: dict[str, Any], key: str, context: Context) -> str:
    at = int(row.get(key) or 0)
    return words.clock_or_day(at, context.place.timezone, context.now_us) if at else words.NONE


def _short(row: dict[str, Any], context: Context) -> tuple[object, ...]:
    return _mark(row), Cut(_name(row), 14), words.interval(float(row.get("cadence_s") or 0)), _when(row, "last_time_us",
                                                                                                    context)


def _long(row: dict[str, Any], context: Context) -> tuple[object, ...]:
    accepted, rejected = (words.number(row.get(key)) for key in ("accepted", "rejected"))
    return (_mark(row), _name(row), Cut(str(row.get("department") or words.NONE), 7),
            words.interval(float(row.get("cadence_s") or 0)), _when(row, "last_time_us", context), _late(row, context),
            _volume(row), accepted, rejected, _score(row), _said(row))


def _late(row: dict[str, Any], context: Context) -> str:
    """How much later than its rhythm the newest record is; — while it is in time."""
    last, cadence = _now_at(row, "last_time_us"), float(row.get("cadence_s") or 0)
    over = (int(row.get("judged_us") or context.now_us) - last) / 1e6 - cadence
    if not last or row.get("freshness") in ("live", "scheduled") or over <= 0:
        return words.NONE
    return words.short_age(over)


def _volume(row: dict[str, Any]) -> object:
    """Records of the last whole hour (or day) against what that hour of the week usually brings."""
    if row.get("volume") is None:
        return words.NONE
    came = words.compact(float(row["volume"]))
    usual = words.compact(float(row["usual"])) if row.get("usual") is not None else "未满周"
    return Markup('{}<small class="of">/ {}</small>').format(came, usual)


def _score(row: dict[str, Any]) -> object:
    if row.get("score") is None:
        return words.NONE
    shares = "，".join(f"{word} {words.number(row.get(key), 1)}%" for key, word in (
        ("timely", "及时"), ("sound", "合格"), ("complete", "完整")) if row.get(key) is not None)
    return Markup('<b title="{}">{}</b>').format(shares, words.number(float(row["score"])))


def _said(row: dict[str, Any]) -> object:
    """What is wrong, the gravest first: the source's error, changed columns, reasons of refusals."""
    drift = f"列有变化：{row['drift']}" if row.get("drift") else ""
    said = "；".join(str(part) for part in (row.get("error"), drift, row.get("reasons")) if part)
    return Cut(said, 48, brief=11) if said else words.NONE
