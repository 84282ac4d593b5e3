"""One to three series over time: lines, an area, or bars; with the figure, its change and its target line."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from data.answers import Answer, Point
from layouts import words
from layouts.frame import Drawn, framed
from layouts.parts import EMPTY, axis_note, calm, change_mark, headline, join
from layouts.plots import MOST_BARS, Axis, Limit, Trace, axis, plot
from layouts.screen import Answers, Context, Panel
from layouts.tables import data_table

STYLES = ("", "ref", "third")
MOST_POINTS = 400


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; asks in order: the main series, then one or two to compare it with.

    Options: `bars` True; `limit` (value, words, css); `zero` True; `pair` True = bars side by side; `note` text.
    """
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Figure on top, chart below; a series shorter than two points is said in words."""
    shown = [answers[name] for name in panel.asks if name in answers]
    main = shown[0]
    top = headline(*_figure(main), [_compared(main), _second(shown)])
    if sum(point.value is not None for point in main.series) < 2:
        body = Markup('<div class="empty thin"><div class="note">{}</div></div>').format("本时段数据点不足，暂不成图")
        return Drawn(top + body, title(panel, main))
    known = [point.value for answer in shown for point in answer.series if point.value is not None]
    if panel.options.get("bars") and not any(known):
        none = f"本段均为 {words.number(0, main.decimals)} {main.unit}".strip()
        return Drawn(top + calm(main, none, _legend(panel, shown)), title(panel, main))
    by = resolution(main.series)
    chart = _chart(panel, shown, context, by)
    return Drawn(top + chart + axis_note(_legend(panel, shown)), title(panel, main), _table(shown, context, by))


def title(panel: Panel, main: Answer) -> str:
    """The declared title, with the direction where the change is known: 用电负荷上升 4.3%."""
    change = main.change
    if change is None or panel.options.get("plain_title") or change.unit not in ("%", "百分点"):
        return panel.title
    text = words.signed(change.value, 1)
    if text == "持平":
        return f"{panel.title}{change.word}持平"
    unit = " 个百分点" if change.unit == "百分点" else "%"
    return f"{panel.title}{change.word}{'升' if change.value > 0 else '降'} {words.number(abs(change.value), 1)}{unit}"


def _figure(main: Answer) -> tuple[object, str]:
    if main.value is None and main.series:
        last = next((point.value for point in reversed(main.series) if point.value is not None), None)
        return words.value(main, last), main.unit
    return (main.text or words.NONE, "") if main.value is None else (words.value(main, main.value), main.unit)


def _compared(main: Answer) -> object:
    return change_mark(main) or main.limit_text


def _second(shown: list[Answer]) -> str:
    """The other series' figures; a single series' own range."""
    others = [f"{a.name} {words.value(a, a.value)} {a.unit}" for a in shown[1:] if a.value is not None]
    if len(shown) > 1:
        return "·".join(others)
    main, known = shown[0], [point.value for point in shown[0].series if point.value is not None]
    if len(known) < 2:
        return ""
    return f"本段最高 {words.value(main, max(known))}·最低 {words.value(main, min(known))}"


def resolution(series: Sequence[Point]) -> str:
    """hour, day or month, from the distance of the buckets."""
    if len(series) < 2:
        return "day"
    seconds = (series[1].time - series[0].time).total_seconds()
    if seconds < 80_000:
        return "hour"
    return "day" if seconds < 20 * 86_400 else "month"


def thin(series: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points, each step keeping its last one, so that nothing is invented."""
    step = -(-len(series) // most)
    return list(series) if step <= 1 else list(series[::-1][::step][::-1])


def _chart(panel: Panel, shown: list[Answer], context: Context, by: str) -> Markup:
    as_bars = bool(panel.options.get("bars")) and len(shown[0].series) <= MOST_BARS
    limits = _limits(panel, shown[0])
    values = [point.value for answer in shown for point in answer.series] + [limit.value for limit in limits]
    scale = axis(values, zero=as_bars or bool(panel.options.get("zero")))
    traces = _traces(panel, shown, as_bars)
    return plot(traces, scale, time_labels(shown[0].series, context.place.timezone, by, as_bars), limits,
                "" if _short(scale) else "margin-left:3.2rem")


def _short(scale: Axis) -> bool:
    return max(len(words.short_number(tick)) for tick in scale.ticks) <= 5


def _limits(panel: Panel, main: Answer) -> list[Limit]:
    declared = panel.options.get("limit")
    found = [Limit(float(declared[0]), str(declared[1]), str(declared[2]))] if isinstance(declared, tuple) else []
    if main.target is not None:
        found.append(Limit(main.target, f"目标 {words.number(main.target, main.decimals)}"))
    return found


def _traces(panel: Panel, shown: list[Answer], as_bars: bool) -> list[Trace]:
    if as_bars:
        return _bar_traces(shown, bool(panel.options.get("pair")))
    lines = []
    for style, answer in list(zip(STYLES, shown, strict=False))[::-1]:
        points = spread(thin(answer.series))
        if not style and len(shown) == 1:
            lines.append(Trace("area", points))
        lines.append(Trace("line", points, style, last="" if style else _last_text(answer)))
    return lines


def _last_text(answer: Answer) -> str:
    last = next((point.value for point in reversed(answer.series) if point.value is not None), None)
    return words.value(answer, last)


def _bar_traces(shown: list[Answer], pair: bool) -> list[Trace]:
    count = len(shown[0].series)
    slot = 1 / count
    if not pair or len(shown) < 2:
        bars = [Trace("bar", spread(shown[0].series, True), "last", slot * .72)]
        return bars + [Trace("line", spread(a.series, True), "ref") for a in shown[1:]]
    half = slot * .34
    return [Trace("bar", spread(shown[0].series, True), "hi", half, -half / 2),
            Trace("bar", spread(shown[1].series, True), "", half, half / 2)]


def spread(series: Sequence[Point], middle: bool = False) -> list[tuple[float, float | None]]:
    """Points over 0…1: lines from edge to edge, bars in the middle of their slot."""
    count = len(series)
    if middle or count == 1:
        return [((k + .5) / count, point.value) for k, point in enumerate(series)]
    return [(k / (count - 1), point.value) for k, point in enumerate(series)]


def time_labels(series: Sequence[Point], zone: str, by: str, middle: bool) -> list[tuple[float, str]]:
    """Three or four labels along the time axis."""
    shown = series if middle else thin(series)
    count = len(shown)
    marks = sorted({0, round((count - 1) / 3), round(2 * (count - 1) / 3), count - 1}) if count > 4 else range(count)
    places = spread(shown, middle)
    by = "year" if by == "month" and count > 12 else by
    return [(places[k][0], words.bucket(shown[k].time, zone, by)) for k in marks]


def _legend(panel: Panel, shown: list[Answer]) -> object:
    told = str(panel.options.get("note") or "")
    if len(shown) > 1:
        names = [Markup('<span class="key k{}"></span>{}').format(k, answer.name) for k, answer in enumerate(shown[:3])]
        return join([*names, told] if told else names, "·")
    return told or EMPTY


def _table(shown: list[Answer], context: Context, by: str) -> Markup:
    head = ["时间", *(f"{a.name}（{a.unit}）" if a.unit else a.name for a in shown)]
    zone = context.place.timezone
    rows: list[list[object]] = []
    for k, point in enumerate(shown[0].series[-96:], start=max(0, len(shown[0].series) - 96)):
        values = [words.value(a, a.series[k].value) if k < len(a.series) else words.NONE for a in shown]
        rows.append([words.full_bucket(point.time, zone, by), *values])
    return data_table(head, rows)
