"""Charts as SVG strings: shapes stretch with the panel, words do not (HTML labels in rem over the drawing)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from layouts.words import short_number

Dot = tuple[float, float | None]
EMPTY = Markup("")
MOST_BARS = 62


@dataclass(frozen=True)
class Axis:
    """Limits of the values and where lines and labels stand."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        """Height from the top in % of the plot."""
        return 100 - 100 * (value - self.low) / ((self.high - self.low) or 1)


@dataclass(frozen=True)
class Trace:
    """A series: kind line | area | bar; points (x 0…1, value or None = a gap); css "", ref, fc, hi, neg."""

    kind: str
    points: Sequence[Dot]
    css: str = ""
    width: float = 0.0
    shift: float = 0.0
    last: str = ""


@dataclass(frozen=True)
class Limit:
    """A horizontal line with its words: css "", h-red, h-orange; `right` puts the words outside."""

    value: float
    text: str
    css: str = ""
    right: bool = False


def nice_step(span: float, most: int = 3) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10ⁿ that needs at most `most` steps over the span."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if span / (factor * power) <= most * 1.0001)


def axis(values: Sequence[float | None], zero: bool = False, room: float = .12) -> Axis:
    """An axis with round ticks around the values; `zero` starts bars at 0."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        high, low = (high + (abs(high) * .1 or 1), low if zero else low - (abs(low) * .1 or 1))
    step = nice_step(high - low)
    first = math.floor(low / step + 1e-9) * step
    count = math.ceil((high - first) / step - 1e-9)
    ticks = tuple(round(first + k * step, 10) for k in range(count + 1))
    top = max(high + room * (high - first), ticks[-1])
    return Axis(first, top, ticks)


def plot(traces: Sequence[Trace], shown: Axis, labels: Sequence[tuple[float, str]], limits: Sequence[Limit] = (),
         style: str = "") -> Markup:
    """The chart: traces under limits, axis words outside, a dot at the last point of lines that ask for it."""
    drawn = [Markup('<path class="g" d="M0 {:.2f}H100"/>').format(shown.y(tick)) for tick in shown.ticks]
    drawn += [_trace(trace, shown) for trace in traces]
    drawn += [Markup('<path class="h {}" d="M0 {:.2f}H100"/>').format(limit.css, shown.y(limit.value))
              for limit in limits]
    written = [Markup('<span class="yt" style="top:{:.2f}%">{}</span>').format(shown.y(tick), short_number(tick))
               for tick in shown.ticks]
    written += [Markup('<span class="xt{}" style="left:{:.2f}%">{}</span>').format(_edge(x), 100 * x, text) for x,
                text in labels]
    written += [_limit_words(limit, shown) for limit in limits]
    written += [_last(trace, shown) for trace in traces if trace.last]
    return Markup('<div class="plot" style="{}"><svg viewBox="0 0 100 100" preserveAspectRatio="none" '
                  'aria-hidden="true">{}</svg>{}</div>').format(
        style, EMPTY.join(drawn), EMPTY.join(written))


def _edge(x: float) -> str:
    return " end" if x > .95 else " start" if x < .05 else ""


def _trace(trace: Trace, shown: Axis) -> Markup:
    if trace.kind == "bar":
        return _bars(trace, shown)
    runs = _runs(trace.points)
    if trace.kind == "area":
        return EMPTY.join(_area(run, shown, trace.css) for run in runs)
    return EMPTY.join(Markup('<path class="l {}" d="M{}"/>').format(trace.css, _path(run, shown)) for run in runs)


def _area(run: Sequence[tuple[float, float]], shown: Axis, css: str) -> Markup:
    ground = shown.y(shown.low)
    return Markup('<path class="ar {}" d="M{:.2f} {:.2f}L{}L{:.2f} {:.2f}Z"/>').format(
        css, 100 * run[0][0], ground, _path(run, shown), 100 * run[-1][0], ground)


def _runs(points: Sequence[Dot]) -> list[list[tuple[float, float]]]:
    """Unbroken stretches: a bucket without a value is a gap, never a zero."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x, value))
    return [run if len(run) > 1 else [(run[0][0] - .004, run[0][1]), (run[0][0] + .004, run[0][1])] for run in runs
            if run]


def _path(run: Sequence[tuple[float, float]], shown: Axis) -> str:
    return "L".join(f"{100 * x:.2f} {shown.y(value):.2f}" for x, value in run)


def _bars(trace: Trace, shown: Axis) -> Markup:
    base = shown.y(max(shown.low, 0.0))
    known = [(x, v) for x, v in trace.points if v is not None]
    pieces = []
    for position, (x, value) in enumerate(known):
        css = "hi" if trace.css == "last" and position == len(known) - 1 else "" if trace.css == "last" else trace.css
        left = 100 * (x + trace.shift - trace.width / 2)
        pieces.append(Markup('<path class="bb {}" d="M{:.2f} {:.2f}H{:.2f}V{:.2f}H{:.2f}Z"/>').format(
            css, left, base, left + 100 * trace.width, shown.y(value), left))
    return EMPTY.join(pieces)


def _limit_words(limit: Limit, shown: Axis) -> Markup:
    css, place = (" rt", "") if limit.right else ("", ";left:0")
    return Markup('<span class="ht{}" style="top:{:.2f}%{}">{}</span>').format(css, shown.y(limit.value), place,
                                                                               limit.text)


def _last(trace: Trace, shown: Axis) -> Markup:
    known = [(x, v) for x, v in trace.points if v is not None]
    if not known:
        return EMPTY
    x, value = known[-1]
    dot = Markup('<span class="dot" style="left:{:.2f}%;top:{:.2f}%"></span>').format(100 * x, shown.y(value))
    css = (" start" if x < .2 else "") + (" dn" if shown.y(value) < 18 else "")
    return dot + Markup('<span class="vt end{}" style="left:{:.2f}%;top:{:.2f}%">{}</span>').format(
        css, 100 * x, shown.y(value), trace.last)


def spark(values: Sequence[float | None], ref: float | None = None, span: tuple[float, float] | None = None) -> Markup:
    """A word-sized line with an optional dashed reference; gaps stay gaps. `span`: a scale shared with other lines."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return Markup('<span class="q">—</span>')
    seen = [*(span or known), *([ref] if ref is not None else [])]
    low, high = min(seen), max(seen)
    shown = Axis(low, high if high > low else low + 1, ())
    points = [(k / (len(values) - 1), v) for k, v in enumerate(values)]
    lines = EMPTY.join(Markup('<path d="M{}"/>').format(_spark_path(run, shown)) for run in _runs(points))
    line = Markup('<path class="ref" d="M0 {:.1f}H100"/>').format(8 + .84 * shown.y(ref)) if ref is not None else EMPTY
    return Markup('<svg class="spark" viewBox="0 0 100 100" preserveAspectRatio="none" '
                  'aria-hidden="true">{}{}</svg>').format(line, lines)


def _spark_path(run: Sequence[tuple[float, float]], shown: Axis) -> str:
    return "L".join(f"{100 * x:.1f} {8 + .84 * shown.y(value):.1f}" for x, value in run)
