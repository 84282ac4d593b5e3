"""Hour × weekday: the mean load of two-hour cells over some weeks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

from data.answers import Answer, Point
from layouts import words
from layouts.frame import Drawn, framed
from layouts.parts import axis_note, calm
from layouts.plots import nice_step
from layouts.screen import Answers, Context, Panel
from layouts.tables import data_table, heat

HOURS = 2
CELLS = 24 // HOURS
LABELS = {0: "0时", 3: "6时", 6: "12时", 9: "18时"}


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `hours` (a count by hour over some weeks, or by weekhour: groups `<weekday 0…6>-<hour>`)."""
    return framed(panel, answers, context, draw)


def week(series: Sequence[Point], zone: str) -> list[list[float | None]]:
    """Mean count of each two-hour cell by weekday; None where no such hour was delivered."""
    sums: dict[tuple[int, int], float] = defaultdict(float)
    days: dict[tuple[int, int], set[int]] = defaultdict(set)
    for point in series:
        if point.value is None:
            continue
        at = words.local(words.to_us(point.time), zone)
        cell = (at.weekday(), at.hour // HOURS)
        sums[cell] += point.value
        days[cell].add(at.toordinal())
    return [[sums[d, c] / len(days[d, c]) if (d, c) in days else None for c in range(CELLS)] for d in range(7)]


def summed(main: Answer) -> list[list[float | None]]:
    """The same from groups by weekhour: sums of the window, cells without records are zero."""
    cells: list[list[float | None]] = [[0.0] * CELLS for _ in range(7)]
    for group in main.groups:
        day, _, hour = group.code.partition("-")
        cell = int(hour) // HOURS
        cells[int(day)][cell] = (cells[int(day)][cell] or 0.0) + (group.value or 0.0)
    return cells


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: the busiest cell."""
    main = answers["hours"]
    cells = week(main.series, context.place.timezone) if main.series else summed(main)
    known = [(value, d, c) for d, row in enumerate(cells) for c, value in enumerate(row) if value is not None]
    if not known or not max(known)[0]:
        return Drawn(calm(main, "本时段没有记录", "至少一周的记录才能成图"), panel.title)
    top, day, cell = max(known)
    breaks = levels(top)
    body = heat(list(zip(words.SHORT_WEEKDAYS, cells, strict=True)), LABELS, breaks)
    note = f"单位：{main.unit or '件'}/{HOURS} 小时·由暗到明 {_ranges(breaks)}"
    title = f"{panel.title}集中在{words.SHORT_WEEKDAYS[day]} {cell * HOURS}–{cell * HOURS + HOURS} 时"
    rows = [(name, *(words.number(v, 1) for v in row)) for name, row in zip(words.SHORT_WEEKDAYS, cells, strict=True)]
    return Drawn(body + axis_note(note), title, data_table(("", *(f"{c * HOURS}时" for c in range(CELLS))), rows))


def levels(top: float) -> list[float]:
    """Four round breaks for five shades."""
    step = nice_step(top, 5)
    return [round(step * k, 6) for k in range(1, 5)]


def _ranges(breaks: Sequence[float]) -> str:
    texts = [words.short_number(b) for b in breaks]
    middle = [f"{a}–{b}" for a, b in pairwise(texts)]
    return "·".join([f"<{texts[0]}", *middle, f"≥{texts[-1]}"])
