/* Where the map looks: the division fills its room, and what floats over the map hides as little of it as can be. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const STEP = 22, COST = 7;

  /* Boxes over the map in the map's own pixels. */
  function cards(container) {
    const base = container.getBoundingClientRect();
    return Array.from(document.querySelectorAll('.page .over > *')).map((node) => node.getBoundingClientRect())
      .filter((r) => r.width > 2 && r.height > 2)
      .map((r) => [r.left - base.left, r.top - base.top, r.right - base.left, r.bottom - base.top])
      .filter((b) => b[2] > 0 && b[3] > 0 && b[0] < base.width && b[1] < base.height);
  }

  /* Plane → pixels for a box set into a frame [left, top, right, bottom]. */
  function into(box, frame) {
    const k = Math.min((frame[2] - frame[0]) / (box[2] - box[0]), (frame[3] - frame[1]) / (box[3] - box[1]));
    return {k, x: (frame[0] + frame[2] - k * (box[0] + box[2])) / 2, y: (frame[1] + frame[3] - k * (box[1] + box[3])) / 2};
  }

  /* Share of the division's box that lies under cards, by samples. */
  function hidden(cells, box, boxes, at) {
    let n = 0;
    for (const b of boxes) {
      for (let x = b[0] + STEP / 2; x < b[2]; x += STEP) {
        for (let y = b[1] + STEP / 2; y < b[3]; y += STEP) {
          const px = (x - at.x) / at.k, py = (y - at.y) / at.k;
          if (cells.some((cell) => yp.geo.contains(cell, px, py))) n += 1;
        }
      }
    }
    return n * STEP * STEP / ((box[2] - box[0]) * (box[3] - box[1]) * at.k * at.k);
  }

  /* The best frame: as large as can be, as little hidden as can be. Cards left and right may be kept free. */
  function best(cells, box, frame, boxes) {
    const middle = (frame[0] + frame[2]) / 2;
    const lefts = boxes.filter((b) => b[2] < middle).map((b) => b[2] + 8), rights = boxes.filter((b) => b[0] > middle).map((b) => b[0] - 8);
    const left = Math.max(frame[0], ...lefts), right = Math.min(frame[2], ...rights);
    const half = (frame[0] + left) / 2, open = into(box, frame).k;
    let found = null;
    for (const l of [frame[0], half, left]) {
      for (const r of [frame[2], right]) {
        if (r - l < (frame[2] - frame[0]) * 0.4) continue;
        const at = into(box, [l, frame[1], r, frame[3]]);
        const cost = Math.log2(open / at.k) + COST * hidden(cells, box, boxes, at);
        if (!found || cost < found.cost - 1e-6) found = {at, cost};
      }
    }
    return found ? found.at : into(box, frame);
  }

  /* Sets the map so that the plane box stands in its room. `top` = pixels at the top that belong to sentence and figures. */
  function look(map, cells, box, top) {
    const size = map.getSize(), edge = Math.round(Math.min(size.x, size.y) * 0.012) + 4, o = yp.geo.origin;
    const frame = [edge, top + edge, size.x - edge, size.y - edge];
    const at = best(cells, box, frame, size.x > 420 ? cards(map.getContainer()) : []);
    const zoom = Math.max(map.getMinZoom(), Math.min(map.getMaxZoom(), yp.geo.ZOOM + Math.log2(at.k)));
    const k = 2 ** (zoom - yp.geo.ZOOM);
    const middle = window.L.point((size.x / 2 - at.x) / at.k, (size.y / 2 - at.y) / at.k);
    const center = map.unproject(window.L.point((middle.x + o.x) * k, (middle.y + o.y) * k), zoom);
    const snap = map.options.zoomSnap;
    map.options.zoomSnap = 0;                 // the division fills its room; steps are for the hand
    map.setView(center, zoom, {animate: false});
    map.options.zoomSnap = snap;
  }

  /* Where a view wants to be seen, in plane units: what its address says, else its division. Null for nowhere. */
  function bounds(data) {
    const asked = yp.state.at && yp.state.at.bbox ? yp.state.at.bbox.split(',').map(Number) : null;
    const b = asked && asked.length === 4 && asked.every(Number.isFinite) ? asked : data.bounds;
    if (!b || b.length !== 4) return null;
    return [yp.geo.planeX(b[0]), yp.geo.planeY(b[3]), yp.geo.planeX(b[2]), yp.geo.planeY(b[1])];
  }

  /* On a wall the map runs behind the sentence and the figures; there the sheet starts at the cell's top. */
  function stretch(map) {
    const box = map.getContainer().parentElement, canvas = box.parentElement, cell = canvas.parentElement;
    const behind = getComputedStyle(cell).display === 'contents' ? 0 :
      canvas.getBoundingClientRect().top - cell.getBoundingClientRect().top;
    const top = -Math.round(behind) + 'px';
    if (box.style.top !== top) {
      box.style.top = top;
      map.invalidateSize({animate: false, pan: false});
    }
    return Math.round(behind);
  }

  yp.fit = {look, best, into, hidden, bounds, stretch};
})();
