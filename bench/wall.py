"""A page that stays open: heap over many changes, dragging the map, idle minutes, a record's way to the screen."""

from __future__ import annotations

import time
from itertools import pairwise

from playwright.sync_api import Page

from bench.chromium import OURS, Wire, browser, opened, page_in, wait_for
from bench.place import Place
from bench.scene import Scene
from bench.series import Series
from layouts.screens import SCREENS

CHANGE = """async (codes) => {
  const y = window.yiping, root = document.documentElement;
  for (const code of codes) {
    y.view.set({division: code}, 'replace');
    await new Promise((done, fail) => {
      const end = performance.now() + 30000;
      const look = () => { const last = y.view.last();
        if (root.dataset.ready === 'true' && last && last.asked === y.state.question(y.state.at)) done();
        else if (performance.now() > end) fail(new Error('no answer')); else requestAnimationFrame(look); };
      requestAnimationFrame(look);
    });
  }
}"""
FRAMES = """() => { const b = window.bench; b.frames = []; b.counting = true;
  const look = (t) => { b.frames.push(t); if (b.counting) requestAnimationFrame(look); };
  requestAnimationFrame(look); }"""
STOPPED = "() => { window.bench.counting = false; return window.bench.frames; }"
SHOWN = "() => window.yiping.map.state.points.reduce((n, layer) => n + layer.points.length, 0)"
MAP_BOX = """() => { const b = window.yiping.map.leaflet().getContainer().getBoundingClientRect();
  return [b.left, b.top, b.width, b.height]; }"""
WATCH_FIGURE = """() => { const b = window.bench, node = document.querySelector('#r-figures');
  const text = () => Array.from(node.querySelectorAll('.fig')).map((x) => x.textContent).join('|');
  b.was = text(); b.changed = 0;
  if (b.observer) b.observer.disconnect();
  b.observer = new MutationObserver(() => { if (!b.changed && text() !== b.was) b.next(() => {
    b.changed = performance.timeOrigin + performance.now(); }); });
  b.observer.observe(node, {childList: true, subtree: true, characterData: true}); }"""


def heap(scene: Scene) -> list[Series]:
    """JS heap after load, and its growth between an early and a late change."""
    assert scene.play is not None
    early, late = scene.rounds(100, 40), scene.rounds(1000, 240)
    codes = scene.place.townships()
    sequence = [codes[number % len(codes)] for number in range(late)]
    with browser(scene.play) as fresh:
        page = page_in(fresh, OURS)
        wire = Wire(page)
        opened(page, scene.place.url)
        loaded = wire.heap_mb()
        _changes(page, sequence[:early])
        first = wire.heap_mb()
        _changes(page, sequence[early:])
        last = wire.heap_mb()
    facts: dict[str, object] = {"changes": [early, late], "heap_mb": [loaded, first, last]}
    note = f"第 {early} 次到第 {late} 次变化"
    growth = 100 * (last - first) / first
    return [Series("heap_mb", "MB", [loaded]), Series("heap_growth_pct", "%", [growth], note, facts)]


def _changes(page: Page, codes: list[str]) -> None:
    for start in range(0, len(codes), 20):
        page.evaluate(CHANGE, codes[start:start + 20])


def pan(scene: Scene) -> list[Series]:
    """Frames while the map is dragged for three seconds with as many devices as a screen can show."""
    assert scene.play is not None
    fps, frames, shown = [], [], 0
    with browser(scene.play) as fresh:
        page = page_in(fresh, OURS)
        opened(page, f"{scene.place.url}{_fullest(scene.place)}")
        wait_for(page, f"({SHOWN})() > 0")
        shown = int(page.evaluate(SHOWN))
        for _ in range(scene.rounds(6, 2)):
            times = _drag(page)
            gaps = [b - a for a, b in pairwise(times)]
            fps.append(1000 * len(gaps) / sum(gaps))
            frames += gaps
    facts: dict[str, object] = {"points": shown}
    note = f"{shown} 个点"
    return [Series("pan_fps", "帧/秒", fps, note, facts), Series("pan_frame_ms", "ms", frames, note)]


def _fullest(place: Place) -> str:
    """Address of the screen that can show most devices, with all of them on."""
    count = {key: len(place.client.get(f"/api/v1/layers/{key}.geojson").json()["features"])
             for key, layer in place.pack.layers.items() if layer.kind == "assets"}
    shown = {screen.path: [key for key in screen.map.layers if key in count] for screen in SCREENS}
    path = max(shown, key=lambda one: sum(count[key] for key in shown[one]))
    return f"{path}?layers={','.join(shown[path])}"


def _drag(page: Page, seconds: float = 3.0) -> list[float]:
    left, top, width, height = page.evaluate(MAP_BOX)
    x, y = left + width / 2, top + height / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y + 8)
    page.evaluate(FRAMES)
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        turn = abs((gone * 2) % 2 - 1) * 2 - 1
        page.mouse.move(x + width * 0.2 * turn, y + height * 0.15 * turn)
    frames = [float(one) for one in page.evaluate(STOPPED)]
    page.mouse.up()
    return frames


def idle(scene: Scene) -> list[Series]:
    """Bytes of a wall in a minute in which nothing comes in, and in one of the demo's ordinary minutes."""
    assert scene.play is not None
    seconds = scene.rounds(60, 20)
    with browser(scene.play) as fresh:
        page = page_in(fresh, OURS)
        wire = Wire(page)
        opened(page, f"{scene.place.url}/?surface=wall")
        with scene.place.still():
            page.wait_for_timeout(6000)                 # what was under way has arrived
            wire.take()
            page.wait_for_timeout(seconds * 1000)
            quiet = wire.take() / 1000 * 60 / seconds
        page.wait_for_timeout(seconds * 1000)
        busy = wire.take() / 1000 * 60 / seconds
    note = "" if seconds == 60 else f"由 {seconds} 秒推算"
    return [Series("bytes_idle_kb", "kB", [quiet], note), Series("bytes_ordinary_minute_kb", "kB", [busy], note)]


def pixel(scene: Scene) -> list[Series]:
    """Sends one event at a time by the push door and waits for the changed figure on an open page."""
    assert scene.play is not None
    taken, acknowledged = [], []
    codes = scene.place.townships()
    with browser(scene.play) as fresh, scene.place.still():
        page = page_in(fresh, OURS)
        opened(page, scene.place.url)
        page.wait_for_timeout(3000)
        for number in range(scene.rounds(30, 10)):
            page.evaluate(WATCH_FIGURE)
            began = time.time()
            scene.place.push("events", [scene.place.event(codes[number % len(codes)])])
            told = time.time()
            wait_for(page, "window.bench.changed > 0", 20)
            taken.append(float(page.evaluate("window.bench.changed")) - began * 1000)
            acknowledged.append(1000 * (told - began))
            page.wait_for_timeout(1300)                 # a page asks at most once a second
    return [Series("pixel_ms", "ms", taken), Series("push_ack_ms", "ms", acknowledged)]
