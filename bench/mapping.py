"""The map's own measures: the grid of a county, a change among thousands of marks, a city of eighteen counties."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page

from bench import city
from bench.chromium import OURS, browser, opened, page_in, wait_for
from bench.place import Place, until
from bench.scene import Scene
from bench.series import Series

EVENTS, DEVICES, PUSHED = 50_000, 40_000, 2_000
MARKS = 5_000
# The first moment after which, for three frames, nothing is asked, read or painted any more; ms from the act before.
SETTLED = """(act) => new Promise((done) => {
  const y = window.yiping, root = document.documentElement, map = y.map.leaflet(), t0 = performance.now();
  if (act.set) y.view.set(act.set);
  if (act.zoom) map.setView([act.lat, act.lon], act.zoom, {animate: false});
  if (act.by) map.panBy(act.by, {animate: false});
  let calm = 0, at = 0;
  const look = () => {
    const last = y.view.last();
    const answered = last && last.asked === y.state.question(y.state.at);
    const still = root.dataset.ready === 'true' && !y.loads.pending() && answered;
    if (!still) calm = 0; else if (!calm) { calm = 1; at = performance.now(); } else calm += 1;
    if (calm > 3) done(at - t0); else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
LOOKS = "() => { const m = window.yiping.map.leaflet(), c = m.getCenter(); return [c.lat, c.lng, m.getZoom()]; }"
LONGEST = """() => { const b = window.bench; b.tasks = [];
  new PerformanceObserver((list) => b.tasks.push(...list.getEntries().map((e) => e.duration)))
    .observe({entryTypes: ['longtask']}); }"""
SHOWN = "() => window.yiping.map.state.points.reduce((n, layer) => n + layer.points.reduce((m, p) => m + p.n, 0), 0)"


def grid(scene: Scene) -> list[Series]:
    """From the click on 网格 to the county's cells painted, in the colors of a metric counted in each."""
    assert scene.play is not None
    took = []
    with browser(scene.play) as fresh:
        page = page_in(fresh, OURS)
        for _ in range(scene.rounds(12, 3)):
            opened(page, f"{scene.place.url}/?metric=open_events&tool=layers")
            page.evaluate("() => { window.bench.t0 = 0; }")
            spot = page.locator('.drawer a[data-set*=\'"level": "grid"\']').first.bounding_box()
            assert spot is not None
            page.mouse.click(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
            wait_for(page, "window.bench.t0 && window.bench.all > 0")
            took.append(float(page.evaluate("window.bench.all - window.bench.t0")))
    return [Series("grid_paint_ms", "ms", took)]


def marks(scene: Scene) -> list[Series]:
    """The longest task of the page while one event is added to five thousand clustered ones."""
    assert scene.play is not None
    place = scene.place
    made = list(city.events(place.pack, MARKS, datetime.now(UTC), prefix=f"m{time.time_ns()}-"))
    with browser(scene.play) as fresh, place.still():
        for start in range(0, len(made), PUSHED):
            place.push("events", made[start:start + PUSHED])
        page = page_in(fresh, OURS)
        opened(page, f"{place.url}/events?layers=events")
        wait_for(page, f"({SHOWN})() >= {MARKS}")
        page.wait_for_timeout(3000)
        page.evaluate(LONGEST)
        longest = []
        for number in range(scene.rounds(20, 5)):
            page.evaluate("() => { window.bench.tasks.length = 0; }")
            before = int(page.evaluate(SHOWN))
            one = city.events(place.pack, 1, datetime.now(UTC), prefix=f"n{time.time_ns()}-{number}-")
            place.push("events", list(one))
            wait_for(page, f"({SHOWN})() > {before}")
            page.wait_for_timeout(500)
            longest.append(float(page.evaluate("Math.max(0, ...window.bench.tasks)")))
    return [Series("marks_task_ms", "ms", longest, f"{MARKS} 件", {"below_50": "0 = 没有超过 50 ms 的任务"})]


def counties(scene: Scene) -> list[Series]:
    """A city of eighteen counties: going near, across and away again at the level of the grid, with its marks on."""
    assert scene.play is not None
    took: dict[str, list[float]] = {"near": [], "pan": [], "away": [], "open": []}
    with _city() as place, browser(scene.play) as fresh:
        page = page_in(fresh, OURS)
        address = f"{place.url}/?level=grid&metric=open_events&layers=events,camera"
        for number, code in enumerate(place.townships()[:scene.rounds(12, 3)]):
            took["open"].append(1000 * opened(page, address))
            page.evaluate("() => { window.yiping.map.face.touched(); }")
            _walk(page, place, code, number, took)
    facts: dict[str, object] = {"cells": len(place.pack.divisions), "marks": EVENTS + DEVICES}
    acts = [*took["near"], *took["pan"], *took["away"]]
    return [Series("city_act_ms", "ms", acts, "放大、平移、缩小", facts),
            *(Series(f"city_{name}_ms", "ms", values) for name, values in took.items())]


def _walk(page: Page, place: Place, code: str, number: int, took: dict[str, list[float]]) -> None:
    middle = place.pack.divisions.geometry[place.pack.divisions.index(code)].representative_point()
    out = page.evaluate(LOOKS)
    took["near"].append(float(page.evaluate(SETTLED, {"lat": middle.y, "lon": middle.x, "zoom": 10.5})))
    for step in ([220, 0], [0, 220], [-330, -110]):
        took["pan"].append(float(page.evaluate(SETTLED, {"by": step})))
    took["away"].append(float(page.evaluate(SETTLED, {"lat": out[0], "lon": out[1], "zoom": out[2]})))


@contextmanager
def _city() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="yiping-city-"))
    pack = city.write_pack(Path(__file__).resolve().parents[1] / "places" / "yudu", folder / "pack")
    place = Place(folder / "state", "none", pack)
    try:
        place.start(240.0)
        with place.still():
            made = list(city.events(place.pack, EVENTS, datetime.now(UTC)))
            for start in range(0, len(made), PUSHED):
                place.push("events", made[start:start + PUSHED])
            _drop(place, json.dumps(city.devices(place.pack, DEVICES), ensure_ascii=False))
            yield place
    finally:
        place.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _drop(place: Place, text: str) -> None:
    """Hands in the devices as a file, and waits until the map has them."""
    inbox = place.state / "drop" / "assets"
    inbox.mkdir(parents=True, exist_ok=True)
    part = inbox / ".devices.part"
    part.write_text(text, encoding="utf-8")
    part.rename(inbox / "devices.geojson")

    def there() -> bool:
        found = place.client.get("/api/v1/layers/camera.geojson", params={"zoom": 6}).json()["features"]
        return sum(int(one["properties"]["n"]) for one in found) >= DEVICES // len(city.LAYERS)

    until(there, 300, "设备没有全部入库")
