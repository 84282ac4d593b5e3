/* The ground of the map: neighbours, the raised county, its cells by class, rivers, lines, and one mask for the rest. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const TOKENS = {q0: '--seq-0', q1: '--seq-1', q2: '--seq-2', q3: '--seq-3', q4: '--seq-4', q5: '--seq-5', d0: '--div-n2', d1: '--div-n1',
    d2: '--div-0', d3: '--div-p1', d4: '--div-p2', 'k-red': '--st-red-fill', 'k-orange': '--st-orange-fill',
    'k-yellow': '--st-yellow-fill', 'k-blue': '--st-blue-fill', 'k-green': '--st-green-fill', qn: '--ground'};
  const VEIL = 0.45;               // how much of the colours stands over tiles
  /* The upper risk classes are hatched: red, orange and yellow are one colour to some eyes. Spacing in pixels; both ways. */
  const HATCH = {'k-red': [6, true], 'k-orange': [8, false]};
  let colors = new Map();

  /* A color of the style sheet, read once per theme. */
  function color(token) {
    if (!colors.has(token)) {
      colors.set(token, getComputedStyle(document.documentElement).getPropertyValue(token).trim() || '#888');
    }
    return colors.get(token);
  }

  const classColor = (name) => color(TOKENS[name] || (name.startsWith('--') ? name : '--map-land'));

  /* Cells of one class, and one path of them: nine fills, whatever the number of cells. */
  function paths(level, values, classes) {
    const found = classes.map(() => null);
    for (const cell of level.cells) {
      const value = yp.values.of(values, cell);
      const at = value ? value[0] : -1;
      if (at < 0 || at === null || at >= classes.length) continue;
      found[at] = found[at] || {cells: [], path: new Path2D()};
      found[at].cells.push(cell);
      found[at].path.addPath(cell.path);
    }
    return found;
  }

  /* A class's lines over its colour, of one width at every zoom. */
  function hatch(pen, path, name) {
    const [step, crossed] = HATCH[name] || [0, false];
    if (!step) return;
    const side = Math.round(step * pen.u * pen.ratio), tile = document.createElement('canvas'), t = tile.getContext('2d');
    tile.width = tile.height = side;
    t.strokeStyle = color('--text');
    t.lineWidth = Math.max(1, side / 8);
    t.beginPath();
    for (const d of [-side, 0, side]) {
      t.moveTo(d, side);
      t.lineTo(d + side, 0);
      if (crossed) { t.moveTo(d, 0); t.lineTo(d + side, side); }
    }
    t.stroke();
    const pattern = pen.c.createPattern(tile, 'repeat'), k = pen.view.k * pen.ratio;
    pattern.setTransform(new DOMMatrix([1 / k, 0, 0, 1 / k, 0, 0]));
    pen.c.globalAlpha = 0.35;
    pen.fill(path, pattern);
    pen.c.globalAlpha = 1;
  }

  function county(pen, state) {
    const outline = state.outline.path;
    if (state.tiled) return;                  // the picture below is the land
    pen.c.globalAlpha = 0.2;
    for (const width of [22, 14, 7]) pen.stroke(outline, color('--map-shadow'), width, 0, 9 * pen.u);
    pen.c.globalAlpha = 1;
    pen.fill(outline, color('--map-rim'), 0, 5 * pen.u);
    pen.fill(outline, color('--map-land'));
  }

  /* Mean width of a cell on the screen: finer lines come in as there is room for them. */
  function room(level, pen) {
    if (!level.span) {
      const width = (cell) => Math.sqrt((cell.box[2] - cell.box[0]) * (cell.box[3] - cell.box[1]));
      const total = level.cells.reduce((sum, cell) => sum + width(cell), 0);
      level.span = level.cells.length ? total / level.cells.length : 1;
    }
    return level.span * pen.view.k;
  }

  const fade = (px, from, to) => Math.max(0, Math.min(1, (px - from) / (to - from)));

  function cells(pen, state) {
    const risk = state.classes.some((name) => name.startsWith('k-'));
    state.paths.forEach((all, at) => {
      if (!all) return;
      const fill = classColor(state.classes[at]), path = pen.near(all.cells, all.path);
      pen.c.globalAlpha = state.tiled ? VEIL : 1;
      pen.fill(path, fill);
      hatch(pen, path, state.classes[at]);
      pen.c.globalAlpha = 1;
      if (state.level.cells.length < 100 && !state.tiled) pen.stroke(path, fill, 0.7);     // closes hairlines; finer lines cover them
    });
    for (const finer of state.finer) lines(pen, finer, 0.7, fade(room(finer, pen), 20, 48) * 0.8);
    if (state.level) {
      const alpha = Math.max(0.25, fade(room(state.level, pen), 4, 18));
      lines(pen, state.level, risk ? 1.4 : 0.9, alpha, risk ? color('--map-rim') : color('--map-line'));
    }
    for (const coarser of state.coarser) lines(pen, coarser, 1.5, 0.9);
  }

  function lines(pen, level, width, alpha, stroke) {
    if (alpha <= 0.02) return;
    pen.c.globalAlpha = alpha;
    pen.stroke(pen.near(level.cells, level.path), stroke || color('--map-line'), width);
    pen.c.globalAlpha = 1;
  }

  function rivers(pen, state) {
    pen.c.save();
    pen.plane();
    pen.c.clip(state.outline.path, 'evenodd');
    pen.stroke(state.rivers.path, color('--map-river-case'), 5.5);
    pen.stroke(state.rivers.path, color('--map-river'), 2.4);
    pen.c.restore();
  }

  /* One mask dims everything inside the county but the selected division. */
  function mask(pen, state) {
    if (!state.focus.length) return;
    const path = new Path2D(state.outline.path);
    for (const cell of state.focus) path.addPath(cell.path);
    pen.c.globalAlpha = state.tiled ? VEIL : 0.62;
    pen.fill(path, color('--ground'));
    pen.c.globalAlpha = 1;
    for (const cell of state.focus) if (state.focus.length === 1) pen.stroke(cell.path, color('--text'), 1.8);
  }

  function paint(pen, state) {
    if (state.neighbours) {
      if (!state.tiled) pen.fill(state.neighbours.path, color('--map-other'));
      pen.stroke(state.neighbours.path, color('--map-other-line'), 1);
    }
    if (state.rivers) {
      pen.c.globalAlpha = 0.35;
      pen.stroke(state.rivers.path, color('--map-river'), 1.6);
      pen.c.globalAlpha = 1;
    }
    if (!state.outline) return;
    county(pen, state);
    if (state.level) cells(pen, state);
    if (state.rivers) rivers(pen, state);
    mask(pen, state);
    pen.stroke(state.outline.path, color('--map-edge'), 1.5);
  }

  yp.ground = {paint, paths, color, classColor, forget: () => { colors = new Map(); }};
})();
