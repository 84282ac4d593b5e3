"""Events that are due next: which they are, and the time that is left."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from test_engine import NOW, ROOT, TOWN_B, WINDOW, H, evaluator, event, metric

from data.answers import Question, Scope
from data.clock import to_us
from data.rowsets import events
from layouts.panels.overdue import render
from layouts.screens import BY_KEY
from tests.fixtures import answers as invented

FRESH = Path(__file__).parents[2] / "assets" / "fresh.js"


def test_open_events_of_the_next_day_the_next_one_first() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count")})
    born = NOW - 5 * H
    memory.events.add([event("late", "received", born, born, due=(NOW - H).isoformat()),
                       event("second", "received", born, born, due=(NOW + 20 * H).isoformat()),
                       event("first", "received", born, born, TOWN_B, due=(NOW + H).isoformat()),
                       event("far", "received", born, born, due=(NOW + timedelta(days=3)).isoformat()),
                       event("never", "received", born, born),
                       event("done", "closed", born, NOW - H, due=(NOW + H).isoformat())])
    rows, total, blind = events(ev, Question("rows", "events", order="due", limit=6), Scope(ROOT),
                                (to_us(WINDOW.start), to_us(WINDOW.end)))
    assert (blind, rows[0]["left_s"] > 0) == (2, True)
    assert [row["id"] for row in rows] == ["first", "second"]
    assert total == 2


def test_the_panel_counts_down_and_the_browser_knows_how() -> None:
    screen = BY_KEY["events"]
    panel = next(panel for panel in screen.panels if "将到期与倒计时" in panel.shows)
    listed = invented.invent(panel.asks["list"])
    soon = tuple({**row, "due_us": invented.NOW_US + 9_000_000_000} for row in listed.rows)
    html = str(render(panel, {"list": replace(listed, rows=soon)}, invented.context(screen)))
    assert "剩余" in html
    assert "已超期" not in html
    assert re.search(r'data-until="\d+" data-form="short">02时30分<', html)
    assert "data-until" in FRESH.read_text(encoding="utf-8")


def test_one_overdue_event_is_not_the_most_of_anything() -> None:
    screen = BY_KEY["events"]
    panel = next(panel for panel in screen.panels if panel.key == "p2")
    found = {name: invented.invent(question) for name, question in panel.asks.items()}
    town, other = found["by"].groups[:2]
    found["by"] = replace(found["by"], groups=(replace(town, value=1.0), replace(other, value=0.0)))
    found["list"] = replace(found["list"], rows=found["list"].rows[:1], total=1)
    html = str(render(panel, found, invented.context(screen)))
    assert f"超期 1 件，在{town.name}" in html
    assert "最多" not in html
