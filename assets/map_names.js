/* Names on the map, placed anew at every zoom without collisions: places with their marks, neighbours, rivers. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const OFFSETS = [[0, 0], [0, 10], [0, -10], [12, 0], [-12, 0], [0, 20], [0, -20], [20, 10], [-20, 10], [20, -14], [-20, -14],
    [0, 32], [0, -32], [34, 0], [-34, 0]];
  const MOST_SOFT = 300, MOST_AGAIN = 60, MOST_TWICE = 60, LEAST_SEEN = 60, GRID = 7, MOST_WIDTHS = 8000;
  const OVER = 1.35, OVER_MARKED = 2.4;        // how much wider than its cell a name may be, alone and beside a mark
  const isWall = () => window.matchMedia('(min-width:1800px) and (min-height:1000px)').matches;
  const family = () => yp.ground.color('--family');

  const meets = (b) => (o) => b[0] < o[2] && b[2] > o[0] && b[1] < o[3] && b[3] > o[1];

  /* Boxes already written on; `soft` ones (points) are kept clear where it can be done. */
  class Taken {
    constructor(boxes, soft) { this.boxes = boxes.slice(); this.soft = soft || []; this.written = []; }

    copy() { return Object.assign(new Taken(this.boxes, this.soft), {written: this.written.slice()}); }

    free(b) { return !this.boxes.some(meets(b)); }

    clear(b) { return !this.soft.some(meets(b)); }

    /* `kind` and `text` say what stands there, for whoever asks what is written. */
    take(b, kind, text) { this.boxes.push(b); this.written.push({kind, text, box: b}); }
  }

  /* Boxes of what floats over the map, in canvas pixels: no name may hide behind them. */
  function floating(sheet) {
    const seen = sheet.map.getContainer().getBoundingClientRect();
    const base = {left: seen.left - sheet.pad.x, top: seen.top - sheet.pad.y};
    const found = document.querySelectorAll('.page .over > *, .page .lead, .page .kpis, .ground .leaflet-control, .ground .maptold');
    return Array.from(found).map((node) => node.getBoundingClientRect()).filter((r) => r.width && r.height)
      .map((r) => [r.left - base.left - 4, r.top - base.top - 4, r.right - base.left + 4, r.bottom - base.top + 4]);
  }

  /* The rims of what is seen, as boxes: a name stands within or beyond, never cut in two. */
  function rims({x, y}, {w, h}) {
    return [[x - 1, 0, x + 1, h], [w - x - 1, 0, w - x + 1, h], [0, y - 1, w, y + 1], [0, h - y - 1, w, h - y + 1]];
  }

  function word(pen, text, x, y, fs, color, weight) {
    const c = pen.c;
    c.font = (weight || 500) + ' ' + fs + 'px ' + family();
    c.textBaseline = 'alphabetic';
    c.lineJoin = 'round';
    c.strokeStyle = yp.ground.color('--map-halo');
    c.lineWidth = 3.4 * pen.u;
    c.globalAlpha = 0.85;
    c.strokeText(text, x, y);
    c.globalAlpha = 1;
    c.fillStyle = color;
    c.fillText(text, x, y);
  }

  const widths = new Map();        // font and text → pixels: every drawing asks for the same few hundred
  function width(pen, text, fs, weight) {
    const font = (weight || 500) + ' ' + fs + 'px ' + family(), key = font + text;
    let found = widths.get(key);
    if (found === undefined) {
      pen.c.font = font;
      found = pen.c.measureText(text).width;
      if (widths.size >= MOST_WIDTHS) widths.clear();
      widths.set(key, found);
    }
    return found;
  }

  /* No text is narrower than this, in its type size: Chinese signs are mostly as wide as high. */
  const least = (text) => Array.from(text).reduce((sum, sign) => sum + (sign > '\u2e7f' ? 0.5 : 0.15), 0);

  /* Whether the shortest form of a name is not too wide for its cell: of a thousand small cells few are asked further. */
  function fits(pen, cell, fs) {
    const room = (cell.box[2] - cell.box[0]) * pen.view.k * OVER;
    if (Math.min(least(cell.name), least(cell.short || cell.name)) * fs > room) return false;
    if (cell.slimAt !== fs) {
      cell.slimAt = fs;
      cell.slim = Math.min(...[cell.name, cell.short].filter(Boolean).map((text) => width(pen, text, fs)));
    }
    return cell.slim <= room;
  }

  /* One place: [mark][name] round its heart; mark over name, the short form, then the mark alone, where there is no room. */
  function place(pen, cell, mark, fs, taken, elsewhere) {
    const r = mark ? fs * (mark[0].length < 3 ? 0.86 : 1.08) : 0;
    const across = (cell.box[2] - cell.box[0]) * pen.view.k;
    if (mark && across < 1.3 * r) return null;              // a mark wider than its cell would stand on another
    const forms = [cell.name, cell.short].filter((text, k, all) => text && all.indexOf(text) === k);
    if (mark) forms.push('');
    for (const [text, below] of forms.flatMap((one) => (mark && one ? [[one, false], [one, true]] : [[one, false]]))) {
      const tw = text ? width(pen, text, fs) : 0;
      if (tw > across * (mark ? OVER_MARKED : OVER)) continue;
      const w = below ? Math.max(tw, 2 * r) : tw + (r ? 2 * r + (text ? fs * 0.32 : 0) : 0);
      const h = below ? 2 * r + fs * 1.2 : Math.max(fs * 1.15, 2 * r);
      for (const at of elsewhere || [cell.heart]) {
        const cx = pen.x(at.x), cy = pen.y(at.y), spot = room(taken, {cx, cy, w, h, u: pen.u, text}, mark, elsewhere && [[0, 0]]);
        if (spot) return {cell, mark, text, below, x: cx + spot[0] - w / 2, y: cy + spot[1], r, w, h};
      }
    }
    return null;
  }

  /* Where else a cell may be named whose heart is out of sight or under a card: points well inside it that are seen. */
  function inside(pen, cell, frame) {
    const [west, north, east, south] = cell.box.map((edge, k) => (k < 2 ? Math.max(edge, frame[k]) : Math.min(edge, frame[k])));
    const wide = east - west, high = south - north, found = [];
    if (Math.min(wide, high) * pen.view.k < LEAST_SEEN * pen.u) return found;
    for (let i = 1; i < GRID; i += 1) {
      for (let j = 1; j < GRID; j += 1) {
        const at = {x: west + wide * i / GRID, y: north + high * j / GRID};
        if (yp.geo.contains(cell, at.x, at.y)) found.push(at);
      }
    }
    const far = (at) => Math.hypot(at.x - cell.heart.x, at.y - cell.heart.y);
    return found.sort((a, b) => far(a) - far(b));
  }

  /* A quiet mark gives way where it would crowd: its name stands alone. */
  function spotOf(pen, cell, mark, fs, taken, elsewhere) {
    const quiet = mark && !yp.shapes.FILL[mark[1]];
    return place(pen, cell, mark, fs, taken, elsewhere) || (quiet ? place(pen, cell, null, fs, taken, elsewhere) : null);
  }

  /* A free offset for a box, off the points too. A mark may stand on points, a mere name may not: they have numbers. */
  function room(taken, {cx, cy, w, h, u, text}, mark, offsets) {
    const boxAt = ([dx, dy]) => [cx + dx - w / 2 - 3, cy + dy - h / 2 - 2, cx + dx + w / 2 + 3, cy + dy + h / 2 + 2];
    const free = (offsets || OFFSETS).map(([dx, dy]) => [dx * u, dy * u]).filter((offset) => taken.free(boxAt(offset)));
    const spot = free.find((offset) => taken.clear(boxAt(offset))) || (mark && free[0]);
    if (spot) taken.take(boxAt(spot), mark ? 'mark' : 'name', text);
    return spot || null;
  }

  function drawPlace(pen, spot, fs) {
    let x = spot.x;
    if (spot.mark) {
      const size = fs * (spot.mark[0].length < 3 ? 0.97 : 0.95);
      const at = spot.below ? {x: x + spot.w / 2, y: spot.y - spot.h / 2 + spot.r} : {x: x + spot.r, y: spot.y};
      yp.shapes.mark(pen.c, spot.mark[1], Object.assign(at, {r: spot.r, u: pen.u}), spot.mark[0], size);
      x += 2 * spot.r + fs * 0.32;
    }
    pen.c.textAlign = spot.below ? 'center' : 'left';
    if (spot.below) word(pen, spot.text, spot.x + spot.w / 2, spot.y + spot.h / 2 - fs * 0.2, fs, yp.ground.color('--map-name'));
    else if (spot.text) word(pen, spot.text, x, spot.y + fs * 0.36, fs, yp.ground.color('--map-name'));
  }

  const area = (cell) => (cell.box[2] - cell.box[0]) * (cell.box[3] - cell.box[1]);

  /* Spots of cells in their order, and what was left without one. */
  function laid(pen, seen, marks, taken, frame, fs) {
    const spots = seen.map((cell) => spotOf(pen, cell, marks[cell.code], fs, taken));
    let left = MOST_AGAIN;
    spots.forEach((spot, k) => {
      const elsewhere = spot || left <= 0 ? [] : inside(pen, seen[k], frame);
      if (!elsewhere.length) return;
      left -= 1;
      spots[k] = spotOf(pen, seen[k], marks[seen[k].code], fs, taken, elsewhere);
    });
    const lost = seen.reduce((sum, cell, k) => sum + (spots[k] && spots[k].text ? 0 : area(cell)), 0);
    return {spots: spots.filter(Boolean), taken, lost};
  }

  /* Children of what is looked at: the worst mark first, then the largest. Where that costs names, the small ones with the
     least choice may go first instead: the order that leaves the least ground unnamed. */
  function places(pen, state, taken, frame, fs) {
    const shown = state.level.cells.filter((cell) => cell.name && (!state.focusCodes || state.focusCodes.has(cell.code)));
    const rank = (cell) => yp.shapes.RANK[(state.marks[cell.code] || ['', ''])[1]] || 0, marks = state.marks;
    const seen = shown.filter((cell) => onSheet(pen, cell.box) && (marks[cell.code] || fits(pen, cell, fs)));
    const keys = new Map(seen.map((cell) => [cell, [rank(cell), area(cell)]]));
    const sorted = (sign) => seen.slice().sort((one, two) => {
      const a = keys.get(one), b = keys.get(two);
      return b[0] - a[0] || sign * (b[1] - a[1]);
    });
    let best = laid(pen, sorted(1), marks, taken.copy(), frame, fs);
    if (best.lost && seen.length <= MOST_TWICE) {
      const other = laid(pen, sorted(-1), marks, taken.copy(), frame, fs);
      if (other.lost < best.lost) best = other;
    }
    taken.boxes = best.taken.boxes;
    taken.written = best.taken.written;
    for (const spot of best.spots.reverse()) drawPlace(pen, spot, fs);
  }

  function onSheet(pen, box) {
    return pen.x(box[2]) > 0 && pen.x(box[0]) < pen.view.w && pen.y(box[3]) > 0 && pen.y(box[1]) < pen.view.h;
  }

  /* The part of a ring inside the window (Sutherland–Hodgman), so that a neighbour's name stands where it is seen. */
  function clip(ring, box) {
    const edges = [[0, box[0], 1], [0, box[2], -1], [1, box[1], 1], [1, box[3], -1]];
    let points = [];
    for (let k = 0; k < ring.length; k += 2) points.push([ring[k], ring[k + 1]]);
    for (const [axis, limit, sign] of edges) {
      const inside = (p) => sign * (p[axis] - limit) >= 0;
      const out = [];
      points.forEach((b, k) => {
        const a = points[(k + points.length - 1) % points.length];
        if (inside(a) !== inside(b)) {
          const t = (limit - a[axis]) / (b[axis] - a[axis]);
          out.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
        }
        if (inside(b)) out.push(b);
      });
      points = out;
    }
    return new Float64Array(points.flat());
  }

  /* `edge`: left and right end of what is seen, in pixels; a name that would be cut off there stands further in, while that
     is still on its own ground. */
  function neighbours(pen, state, taken, frame, edge, fs) {
    const color = yp.ground.color('--map-nb');
    for (const cell of state.neighbours.cells) {
      const big = cell.rings.reduce((a, b) => (b.length > a.length ? b : a), cell.rings[0] || []);
      const seen = clip(big, frame);
      if (seen.length < 6) continue;
      const at = yp.geo.heart([seen], yp.geo.boxOf([seen]));
      const text = cell.name.split('').join('\u2006\u2006'), w = width(pen, text, fs);
      for (const [dx, dy] of OFFSETS) {
        const y = pen.y(at.y) + 2 * dy * pen.u;
        const x = Math.max(edge[0] + w / 2 + 4, Math.min(edge[1] - w / 2 - 4, pen.x(at.x) + 2 * dx * pen.u));
        if (!yp.geo.inRing(seen, (x - pen.view.ox) / pen.view.k, (y - pen.view.oy) / pen.view.k)) continue;
        const box = [x - w / 2 - 4, y - fs, x + w / 2 + 4, y + fs * 0.5];
        if (at.d * pen.view.k < fs || !taken.free(box)) continue;
        taken.take(box, 'neighbour', cell.name);
        pen.c.textAlign = 'center';
        if (state.tiled) { word(pen, text, x, y, fs, yp.ground.color('--map-name')); break; }
        pen.c.font = '500 ' + fs + 'px ' + family();
        pen.c.fillStyle = color;
        pen.c.fillText(text, x, y);
        break;
      }
    }
  }

  /* River names beside the water at its own slope, outside the county. */
  function rivers(pen, state, taken, frame, fs) {
    const done = new Set();
    for (const {name, line} of state.rivers.named) {
      if (done.has(name)) continue;
      for (let k = 2; k + 4 < line.length; k += 2) {
        const x = line[k], y = line[k + 1];
        if (x < frame[0] || x > frame[2] || y < frame[1] || y > frame[3] || inCounty(state, x, y)) continue;
        const span = Math.min(line.length - 2, k + 8);
        const ax = pen.x(x), ay = pen.y(y), bx = pen.x(line[span]), by = pen.y(line[span + 1]);
        const mx = (ax + bx) / 2, my = (ay + by) / 2, w = width(pen, name, fs) + fs;
        const box = [mx - w / 2, my - w / 2, mx + w / 2, my + w / 2];
        if (Math.hypot(bx - ax, by - ay) < w * 0.5 || !taken.free(box)) continue;
        taken.take(box, 'river', name);
        slanted(pen, name, {x: mx, y: my, dx: bx - ax, dy: by - ay}, fs);
        done.add(name);
        break;
      }
    }
  }

  const inCounty = (state, x, y) => state.outline.cells.some((cell) => yp.geo.contains(cell, x, y));

  function slanted(pen, text, at, fs) {
    let angle = Math.atan2(at.dy, at.dx);
    if (Math.abs(angle) > Math.PI / 2) angle += Math.PI;
    pen.c.save();
    pen.c.translate(at.x, at.y);
    pen.c.rotate(angle);
    pen.c.textAlign = 'center';
    word(pen, text, 0, -fs * 0.5, fs, yp.ground.color('--map-river'));
    pen.c.restore();
  }

  function paint(pen, state, sheet) {
    if (!state.outline) return;
    pen.pixels();
    const unit = 16 * pen.u, fs = unit * (isWall() ? 1.0625 : 0.9375), small = unit * (isWall() ? 1 : 0.875);
    const points = (state.hits || []).filter((hit) => hit.kind !== 'asset').slice(-MOST_SOFT);
    const soft = points.map((hit) => [pen.x(hit.x) - hit.r, pen.y(hit.y) - hit.r, pen.x(hit.x) + hit.r, pen.y(hit.y) + hit.r]);
    const margin = sheet.pad, v = pen.view;
    const taken = new Taken([...rims(margin, v), ...floating(sheet), ...(state.reserved || [])], soft);
    const frame = [(margin.x - v.ox) / v.k, (margin.y - v.oy) / v.k, (v.w - margin.x - v.ox) / v.k, (v.h - margin.y - v.oy) / v.k];
    if (state.level) places(pen, state, taken, frame, fs);
    if (state.rivers && !state.focus.length) rivers(pen, state, taken, frame, small);
    const veil = isWall() ? 4.2 * unit : 2;           // a wall's map fades out at both sides
    const edge = [margin.x + veil, margin.y + (state.top || 0), v.w - margin.x - veil, v.h - margin.y];
    if (state.neighbours) neighbours(pen, state, taken, frame, [edge[0], edge[2]], small);
    yp.graticule.labels(pen, {width: (text, size) => width(pen, text, size), word: label}, taken, edge);
    state.written = taken.written;

    function label(text, x, y, size) {
      pen.c.textAlign = 'center';
      word(pen, text, x, y, size, yp.ground.color(state.tiled ? '--map-name' : '--map-nb'));
    }
  }

  yp.names = {paint, clip, spotOf, Taken};
})();
