"""How far the events of the window have come: bars by stage, the share that reached it at the right."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.frame import Drawn, framed
from layouts.parts import axis_note, calm, join
from layouts.screen import Answers, Context, Panel
from layouts.tables import Bar, bars, data_table

STAGES = (("received", "受理"), ("filed", "立案"), ("dispatched", "派遣"), ("handling", "处置"), ("reported", "反馈"),
          ("checked", "核查"), ("closed", "结案"), ("rated", "评价"))


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; asks: `by` (received_events by stage: how many stand at each stage), `hours`, `rate`, `rework`."""
    return framed(panel, answers, context, draw)


def reached(main: Answer) -> list[tuple[str, float]]:
    """How many reached each stage: those who stand there and those who went farther. Stages unused are left out."""
    standing = {group.code: group.value or 0.0 for group in main.groups}
    used = [(code, word) for code, word in STAGES if code in standing]
    farther, out = 0.0, []
    for code, word in reversed(used):
        farther += standing[code]
        out.append((word, farther))
    return out[::-1]


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: received and closed."""
    main = answers["by"]
    steps = reached(main)
    if not steps or not steps[0][1]:
        return Drawn(calm(main, "本时段无受理事件", "更换时段或区划后再看"), panel.title)
    total = steps[0][1]
    rows = [Bar(word, count, Markup("{}<small>件</small>").format(words.number(count)), None, "hi" if k < 3 else "",
                f"{words.number(100 * count / total, 1)}%") for k, (word, count) in enumerate(steps)]
    title = f"受理 {words.number(total)} 件，{_closed(steps)}"
    facts = [_fact(answers, name) for name in ("hours", "rate", "rework")]
    body = bars(rows, total) + axis_note(join(filter(None, facts), "·"))
    return Drawn(body, title, data_table(("环节", "到达件数"), [(word, words.number(count)) for word, count in steps]))


def _closed(steps: list[tuple[str, float]]) -> str:
    closed = dict(steps).get("结案")
    if closed is not None:
        return f"已结案 {words.number(closed)} 件"
    return f"到{steps[-1][0]} {words.number(steps[-1][1])} 件"


def _fact(answers: Answers, name: str) -> str:
    answer = answers.get(name)
    if answer is None or answer.value is None:
        return ""
    gap = "" if answer.unit == "%" else " "
    return f"{answer.name} {words.number(answer.value, answer.decimals)}{gap}{answer.unit}"
