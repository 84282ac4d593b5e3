/* A drawn area on the map: the text of its address, its sheet with handles, and the rest of the map dimmed. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const held = {told: null, draft: null, path: null, aim: false};

  const DIGITS = 5;
  const pair = (text) => text.split(',').map(Number);
  const spot = (p) => p[0].toFixed(DIGITS) + ',' + p[1].toFixed(DIGITS);

  /* circle:LON,LAT,R · polygon:… · line:B;… → {form, points, reach}; null for what has no points to drag. */
  function read(text) {
    const at = String(text || '').indexOf(':'), form = String(text || '').slice(0, at), rest = String(text || '').slice(at + 1);
    if (form === 'circle') {
      const [lon, lat, reach] = pair(rest);
      return {form, points: [[lon, lat]], reach};
    }
    if (form === 'polygon') return {form, points: rest.split(';').map(pair), reach: 0};
    if (form === 'line') return {form, points: rest.split(';').slice(1).map(pair), reach: Number(rest.split(';')[0])};
    return null;
  }

  function write(shape) {
    const places = shape.points.map(spot).join(';');
    if (shape.form === 'circle') return 'circle:' + places + ',' + shape.reach;
    return shape.form === 'line' ? 'line:' + shape.reach + ';' + places : 'polygon:' + places;
  }

  /* A radius as a hand means it: two or three digits, never a meter more or less. */
  function round(m) {
    const step = m < 1000 ? 10 : m < 10000 ? 50 : 500;
    return Math.max(20, Math.min(50000, Math.round(m / step) * step));
  }

  function words(m) {
    return m < 1000 ? Math.round(m) + ' m' : (m / 1000).toFixed(m < 20000 ? 2 : 1).replace(/\.?0+$/, '') + ' km';
  }

  const meters = (a, b) => yp.map.leaflet().distance([a[1], a[0]], [b[1], b[0]]);

  /* The place that lies `m` meters east of another. */
  function east(p, m) {
    const one = meters(p, [p[0] + 0.01, p[1]]);
    return [p[0] + 0.01 * m / one, p[1]];
  }

  function take(told) {
    const was = held.told && held.told.text + held.told.editing, is = told && told.text + told.editing;
    held.told = told;
    held.path = told ? outline(told.outline) : null;
    if (was !== is) redraw();
    return was !== is;
  }

  function outline(geometry) {
    const path = new Path2D();
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    for (const polygon of polygons) {
      for (const ring of polygon) {
        ring.forEach((p, k) => path[k ? 'lineTo' : 'moveTo'](yp.geo.planeX(p[0]), yp.geo.planeY(p[1])));
        path.closePath();
      }
    }
    return path;
  }

  /* What of a shape can be dragged: corners, a circle's center and rim, and between two corners a new one. */
  function handles(shape) {
    if (!shape) return [];
    const found = shape.points.map((at, k) => ({kind: 'point', k, at}));
    if (shape.form === 'circle') return [...found, {kind: 'rim', k: 0, at: east(shape.points[0], shape.reach)}];
    const ends = shape.form === 'polygon' ? shape.points.length : shape.points.length - 1;
    for (let k = 0; k < ends; k += 1) {
      const a = shape.points[k], b = shape.points[(k + 1) % shape.points.length];
      found.push({kind: 'between', k: k + 1, at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]});
    }
    return found;
  }

  /* The shape that stands or is under the hand: a draft before what the address says. */
  const current = () => held.draft || (held.told && held.told.editing ? read(held.told.text) : null);

  function draftPath(pen, shape) {
    const path = new Path2D(), at = (p) => [pen.x(yp.geo.planeX(p[0])), pen.y(yp.geo.planeY(p[1]))];
    if (shape.form === 'circle') {
      const [x, y] = at(shape.points[0]), [rim] = at(east(shape.points[0], shape.reach));
      path.arc(x, y, Math.abs(rim - x), 0, 2 * Math.PI);
      return path;
    }
    shape.points.forEach((p, k) => path[k ? 'lineTo' : 'moveTo'](...at(p)));
    if (shape.form === 'polygon' && shape.points.length > 2) path.closePath();
    return path;
  }

  function dim(pen) {
    const c = pen.c, k = pen.view.k, path = new Path2D();
    path.rect(-pen.view.ox / k, -pen.view.oy / k, pen.view.w / k, pen.view.h / k);
    path.addPath(held.path);
    c.save();
    c.globalAlpha = 0.55;
    pen.fill(path, yp.ground.color('--map-other'));
    c.restore();
  }

  function paintDraft(pen, shape) {
    const c = pen.c, path = draftPath(pen, shape);
    pen.pixels();
    c.save();
    c.strokeStyle = c.fillStyle = yp.ground.color('--accent');
    c.globalAlpha = 0.16;
    if (shape.form !== 'line') c.fill(path);
    c.globalAlpha = 1;
    c.lineWidth = 2.2 * pen.u;
    c.setLineDash([7 * pen.u, 4 * pen.u]);
    c.stroke(path);
    c.restore();
  }

  function label(pen, text, at) {
    const c = pen.c, x = pen.x(yp.geo.planeX(at[0])) + 10 * pen.u, y = pen.y(yp.geo.planeY(at[1]));
    c.font = '700 ' + 15 * pen.u + 'px ' + getComputedStyle(document.body).fontFamily;
    c.textBaseline = 'middle';
    c.lineWidth = 4 * pen.u;
    c.strokeStyle = yp.ground.color('--map-halo');
    c.strokeText(text, x, y);
    c.fillStyle = yp.ground.color('--text');
    c.fillText(text, x, y);
  }

  function paintHandles(pen, shape) {
    const c = pen.c;
    pen.pixels();
    for (const one of handles(shape)) {
      const x = pen.x(yp.geo.planeX(one.at[0])), y = pen.y(yp.geo.planeY(one.at[1]));
      const r = (one.kind === 'between' ? 3.2 : 5.5) * pen.u;
      c.beginPath();
      c.rect(x - r, y - r, 2 * r, 2 * r);
      c.fillStyle = yp.ground.color(one.kind === 'between' ? '--ground' : '--accent');
      c.fill();
      c.lineWidth = 1.6 * pen.u;
      c.strokeStyle = yp.ground.color(one.kind === 'between' ? '--accent' : '--map-halo');
      c.stroke();
    }
  }

  function paint(pen) {
    if (held.path && !held.draft) {
      dim(pen);
      pen.stroke(held.path, yp.ground.color('--map-halo'), 5);
      pen.stroke(held.path, yp.ground.color('--accent'), 2.4);
    }
    if (held.draft) paintDraft(pen, held.draft);
  }

  /* Above the names: what the hand takes hold of, how far it reaches, and where the keyboard sets its points. */
  function paintGrips(pen, state, stack) {
    pen.pixels();
    if (held.aim) yp.shapes.cross(pen, stack);
    const shape = held.draft || (held.told ? read(held.told.text) : null);
    if (shape && shape.form === 'circle') label(pen, words(shape.reach), east(shape.points[0], shape.reach));
    if (current()) paintHandles(pen, current());
  }

  const idle = () => !held.path && !held.draft && !held.aim;

  function redraw() {
    for (const name of ['area', 'grips']) yp.map.redraw(name);       // on a map beside it too
  }

  function draft(shape) {
    held.draft = shape;
    redraw();
  }

  /* Whether the keyboard is drawing: then the middle of the map is marked. */
  function aim(on) {
    held.aim = on;
    redraw();
  }

  yp.map.addSheet({name: 'area', order: 40, paint, take, idle});
  yp.map.addSheet({name: 'grips', order: 55, paint: paintGrips, idle});
  yp.area = {read, write, round, words, meters, handles, current, draft, aim, told: () => held.told};
})();
