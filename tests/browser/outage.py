"""What an open page shows while a part of the server is killed, second by second.

    python tests/browser/outage.py docs/kill-log.md      kills web, collector and Redis of a server of its own and writes it down
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from served import Served, event, until

DIARY = Path(__file__).with_name("diary.js").read_text(encoding="utf-8")
PARTS = ("web", "collector", "redis-state")
TOWN = "360731100000"
FIGURE = "() => Number(document.querySelector('#r-figures .fig').firstChild.textContent.replaceAll(',', ''))"
_names = count()


@dataclass
class Story:
    """One outage. Instants in ms of the epoch; `diary` and `blanks` as diary.js writes them."""

    part: str
    killed: float
    back: float
    recovered: float
    refused: int
    diary: list[dict]
    blanks: list[dict]

    def marked_after_s(self) -> float | None:
        """Seconds from the kill to the first sign on the page, None without one."""
        signs = [row["at"] for row in self.diary if row["at"] > self.killed and row["notice"]]
        return (signs[0] - self.killed) / 1000 if signs else None


def now_ms() -> float:
    return time.time() * 1000


def passed(page, since_ms: float, seconds: float) -> None:
    """Waits by the page's own clock."""
    page.wait_for_function("([from, ms]) => Date.now() - from >= ms", arg=[since_ms, seconds * 1000], timeout=(seconds + 30) * 1000)


def outage(county: Served, page, part: str, held_s: float = 0.0) -> Story:
    """Kills a part under an open page; `held_s` seconds pass before the supervisor may bring it back."""
    until(county.whole, 60, "a whole server")
    page.evaluate(DIARY)
    supervisor = county.process.pid
    if held_s:
        os.kill(supervisor, signal.SIGSTOP)
    try:
        old = county.pid(part)
        killed = now_ms()
        county.kill(part)
        refused = _refused(county) if part == "collector" and held_s else 0
        passed(page, killed, held_s)
    finally:
        os.kill(supervisor, signal.SIGCONT)
    until(lambda: county.pid(part) != old and county.whole(), 60, f"{part} again")
    back = now_ms()
    before = page.evaluate(FIGURE)
    until(lambda: _pushed(county), 30, "an accepted event")
    page.wait_for_function(f"(n) => ({FIGURE})() > n && !document.querySelector('#notice').textContent", arg=before, timeout=60000)
    recovered = now_ms()
    passed(page, recovered, 1.0)
    return Story(part, killed, back, recovered, refused, page.evaluate("() => window.diary"), page.evaluate("() => window.blanks"))


def _pushed(county: Served) -> bool:
    try:
        return county.push(event(f"OUTAGE-{next(_names)}", county.clock(), TOWN))["accepted"] == 1
    except (AssertionError, KeyError, OSError):
        return False


def _refused(county: Served) -> int:
    """Status of a push while nobody collects: it must not be acknowledged."""
    answer = county.http.post("/api/v1/feeds/events/records", json=[event("LOST", county.clock(), TOWN)],
                              headers={"authorization": f"Bearer {county.secret}"}, timeout=40)
    return answer.status_code


def markdown(stories: Iterable[Story]) -> str:
    """The stories as a page: one table an outage, one line a second."""
    lines = ["# 逐个杀死各部分时，打开着的页面显示什么", "",
             "由 `python tests/browser/outage.py docs/kill-log.md` 在真实服务上生成：页面停在 `/`，依次 `kill -9` 网页、采集与 Redis 进程，",
             "每秒记录一次页面上的内容；恢复后推送一条新事件，直到它出现在页面上。", ""]
    for story in stories:
        lines += [f"## {story.part}", "",
                  f"停止 {(story.back - story.killed) / 1000:.1f} 秒后全部部分恢复，再过 {(story.recovered - story.back) / 1000:.1f} 秒新事件出现在页面上；"
                  f"空白时刻 {len(story.blanks)} 次。", "",
                  "| 秒 | 在办事件 | 指标 | 面板 | 地图 | 实时·迟滞·不可用 | 页面提示 |", "|---|---|---|---|---|---|---|"]
        lines += [_line(row, story.killed) for row in story.diary[::2]] + [""]
    return "\n".join(lines) + "\n"


def _line(row: dict, killed: float) -> str:
    shown = f"{row['live']}·{row['late']}·{row['down']}"
    return (f"| {(row['at'] - killed) / 1000:+.0f} | {row['figures'][0] if row['figures'] else '—'} | {len(row['figures'])} | {row['panels']} "
            f"| {'有' if row['map'] else '无'} | {shown} | {row['notice'] or '—'} |")


def main(out: Path) -> None:
    from conftest import ARGS
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="yiping-outage-") as folder, sync_playwright() as play:
        county = Served(Path(folder))
        browser = play.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=ARGS)
        try:
            county.start()
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(county.url)
            page.wait_for_selector('html[data-ready="true"]', state="attached", timeout=60000)
            stories = [outage(county, page, part, held_s) for part in PARTS for held_s in (0.0, 12.0)]
        finally:
            browser.close()
            county.stop()
    out.write_text(markdown(stories), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
