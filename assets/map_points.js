/* Points: events in own grid clusters (worst state inside, and how many), assets as small shapes. One canvas. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const CELL = 54, SINGLE_ZOOM = 15.5, CROWD = 1.6;

  /* Clusters of what is on the sheet: squares of CELL pixels, anchored to the plane so that a pan changes nothing. */
  function clusters(points, pen, stateOf) {
    const size = CELL * (pen.u || 1) / pen.view.k, found = new Map(), out = [];
    for (const p of points) {
      const x = pen.x(p.x), y = pen.y(p.y);
      if (x < -CELL || y < -CELL || x > pen.view.w + CELL || y > pen.view.h + CELL) continue;
      const key = Math.floor(p.x / size) * 1e7 + Math.floor(p.y / size);
      let held = found.get(key);
      if (!held) { held = {n: 0, x: 0, y: 0, state: '', one: p, key, all: []}; found.set(key, held); out.push(held); }
      const state = stateOf ? stateOf(p) : p.state;
      held.n += p.n;
      held.all.push(p);
      held.x += p.n * p.x;
      held.y += p.n * p.y;
      if (yp.shapes.worst(held.state, state) !== held.state) { held.state = state; held.one = p; }
    }
    for (const c of out) { c.x /= c.n; c.y /= c.n; }
    return out.sort((a, b) => (yp.shapes.RANK[a.state] || 0) - (yp.shapes.RANK[b.state] || 0));
  }

  function radius(n, unit) {
    return n === 1 ? unit * 0.45 : unit * Math.min(1.35, 0.72 + 0.14 * Math.log10(n) * 2);
  }

  function drawClusters(pen, layer, unit, hits) {
    const split = pen.view.zoom >= SINGLE_ZOOM;
    const single = (p) => ({n: p.n, x: p.x, y: p.y, state: p.state, one: p});
    const found = split ? layer.points.map(single) : clusters(layer.points, pen);
    for (const c of found) {
      const r = radius(c.n, unit), at = {x: pen.x(c.x), y: pen.y(c.y), r, u: pen.u};
      yp.shapes.mark(pen.c, c.state, at, c.n > 1 ? String(c.n) : '', unit * 0.86);
      const kind = c.n > 1 ? 'cluster' : 'event';
      hits.push({x: c.x, y: c.y, r: r + 3, kind, layer: layer.layer, n: c.n, state: c.state, one: c.one, unit: '件'});
    }
  }

  /* Many marks in a square are none to read: how many points stand in a square that has any, over the whole layer, so that
     a pan changes nothing. */
  function crowded(layer, pen) {
    if (layer.points.some((p) => p.n > 1)) return true;                        // the server has joined them already
    if (pen.view.zoom >= SINGLE_ZOOM || layer.points.length < 2) return false;
    const size = CELL * (pen.u || 1) / pen.view.k, squares = new Set();
    for (const p of layer.points) squares.add(Math.floor(p.x / size) * 1e7 + Math.floor(p.y / size));
    return layer.points.length / squares.size > CROWD;
  }

  /* Assets that crowd, of all kinds together: a hollow mark with their number, its edge by the worst state inside. */
  function drawCrowd(pen, layers, unit, hits) {
    const of = new Map(), alone = new Map(layers.map((layer) => [layer, []]));
    for (const layer of layers) for (const p of layer.points) of.set(p, layer);
    const marks = clusters([...of.keys()], pen, (p) => (of.get(p).old ? '' : p.state));
    for (const c of marks) {
      if (c.n === 1) { alone.get(of.get(c.one)).push(c.one); continue; }
      const r = radius(c.n, unit) * 0.9, kinds = new Map();
      for (const p of c.all) kinds.set(of.get(p).name, (kinds.get(of.get(p).name) || 0) + p.n);
      yp.shapes.hollow(pen.c, c.state, {x: pen.x(c.x), y: pen.y(c.y), r, u: pen.u}, String(c.n), unit * 0.8);
      hits.push({x: c.x, y: c.y, r: r + 3, kind: 'cluster', layer: of.get(c.one).layer, n: c.n, state: c.state, one: c.one,
        unit: '处', kinds: Array.from(kinds, ([name, n]) => name + ' ' + n).join('·')});
    }
    for (const [layer, points] of alone) drawAssets(pen, Object.assign({}, layer, {points}), unit, hits);
  }

  /* 1,500 sensors are four fills: one path for each state. */
  function drawAssets(pen, layer, unit, hits) {
    const r = Math.max(2.2, unit * Math.min(0.34, 0.14 + 0.045 * Math.max(0, pen.view.zoom - 9)));
    const colors = {unknown: '--text-3', '': '--text', ok: '--text', att: '--mk-yellow', warn: '--mk-orange', alarm: '--mk-red'};
    for (const state of Object.keys(colors)) {
      pen.c.beginPath();
      let any = false;
      for (const p of layer.points) {
        if ((layer.old ? 'unknown' : p.state in colors ? p.state : '') !== state) continue;
        const x = pen.x(p.x), y = pen.y(p.y);
        if (x < 0 || y < 0 || x > pen.view.w || y > pen.view.h) continue;
        any = true;
        yp.shapes.kind(pen.c, layer.shape, x, y, yp.shapes.FILL[state] ? r * 1.35 : r);
        hits.push({x: p.x, y: p.y, r: r + 4, kind: 'asset', layer: layer.layer, n: 1, state, one: p});
      }
      if (!any) continue;
      pen.c.strokeStyle = yp.ground.color('--map-halo');
      pen.c.lineWidth = 1.6 * pen.u;
      pen.c.stroke();
      pen.c.fillStyle = yp.ground.color(colors[state]);
      pen.c.fill();
    }
  }

  /* What stands outside the selection stays away: the mask dims the ground, marks would shine through it. */
  function chosen(layer, state) {
    if (!state.focus.length) return layer.points;
    return layer.points.filter((p) => state.focus.some((cell) => yp.geo.contains(cell, p.x, p.y)));
  }

  function paint(pen, state, sheet) {
    state.hits = [];
    pen.pixels();
    pen.c.save();
    pen.c.beginPath();                        // never behind the sentence and the figures of a wall
    pen.c.rect(0, sheet.pad.y + state.top, pen.view.w, pen.view.h);
    pen.c.clip();
    const unit = 16 * pen.u;
    const seen = state.points.map((layer) => Object.assign({}, layer, {points: chosen(layer, state)}));
    const crowds = seen.filter((layer) => layer.kind !== 'events' && crowded(layer, pen));
    if (crowds.length) drawCrowd(pen, crowds, unit, state.hits);
    for (const shown of seen) {
      if (crowds.includes(shown)) continue;
      if (shown.kind === 'events') drawClusters(pen, shown, unit, state.hits);
      else drawAssets(pen, shown, unit, state.hits);
    }
    pen.c.restore();
  }

  /* The uppermost mark under a point of the plane. */
  function hit(state, x, y, k) {
    const hits = state.hits || [];
    for (let i = hits.length - 1; i >= 0; i -= 1) {
      const h = hits[i], reach = h.r / k;
      if (Math.abs(h.x - x) <= reach && Math.abs(h.y - y) <= reach) return h;
    }
    return null;
  }

  yp.points = {paint, clusters, crowded, hit};
})();
