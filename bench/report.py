"""The table of a run on the terminal and its raw samples as JSON."""

from __future__ import annotations

import json
import os
import platform
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil

from bench.series import Series, judge, p95

RESULTS = Path(__file__).parent / "results"
OWN = (30, 6, 12, 12, 5)


def machine() -> dict[str, object]:
    """The machine and how busy it is with other work."""
    memory_gb = round(psutil.virtual_memory().total / 1e9, 1)
    return {"cores": os.cpu_count(), "load": [round(one, 2) for one in os.getloadavg()], "memory_gb": memory_gb,
            "python": platform.python_version(), "system": platform.platform()}


def wide(text: str, width: int, right: bool = False) -> str:
    """Text padded to a number of columns; Chinese characters take two."""
    gap = " " * max(0, width - sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text))
    return gap + text if right else text + gap


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(series: Sequence[Series]) -> str:
    """Target, measured, verdict; then every series with median, p95 and n."""
    heads = ("指标", "统计", "目标", "实测", "n", "结论")
    lines = [_line(heads)]
    for found in judge(series):
        sign = "≥" if found.target.least else "≤"
        lines.append(_line((found.target.what, found.target.stat, f"{sign} {number(found.target.aim)}",
                            f"{number(found.value)} {found.unit}".strip(), str(found.n), found.verdict)))
    lines += ["", _line(("全部测量", "n", "中位", "p95", "", ""))]
    for one in series:
        if one.values:
            cells = (f"{one.key} ({one.unit})", str(len(one.values)), number(median(one.values)))
            lines.append(_line((*cells, number(p95(one.values)), "", one.note)))
    return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return "  ".join(wide(cell, width) for cell, width in zip(cells[:-1], OWN, strict=True)) + "  " + cells[-1]


def save(series: Sequence[Series], facts: dict[str, object], folder: Path = RESULTS) -> Path:
    """Writes `<UTC time>-<cores>cores.json` and gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{os.cpu_count()}cores.json"
    body = {"facts": facts, "verdicts": [
        {"what": found.target.what, "key": found.target.key, "stat": found.target.stat, "target": found.target.aim,
         "limit": found.target.limit, "measured": found.value, "n": found.n, "verdict": found.verdict}
        for found in judge(series)], "series": [vars(one) for one in series]}
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
