"""An analyst's questions over the stored past, and a picture of a screen for print."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.place import NotThere, Place
from bench.scene import Scene
from bench.series import Series
from data.settings import ROOT


def analyst(scene: Scene) -> list[Series]:
    """Series over years by day and month, asked again: warm, with windows that differ so that no answer is at hand."""
    place, took, slow = scene.place, [], {}
    for name, by in _questions(place):
        for turn in range(1 + scene.rounds(10, 4)):
            path = f"/api/v1/metrics/{name}?{_span(place, turn)}&by={by}"
            began = time.perf_counter()
            reply = place.client.get(path)
            spent = 1000 * (time.perf_counter() - began)
            if reply.status_code != 200:
                raise NotThere(f"{path} 答 {reply.status_code}：{reply.text[:200]}")
            if turn:
                took.append(spent)
                slow[f"{name} by {by}"] = round(max(spent, slow.get(f"{name} by {by}", 0)), 1)
    rows = place.counter("yiping_seq")
    note = f"演示历史 {place.history}，{rows:,.0f} 条"
    return [Series("analyst_ms", "ms", took, note, {"worst_ms": slow, "rows": rows})]


def _questions(place: Place) -> list[tuple[str, str]]:
    """One metric of events, one of hourly stations and one of indicators, as the pack declares them."""
    found: dict[str, str] = {}
    for key, metric in place.pack.metrics.items():
        found.setdefault(place.pack.feeds[metric.feeds[0]].kind, key)
    steps = {"event": "day", "observation": "day", "indicator": "month"}
    return [(found[kind], by) for kind, by in steps.items() if kind in found]


def _span(place: Place, turn: int) -> str:
    """Up to three years that end some days ago; each turn another end."""
    end = datetime.now(ZoneInfo(place.pack.place.timezone)).date() - timedelta(days=1 + turn)
    years = {"full": 3 * 365, "small": 30, "none": 2}[place.history]
    return f"from={end - timedelta(days=years)}&to={end}"


def picture(scene: Scene) -> list[Series]:
    """`capture` at 3840×2160; nothing where the command does not exist."""
    if not (ROOT / "briefing" / "capture.py").is_file():
        return []
    took = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(scene.rounds(5, 1)):
            out = Path(folder) / f"{number}.png"
            command = [sys.executable, str(ROOT / "app.py"), "--place", str(scene.place.pack.root), "capture", "/",
                       "--size", "3840x2160", "--out", str(out)]
            began = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=scene.place.environment())
            if done.returncode or not out.is_file():
                raise NotThere(f"capture 失败：{done.stderr.strip()[:300]}")
            took.append(time.monotonic() - began)
    return [Series("picture_4k_s", "s", took)]
