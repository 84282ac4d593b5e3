"""From a real mouse click to figures on the screen, and to everything repainted; the reference changes in turn.

Counted is the click of a finger or of a hand in a hurry, which nothing announces. A mouse that rests on its aim first
lets the page fetch ahead (assets/foresee.js): these clicks are measured beside, as `hand`.
"""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Page

from bench.chromium import OURS, REFERENCE, Wire, browser, opened, page_in, wait_for
from bench.place import NotThere
from bench.scene import Scene
from bench.series import Series

# A place of the window where the map shows a cell of the wanted division and nothing lies above it.
SPOT = """(code) => {
  const y = window.yiping, map = y.map.leaflet(), box = map.getContainer().getBoundingClientRect();
  const free = (x, z) => { const at = document.elementFromPoint(x, z); return at && map.getContainer().contains(at); };
  const cells = y.map.state.level.cells.filter((cell) => !code || cell.code === code || cell.parent === code);
  for (const cell of cells) {
    for (let i = 1; i < 48; i += 1) for (let j = 1; j < 48; j += 1) {
      const x = Math.floor(box.left + box.width * i / 48), z = Math.floor(box.top + box.height * j / 48);
      const found = y.hand.under(map.containerPointToLatLng([x - box.left, z - box.top]));
      if (found.cell === cell && free(x, z)) return {x, y: z, code: cell.code};
    }
  }
  return null;
}"""
# The middle of the first link that can be hit; one inside a closed menu is uncovered first.
LINK = """(selector) => {
  for (const link of document.querySelectorAll(selector)) {
    const menu = link.closest('details'), was = menu && menu.open;
    if (menu) menu.open = true;
    const box = link.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
    const at = document.elementFromPoint(x, y);
    if (box.width && at && link.contains(at)) return {x, y};
    if (menu) menu.open = was;
  }
  return null;
}"""
DONE = "window.bench.t0 && window.bench.all > 0"
RESULT = "({figures: window.bench.figures - window.bench.t0, all: window.bench.all - window.bench.t0})"
# The reference may be driven once its charts are drawn; before that its renderer knows no component to change.
READY = "document.querySelectorAll('.js-plotly-plot .main-svg').length >= 6"
WINDOWS = ("7d", "24h")
REST_MS = 150                                           # a hand rests between two clicks


def clicking(scene: Scene) -> list[Series]:
    """Drill by the map twice, change the window, go up; each round another township."""
    assert scene.play is not None
    got: dict[str, list[float]] = {"figures": [], "all": [], "bytes": [], "ref_figures": [], "ref_all": []}
    hand: dict[str, list[float]] = {name: [] for name in got}
    kinds: list[str] = []
    codes = scene.place.townships()
    with browser(scene.play) as ours, browser(scene.play) as theirs:
        page = page_in(ours, OURS)
        opened(page, scene.place.url)
        other = page_in(theirs, REFERENCE) if scene.reference else None
        if other is not None:
            opened(other, scene.reference)
            wait_for(other, READY)
        _round(page, Wire(page), codes[0], {name: [] for name in got}, [])          # not counted: the engine warms up
        wire = Wire(page)
        for number in range(scene.rounds(12, 5)):
            code = codes[1 + number % (len(codes) - 1)]
            _round(page, wire, code, got, kinds)
            _round(page, wire, codes[-1 - number % len(codes)], hand, [], rests=True)
            if other is not None:
                _change(other, code, scene.place.pack.divisions.get(code).name, got)
    return [*_series(got, kinds), *(Series(f"hand_{name}_ms", "ms", hand[name]) for name in ("figures", "all"))]


def _series(got: dict[str, list[float]], kinds: list[str]) -> list[Series]:
    series = [Series("click_figures_ms", "ms", got["figures"], facts={"kinds": kinds}),
              Series("click_all_ms", "ms", got["all"], facts={"kinds": kinds}),
              Series("bytes_change_kb", "kB", got["bytes"]),
              Series("reference_figures_ms", "ms", got["ref_figures"]),
              Series("reference_all_ms", "ms", got["ref_all"])]
    for kind in dict.fromkeys(kinds):
        chosen = [value for value, name in zip(got["figures"], kinds, strict=True) if name == kind]
        series.append(Series(f"click_figures_{kind}_ms", "ms", chosen))
    if got["ref_all"] and got["all"]:
        series.append(Series("click_ratio", "×", [median(got["all"]) / median(got["ref_all"])]))
    return series


def _round(page: Page, wire: Wire, code: str, got: dict[str, list[float]], kinds: list[str],
           rests: bool = False) -> None:
    steps = [("drill", SPOT, code), ("deeper", SPOT, "")]
    steps += [("window", LINK, f'a[data-set*=\'"window": "{window}"\']') for window in WINDOWS]
    steps += [("up", LINK, "#r-crumb a[data-set*='\"division\": null']")]
    for kind, finder, wanted in steps:
        _measure(page, wire, got, kinds, (kind, finder, wanted), rests)


def _measure(page: Page, wire: Wire, got: dict[str, list[float]], kinds: list[str], step: tuple[str, str, str],
             rests: bool) -> None:
    kind, finder, wanted = step
    page.wait_for_timeout(REST_MS)
    wire.take()
    page.evaluate("window.bench.t0 = 0")
    spot = page.evaluate(finder, wanted)
    if spot is None:
        raise NotThere(f"没有可点的 {kind}（{wanted}）")
    if rests:
        page.mouse.move(spot["x"], spot["y"])
        page.wait_for_timeout(REST_MS)
    page.mouse.click(spot["x"], spot["y"])
    wait_for(page, DONE)
    found = page.evaluate(RESULT)
    got["figures"].append(float(found["figures"]))
    got["all"].append(float(found["all"]))
    got["bytes"].append(wire.take() / 1000)
    kinds.append(kind)


def _change(page: Page, code: str, name: str, got: dict[str, list[float]]) -> None:
    for town, word in ((code, name), ("", "全县")):
        page.evaluate("([code, word]) => window.bench.change(code, word)", [town, word])
        wait_for(page, DONE)
        found = page.evaluate(RESULT)
        got["ref_figures"].append(float(found["figures"]))
        got["ref_all"].append(float(found["all"]))
        page.wait_for_timeout(150)
