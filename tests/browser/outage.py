"""What an open page shows while a part of the server is killed, second by second.

    python tests/browser/outage.py docs/kill-log.md

kills web, collector and Redis of a server of its own, each once as it comes and once held down, and writes it down.
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
NEWS = """(name) => document.querySelector('#r-ticker').innerText.includes(name) &&
    !document.querySelector('#notice').textContent"""
_names = count()


@dataclass
class Story:
    """One outage. Instants in ms of the epoch; `diary` and `blanks` as diary.js writes them."""

    part: str
    killed: float
    back: float
    recovered: float
    refused: int
    held_s: float
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
    page.wait_for_function("([from, ms]) => Date.now() - from >= ms", arg=[since_ms, seconds * 1000],
                           timeout=(seconds + 30) * 1000)


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
    name = until(lambda: _pushed(county), 30, "an accepted event")
    page.wait_for_function(NEWS, arg=name, timeout=60000)
    recovered = now_ms()
    passed(page, recovered, 1.0)
    diary, blanks = page.evaluate("() => [window.diary, window.blanks]")
    return Story(part, killed, back, recovered, refused, held_s, diary, blanks)


def _pushed(county: Served) -> str:
    """The title of a new event that was acknowledged, "" while it is not."""
    name = f"恢复{next(_names)}"
    try:
        county.push(event(name, county.clock(), TOWN, title=name))
    except (AssertionError, KeyError, OSError):
        return ""
    return name


def _refused(county: Served) -> int:
    """Status of a push while nobody collects: it must not be acknowledged."""
    answer = county.http.post("/api/v1/feeds/events/records", json=[event("LOST", county.clock(), TOWN)],
                              headers={"authorization": f"Bearer {county.secret}"}, timeout=40)
    return answer.status_code


def markdown(stories: Iterable[Story]) -> str:
    """The stories as a page: one table an outage, one line a second."""
    lines = ["# 逐个杀死各部分时，打开着的页面显示什么", "",
             "由 `python tests/browser/outage.py docs/kill-log.md` 在真实服务上生成：页面停在 `/`，",
             "依次 `kill -9` 网页、采集与 Redis 进程，每秒记录一次页面上的内容；",
             "每个进程两次：一次由看护立即重启，一次压住 12 秒再重启。恢复后推送一条新事件，直到它出现在页面上。", ""]
    for story in stories:
        away, after = (story.back - story.killed) / 1000, (story.recovered - story.back) / 1000
        lines += [f"## {story.part}{'（压住）' if story.held_s else ''}", "",
                  f"杀死 {away:.1f} 秒后全部部分恢复，再过 {after:.1f} 秒新事件出现在页面上；",
                  f"空白时刻 {len(story.blanks)} 次。", "",
                  "| 秒 | 在办事件 | 指标 | 面板 | 地图 | 实时·迟滞·不可用 | 页面提示 |",
                  "|---|---|---|---|---|---|---|"]
        lines += [_line(row, story.killed) for row in story.diary[::2]] + [""]
    return "\n".join(lines) + "\n"


def _line(row: dict, killed: float) -> str:
    figures = row["figures"]
    cells = [f"{(row['at'] - killed) / 1000:+.0f}", figures[0] if figures else "—", len(figures), row["panels"],
             "有" if row["map"] else "无", f"{row['live']}·{row['late']}·{row['down']}", row["notice"] or "—"]
    return f"| {' | '.join(map(str, cells))} |"


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
