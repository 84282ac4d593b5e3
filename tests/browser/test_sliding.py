"""A map that slides: only edges are painted anew, sheet by sheet, and every pixel is as if all had been painted."""

from __future__ import annotations

import pytest
from driving import settled, stub, value
from stub import Stub

__all__ = ["stub"]
pytestmark = pytest.mark.browser
# Moves by steps, a frame between them; counts the drawings that slid; then how many pixels a whole painting changes.
SLIDES = """async (steps) => {
  const y = window.yiping, map = y.map.leaflet(), ground = y.map.sheet('ground');
  const frame = () => new Promise(requestAnimationFrame);
  const slide = ground.slide.bind(ground);
  let slid = 0;
  ground.slide = (...all) => { slid += 1; return slide(...all); };
  const c = ground.canvas, pixels = () => c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  for (const step of steps) { map.panBy(step, {animate: false}); await frame(); await frame(); }
  const stack = ground.stack;
  for (let k = 0; k < 60 && (stack.frame || stack.ahead); k += 1) await frame();
  const was = pixels();
  ground.redraw();
  await frame(); await frame();
  const now = pixels();
  let other = 0, seen = 0;
  for (let k = 0; k < now.length; k += 4) {
    if (now[k + 3]) seen += 1;
    const shown = [0, 1, 2].map((part) => Math.abs(now[k + part] * now[k + 3] - was[k + part] * was[k + 3]) / 255);
    if (Math.max(...shown, Math.abs(now[k + 3] - was[k + 3])) > 8) other += 1;
  }
  return {slid, other, seen};
}"""
# A hand that drags: what Leaflet tells of each step, without its end.
DRAGS = """async (steps) => {
  const y = window.yiping, map = y.map.leaflet(), stack = y.map.sheet('ground').stack;
  const frame = () => new Promise(requestAnimationFrame);
  const painted = [], whole = stack.redraw.bind(stack);
  let wholes = 0;
  stack.redraw = () => { wholes += 1; whole(); };
  for (const sheet of stack.sheets) {
    const draw = sheet.draw.bind(sheet);
    sheet.draw = (...all) => { painted.push([document.timeline.currentTime, sheet.canvas.className]); draw(...all); };
  }
  for (const step of steps) { map._rawPanBy(L.point(step)); map.fire('move'); await frame(); }
  for (let k = 0; k < 30 && stack.ahead; k += 1) await frame();
  const box = stack.canvas.getBoundingClientRect(), room = map.getContainer().getBoundingClientRect();
  const covered = box.left <= room.left && box.top <= room.top && box.right >= room.right && box.bottom >= room.bottom;
  return {painted, wholes, covered};
}"""


@pytest.mark.parametrize("path", ["/?metric=open_events", "/?metric=open_events&level=village"])
def test_a_map_that_slid_is_the_map_that_was_painted(stub: Stub, pages, path: str) -> None:
    page = pages.open(stub.url + path, size=(1920, 1080))
    settled(page)
    found = value(page, SLIDES, [[60, 0], [0, -45], [-130, 33], [210, -90], [-37, 12]])
    assert found["slid"] >= 5
    assert found["seen"] > 100_000
    assert found["other"] < 20, "an edge may be smoothed otherwise in a pixel or two, nothing else"
    far = value(page, SLIDES, [[2600, 900]])
    assert far["slid"] == 0, "nothing of it was on the sheet"
    assert far["other"] < 20


def test_while_it_is_dragged_the_sheets_are_painted_one_a_frame(stub: Stub, pages) -> None:
    page = pages.open(stub.url, size=(1920, 1080))
    settled(page)
    found = value(page, DRAGS, [[-14, 6]] * 30)
    assert found["wholes"] == 0, "the margin was never used up"
    assert found["covered"]
    frames = [when for when, _ in found["painted"]]
    assert len(frames) >= 6
    assert len(set(frames)) == len(frames)
