/* Density of a layer's points: a Gaussian kernel in meters, drawn in the classes that the legend names. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const EARTH_M = 40075016.686, REACH = 3, LEAST_PX = 2, FINE = 6, SHADES = ['--heat-0', '--heat-1', '--heat-2', '--heat-3'];
  const tile = document.createElement('canvas');
  const held = new WeakMap();      // a map's state → what its density is made of: {told, points, asked}

  function own(state) {
    if (!held.has(state)) held.set(state, {told: null, points: [], asked: 0});
    return held.get(state);
  }

  /* Meters that one plane unit spans at the middle of the map. */
  function metersPerUnit(y) {
    const north = Math.PI * (1 - 2 * (y + yp.geo.origin.y) / yp.geo.SIZE);
    return EARTH_M / yp.geo.SIZE / Math.cosh(north);
  }

  function kernel(sigma) {
    const reach = Math.ceil(REACH * sigma), out = new Float32Array(2 * reach + 1);
    for (let k = -reach; k <= reach; k += 1) out[k + reach] = Math.exp(-0.5 * (k / sigma) ** 2);
    return out;
  }

  /* One pass of the separable kernel along rows; empty cells cost nothing. */
  function along(from, to, grid, taps, turned) {
    const reach = (taps.length - 1) / 2, [w, h] = turned ? [grid.h, grid.w] : [grid.w, grid.h];
    const step = turned ? grid.w : 1, line = turned ? 1 : grid.w;
    for (let j = 0; j < h; j += 1) {
      for (let i = 0; i < w; i += 1) {
        const value = from[j * line + i * step];
        if (!value) continue;
        const first = Math.max(0, i - reach), last = Math.min(w - 1, i + reach);
        for (let k = first; k <= last; k += 1) to[j * line + k * step] += value * taps[k - i + reach];
      }
    }
  }

  /* Points per km² in the cells of a grid; places are [x, y, how many] in cells, sigma and a cell's side are told too. */
  function density(places, grid) {
    const count = new Float32Array(grid.w * grid.h), half = new Float32Array(count.length), full = new Float32Array(count.length);
    for (const [x, y, n] of places) {
      const i = Math.round(x), j = Math.round(y);
      if (i >= 0 && j >= 0 && i < grid.w && j < grid.h) count[j * grid.w + i] += n;
    }
    const taps = kernel(grid.sigma);
    along(count, half, grid, taps, false);
    along(half, full, grid, taps, true);
    const scale = 1e6 / (2 * Math.PI * (grid.sigma * grid.meters) ** 2);
    for (let k = 0; k < full.length; k += 1) full[k] *= scale;
    return full;
  }

  function channels(token) {
    const hex = yp.ground.color(token).replace('#', '');
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }

  /* Written four bytes at a time: red, green, blue, and more cover the denser it is. */
  function colored(values, grid, limits) {
    const picture = new ImageData(grid.w, grid.h), words = new Uint32Array(picture.data.buffer);
    const shades = SHADES.slice(SHADES.length - limits.length).map((token, at) => {
      const bytes = new Uint8Array([...channels(token), 165 + 25 * at]);
      return new Uint32Array(bytes.buffer)[0];
    });
    for (let k = 0; k < values.length; k += 1) {
      const value = values[k];
      if (value < limits[0]) continue;
      let at = 0;
      while (at + 1 < limits.length && value >= limits[at + 1]) at += 1;
      words[k] = shades[at];
    }
    return picture;
  }

  function paint(pen, state) {
    const {told, points} = own(state);
    if (!told || !points.length || !told.limits.length) return;
    const v = pen.view, meters = metersPerUnit((v.h / 2 - v.oy) / v.k) / v.k;      // in one pixel
    const side = Math.max(LEAST_PX, told.bandwidth / meters / FINE);
    const pad = Math.ceil(REACH * told.bandwidth / meters / side) + 1;             // what lies just outside shines in
    const grid = {w: Math.ceil(v.w / side) + 2 * pad, h: Math.ceil(v.h / side) + 2 * pad, meters: meters * side,
      sigma: told.bandwidth / (meters * side)};
    const places = points.map((p) => [pen.x(p.x) / side + pad, pen.y(p.y) / side + pad, p.n]);
    tile.width = grid.w;
    tile.height = grid.h;
    tile.getContext('2d').putImageData(colored(density(places, grid), grid, told.limits), 0, 0);
    const c = pen.c;
    c.save();
    if (state.outline) { pen.plane(); c.clip(state.focus.length ? whole(state.focus) : state.outline.path, 'evenodd'); }
    pen.pixels();
    c.imageSmoothingQuality = 'high';
    c.drawImage(tile, (-pad - 0.5) * side, (-pad - 0.5) * side, grid.w * side, grid.h * side);
    c.restore();
  }

  function whole(cells) {
    const path = new Path2D();
    for (const cell of cells) path.addPath(cell.path);
    return path;
  }

  /* Of two compared maps each has the points of its own side, in the classes of one legend. */
  function take(next, state) {
    const mine = own(state);
    if (JSON.stringify(mine.told) === JSON.stringify(next)) return false;        // what is under way is still the right one
    const asked = mine.asked += 1;
    mine.told = next;
    if (!next) { mine.points = []; return true; }
    yp.loads.quietly(next.url, 'points', next.name).then((found) => {
      if (mine.asked !== asked) return;
      if (!found) mine.told = null;           // a retry asks again
      mine.points = found || [];
      yp.map.redraw('heat');
    });
    return false;
  }

  yp.heat = {density, paint};
  yp.map.addSheet({name: 'heat', order: 10, paint, take, idle: (state) => !own(state).told, each: true});
})();
