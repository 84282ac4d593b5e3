"""Short forms of questions, so that a screen's declaration reads as a list."""

from __future__ import annotations

from data.answers import Question
from layouts.view import ViewState

BY_TIME = "time"
_LONG = ("30d", "month", "week", "7d")


def now(metric: str, compare: str = "") -> Question:
    """A figure of the window."""
    return Question("metric", metric, compare=compare)


def over_time(metric: str, compare: str = "") -> Question:
    """A series over the window: hours for a day or two, days for weeks, weeks for a year."""
    return Question("metric", metric, by=BY_TIME, compare=compare)


def last(metric: str, by: str, steps: int, compare: str = "") -> Question:
    """A series of the last `steps` buckets up to the window's end, however short the window is."""
    return Question("metric", metric, by=by, compare=compare, limit=steps)


def by(metric: str, what: str, compare: str = "") -> Question:
    """A figure by children, category, channel, department, stage or station."""
    return Question("metric", metric, by=what, compare=compare)


def rows(name: str, limit: int = 0, order: str = "") -> Question:
    """Records: events or assets:<layer>."""
    return Question("rows", name, limit=limit, order=order)


WARNINGS = Question("warnings", limit=20)
FEEDS = Question("feeds")
TOPICS = Question("topics")
PROFILE = Question("profile")


def settled(question: Question, view: ViewState) -> Question:
    """A question whose step follows the window gets its step."""
    if question.by != BY_TIME:
        return question
    by_step, steps = _step(view)
    return Question(question.kind, question.name, by_step, question.compare, steps, question.order)


def _step(view: ViewState) -> tuple[str, int]:
    if view.start:
        days = _days(view.start, view.end)
        return ("hour", 0) if days <= 3 else ("day", 0) if days <= 100 else ("week", 0)
    if view.window in _LONG:
        return "day", 7 if view.window in ("7d", "week") else 30
    return ("week", 0) if view.window == "ytd" else ("hour", 24)


def _days(start: str, end: str) -> int:
    """Days between two addresses' dates, read as text: year, month and day are enough to choose a step."""
    def ordinal(text: str) -> int:
        digits = [int(piece) for piece in text[:10].split("-") if piece.isdigit()]
        year, month, day = [*digits, 1, 1, 1][:3] if digits else (0, 1, 1)
        return year * 372 + month * 31 + day

    return ordinal(end) - ordinal(start) if end else 31
