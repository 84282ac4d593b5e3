"""Opening the page: cold in a fresh browser, first paint, again with a warm cache, and the bytes of both."""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Browser, BrowserContext

from bench.chromium import OURS, REFERENCE, SIZE, Wire, browser, opened, page_in
from bench.place import FIGURE, NotThere
from bench.scene import Scene
from bench.series import Series

PAINT = "performance.getEntriesByName('first-contentful-paint').map((x) => x.startTime)[0] || 0"
MARKS = """(() => { const nav = performance.getEntriesByType('navigation')[0];
  return {html: Math.round(nav.responseEnd), loaded: Math.round(nav.domContentLoadedEventEnd)}; })()"""


def opening(scene: Scene) -> list[Series]:
    """Rounds of ours and the reference in turn."""
    assert scene.play is not None
    if FIGURE not in scene.place.client.get("/").text:
        raise NotThere("首页的 HTML 里没有数字，第一次画出不能算数")
    got: dict[str, list[float]] = {name: [] for name in ("cold", "paint", "warm", "cold_b", "warm_b", "ref", "ref_b")}
    marks: list[object] = []
    for _ in range(scene.rounds(10, 3)):
        with browser(scene.play) as fresh:
            _ours(fresh, scene.place.url, got, marks)
        if scene.reference:
            with browser(scene.play) as fresh:
                page = page_in(fresh, REFERENCE)
                wire = Wire(page)
                got["ref"].append(opened(page, scene.reference))
                got["ref_b"].append(wire.take() / 1000)
    series = [Series("cold_s", "s", got["cold"], facts={"marks_ms": marks}), Series("first_paint_s", "s", got["paint"]),
              Series("warm_s", "s", got["warm"]), Series("bytes_cold_kb", "kB", got["cold_b"]),
              Series("bytes_warm_kb", "kB", got["warm_b"]), Series("reference_cold_s", "s", got["ref"]),
              Series("reference_bytes_cold_kb", "kB", got["ref_b"])]
    if got["ref"]:
        series.append(Series("cold_ratio", "×", [median(got["cold"]) / median(got["ref"])]))
    return series


def _ours(fresh: Browser, url: str, got: dict[str, list[float]], marks: list[object]) -> None:
    context: BrowserContext = fresh.new_context(viewport=SIZE)
    for name in ("cold", "warm"):
        page = page_in(context, OURS)
        wire = Wire(page)
        got[name].append(opened(page, url))
        if name == "cold":
            got["paint"].append(float(page.evaluate(PAINT)) / 1000)
            marks.append(page.evaluate(MARKS))
        page.wait_for_timeout(300)                     # what comes just after: the icon, the stream's first message
        got[f"{name}_b"].append(wire.take() / 1000)
        page.close()
