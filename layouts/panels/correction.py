"""One refused record to be corrected and sent in again: what came, why it was refused, its fields as a form."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from layouts import words
from layouts.frame import Drawn, framed
from layouts.panels.quarantine import NOT_ALLOWED, deed
from layouts.parts import EMPTY, empty
from layouts.screen import Answers, Context, Panel

STATES = {"waiting": "待处理", "replayed": "已送回", "dismissed": "已作废"}
MOST_FIELDS = 24


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `item` (quarantine_item)."""
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: the record's number and state."""
    rows = answers["item"].rows
    if not rows:
        return Drawn(empty("e-calm", "没有要更正的记录", "从隔离区选一条，或等新的记录进来"), panel.title)
    row = rows[0]
    waits = row.get("state") == "waiting"
    head = Markup('<p class="fix-why"><b>{}</b></p><p class="note">{}</p>').format(
        row.get("reason") or "", _facts(row, context))
    form = _form(row) if waits else _settled(row, context)
    title = f"更正第 {row.get('id')} 号记录" if waits else f"第 {row.get('id')} 号记录{STATES[str(row.get('state'))]}"
    return Drawn(Markup('<div class="fix-box">{}{}</div>').format(head, form), title, css="told")


def _facts(row: dict[str, Any], context: Context) -> str:
    zone, now = context.place.timezone, context.now_us
    first, last = int(row.get("first") or 0), int(row.get("last") or 0)
    times = int(row.get("times") or 1)
    when = words.clock_or_day(first, zone, now) if first else words.NONE
    again = f"，共来过 {times} 次，最近 {words.clock_or_day(last, zone, now)}" if times > 1 else ""
    return f"{row.get('name') or row.get('feed')}·{row.get('department') or words.NONE}·{when} 收到{again}"


def _form(row: dict[str, Any]) -> Markup:
    """Every field can be changed; a text that is no JSON object is changed as a whole."""
    closed = EMPTY if row.get("may") else Markup(" disabled")
    raw = str(row.get("raw") or "")
    fields = [(name, value) for name, value in row.get("fields") or () if name != "demo"][:MOST_FIELDS]
    inputs = EMPTY.join(_field(str(name), str(value), closed) for name, value in fields)
    whole = not fields and not row.get("cut")
    if whole:
        inputs = Markup('<label class="wide"><span>原文（应为一条 JSON 记录）</span>'
                        '<textarea name="raw" rows="5" spellcheck="false"{}>{}</textarea></label>').format(closed, raw)
    send = Markup('<button type="submit" class="ctl main"{}>更正并送回</button>').format(closed)
    told = Markup('<p class="note">{}</p>').format(NOT_ALLOWED) if not row.get("may") else EMPTY
    if row.get("cut"):
        send, told = EMPTY, Markup('<p class="note">原文太长，请用 ./yiping quarantine correct 更正</p>')
    source = EMPTY if whole else Markup('<details class="raw"><summary class="act">原文</summary>'
                                        '<pre>{}</pre></details>').format(raw)
    return Markup('<form class="fix" data-item="{}" data-raw="{}" autocomplete="off">{}<div class="fields">{}</div>'
                  '<div class="deeds">{}{}{}</div>{}</form>').format(
        row.get("id"), raw if fields else "", source, inputs, send,
        deed("replay", "按原样送回", row, "不改动，再送一次", row.get("id")),
        deed("dismiss", "作废", row, "不再送回；原文保留备查", row.get("id")), told)


def _field(name: str, value: str, closed: Markup) -> Markup:
    return Markup('<label><span title="{0}">{0}</span><input name="{0}" value="{1}" data-was="{1}"{2}></label>').format(
        name, value, closed)


def _settled(row: dict[str, Any], context: Context) -> Markup:
    at = int(row.get("settled") or 0)
    when = words.clock_or_day(at, context.place.timezone, context.now_us) if at else words.NONE
    after = (Markup('<p class="note">更正后</p><pre>{}</pre>').format(row["sent"]) if row.get("sent") else EMPTY)
    return Markup('<p class="note">{} 于 {} 处理</p><p class="note">原文</p><pre>{}</pre>{}').format(
        row.get("who") or words.NONE, when, row.get("raw") or "", after)
