"""System Chromium under Playwright, with the clocks that pages carry while they are measured."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, Playwright

from bench.place import NotThere

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--disable-quic", "--no-first-run", "--disable-sync"]
SIZE = {"width": 1920, "height": 1080}
PATIENCE_MS = 60000

# `next` = a task after the next frame; `two` = after two animation frames. Times are those of performance.now().
CLOCK = """
(() => {
  const next = (done) => requestAnimationFrame(() => { const c = new MessageChannel();
    c.port1.onmessage = done; c.port2.postMessage(0); });
  const two = (done) => requestAnimationFrame(() => requestAnimationFrame(done));
  window.bench = {next, two, ready: 0, t0: 0, figures: 0, all: 0, reference: 0};
})();
"""

OURS = CLOCK + """
(() => {
  const b = window.bench;
  let root = null;
  const same = () => { const y = window.yiping, last = y && y.view && y.view.last();
    return last && last.asked === y.state.question(y.state.at); };
  const ready = () => {
    if (root.dataset.ready !== 'true') return;
    if (!b.ready) two0(() => { b.ready = b.ready || performance.now(); });
    else if (b.t0 && !b.all && b.figures && same()) { const t = b.t0;
      b.two(() => { if (b.t0 === t && !b.all) b.all = performance.now(); }); }
  };
  const two0 = b.two;
  const watch = () => {
    root = document.documentElement;
    new MutationObserver(ready).observe(root, {attributes: true, attributeFilter: ['data-ready']});
    new MutationObserver((found) => {
      if (!b.t0 || b.figures) return;
      if (!found.some((m) => m.target.closest && m.target.closest('#r-figures,#r-lead'))) return;
      const t = b.t0;
      b.next(() => { if (b.t0 === t && !b.figures) { b.figures = performance.now(); setTimeout(ready); } });
    }).observe(root, {childList: true, subtree: true});
    ready();
  };
  addEventListener('pointerdown', (e) => { b.t0 = e.timeStamp; b.figures = 0; b.all = 0; }, true);
  const born = new MutationObserver(() => { if (document.documentElement) { born.disconnect(); watch(); } });
  if (document.documentElement) watch(); else born.observe(document, {childList: true});
})();
"""

REFERENCE = CLOCK + """
(() => {
  const b = window.bench;
  const drawn = () => document.querySelectorAll('.js-plotly-plot .plot-container').length >= 6 && window.ref &&
    window.ref.styled >= 2600 && document.querySelector('.leaflet-overlay-pane canvas') &&
    document.querySelector('.leaflet-marker-icon');
  const look = () => { if (drawn()) b.two(() => { b.ready = performance.now(); }); else requestAnimationFrame(look); };
  requestAnimationFrame(look);
  const all = (sel, n, word) => { const found = Array.from(document.querySelectorAll(sel));
    return found.length >= n && found.every((x) => x.textContent.includes(word)); };
  b.change = (code, word) => {
    b.t0 = performance.now(); b.figures = 0; b.all = 0;
    const look = () => {
      if (!b.figures && all('.label', 8, word)) b.figures = performance.now();
      if (all('.label', 8, word) && all('.gtitle', 6, word)) b.two(() => { b.all = performance.now(); });
      else requestAnimationFrame(look);
    };
    window.dash_clientside.set_props('town', {value: code});
    look();
  };
})();
"""


def executable() -> str:
    """Chromium of this machine. Raises FileNotFoundError."""
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not named:
        raise FileNotFoundError("没有 Chromium；请安装 chromium 或设置 CHROMIUM")
    return named


@contextmanager
def browser(play: Playwright) -> Iterator[Browser]:
    """A fresh browser with an empty cache."""
    found = play.chromium.launch(executable_path=executable(), args=ARGS)
    try:
        yield found
    finally:
        found.close()


def page_in(where: Any, script: str) -> Page:
    """A new page with its clock."""
    page: Page = where.new_page(viewport=SIZE) if isinstance(where, Browser) else where.new_page()
    page.add_init_script(script)
    page.set_default_timeout(PATIENCE_MS)
    return page


def opened(page: Page, url: str) -> float:
    """Seconds from navigation until everything has been drawn."""
    page.goto(url, wait_until="commit")
    wait_for(page, "window.bench && window.bench.ready > 0")
    return float(page.evaluate("window.bench.ready")) / 1000


def wait_for(page: Page, true: str, seconds: float = 60.0) -> None:
    """Asks until an expression holds. Playwright's own wait evaluates in the page, which our policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({true})"):
        if time.monotonic() > deadline:
            raise NotThere(f"{true} 在 {seconds:.0f} 秒内没有成立")
        page.wait_for_timeout(10)


class Wire:
    """Bytes that came over the network since the last `take`, headers included."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._bytes = self.requests = 0
        self._session.on("Network.loadingFinished", self._finished)
        self._session.on("Network.eventSourceMessageReceived", self._message)
        self._session.send("Network.enable")

    def _finished(self, event: dict[str, Any]) -> None:
        self._bytes += int(event["encodedDataLength"])
        self.requests += 1

    def _message(self, event: dict[str, Any]) -> None:
        self._bytes += len(event.get("data", "")) + len(event.get("eventName", "")) + len(event.get("eventId", "")) + 20

    def take(self) -> int:
        """Bytes since the last call."""
        found, self._bytes, self.requests = self._bytes, 0, 0
        return found

    def heap_mb(self) -> float:
        """JS heap after a collection."""
        self._session.send("HeapProfiler.collectGarbage")
        return float(self._session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6
