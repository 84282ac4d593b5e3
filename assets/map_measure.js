/* Measuring by hand: points set with the pointer or the keyboard become the address' `measure`; the drawer says the sums. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const DIGITS = 6, MOST = 200;
  let path = null, loose = null, active = false;

  const km = (m) => (m < 1000 ? m.toFixed(1) + ' 米' : (m / 1000).toFixed(3) + ' 千米');
  const km2 = (m) => (m < 1e5 ? Math.round(m) + ' 平方米' : (m / 1e6).toFixed(3) + ' 平方千米');

  const text = () => path.kind + ':' + path.points.map((at) => at.map((v) => v.toFixed(DIGITS)).join(',')).join(';');
  const redraw = () => yp.map.redraw('measure');

  /* The address is the one state: the drawer and this sheet both follow it. */
  function tell() { redraw(); yp.view.set({measure: text()}, 'replace'); }

  function add(latlng) {
    if (path.points.length >= MOST) { yp.notice.say('点太多，最多 ' + MOST + ' 个'); return; }
    path.points.push([latlng.lng, latlng.lat]);
    tell();
  }

  function back() {
    if (!path.points.pop()) return;
    tell();
  }

  /* Ends at the last point; a double click has set that one twice. */
  function finish() {
    const n = path.points.length, [a, b] = path.points.slice(-2);
    if (n > 1 && Math.hypot(a[0] - b[0], a[1] - b[1]) < 1e-7) { path.points.pop(); tell(); }
    loose = null;
    active = false;
    yp.hand.mode(null);
    redraw();
  }

  function key(event) {
    const middle = () => yp.map.leaflet().getCenter();
    const deeds = {' ': () => add(middle()), Enter: finish, Backspace: back, Delete: back};
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    event.stopPropagation();
    deed();
  }

  /* Whoever opened the tool by its key or its button goes on with the keyboard on the map. */
  function toMap() {
    const at = document.activeElement;
    if (!at || at === document.body || at.closest('.tools')) yp.map.leaflet().getContainer().focus({preventScroll: true});
  }

  function begin() {
    if (active) return;
    active = true;
    toMap();
    yp.hand.mode({
      click: (event) => add(event.latlng), double: finish, key,
      move: (event) => { loose = [event.latlng.lng, event.latlng.lat]; redraw(); },
      cancel: () => { active = false; loose = null; redraw(); },
    });
  }

  /* While points are being set the hand is ahead of the answers: an older one must not take a point back. */
  function take(told) {
    if (active && told && yp.state.at.tool === 'measure' && text() === yp.state.at.measure) return false;
    const was = JSON.stringify(path), open = yp.state.at && yp.state.at.tool === 'measure';
    path = told ? {kind: told.kind, points: told.points.map((at) => at.slice())} : null;
    const empty = path && !path.points.length;
    if (open && (empty || (active && path))) begin();
    else if (active) { active = false; yp.hand.mode(null); }
    if (!path) release();
    return was !== JSON.stringify(path);
  }

  function trace(pen, points, close) {
    pen.c.beginPath();
    points.forEach((at, k) => pen.c[k ? 'lineTo' : 'moveTo'](pen.x(yp.geo.planeX(at[0])), pen.y(yp.geo.planeY(at[1]))));
    if (close) pen.c.closePath();
  }

  function label(pen, words, x, y) {
    const c = pen.c, fs = 15 * pen.u;
    c.font = '600 ' + fs + 'px ' + yp.ground.color('--family');
    c.textAlign = 'left';
    c.textBaseline = 'middle';
    c.lineJoin = 'round';
    c.lineWidth = 4 * pen.u;
    c.strokeStyle = yp.ground.color('--map-halo');
    c.strokeText(words, x + 12 * pen.u, y - 12 * pen.u);
    c.fillStyle = yp.ground.color('--text');
    c.fillText(words, x + 12 * pen.u, y - 12 * pen.u);
  }

  /* The sum that stands still keeps its room among the names. */
  function reserve(pen, state, words, x, y) {
    const w = pen.c.measureText(words).width, box = [x + 6 * pen.u, y - 24 * pen.u, x + 18 * pen.u + w, y];
    const mine = active || !words ? [] : [box];
    const moved = JSON.stringify(mine) !== JSON.stringify(state.reserved || []);
    state.reserved = mine;
    if (moved) for (const one of yp.map.sheets()) if (one.canvas.className === 'sheet-names') one.redraw();
  }

  /* Nothing is measured any more: the names have that room again. */
  function release() {
    for (const face of [yp.map.face, yp.compare.second()]) {
      if (!face || !(face.state.reserved || []).length) continue;
      face.state.reserved = [];
      face.sheet('names').redraw();
    }
  }

  function paint(pen, state, stack) {
    pen.pixels();
    if (!path) return;
    if (path.points.length < 2) reserve(pen, state, '', 0, 0);
    const c = pen.c, points = active && loose ? [...path.points, loose] : path.points, ring = path.kind === 'area' && points.length > 2;
    trace(pen, points, ring);
    c.lineJoin = c.lineCap = 'round';
    if (ring) {
      c.globalAlpha = 0.16;
      c.fillStyle = yp.ground.color('--accent');
      c.fill();
      c.globalAlpha = 1;
    }
    for (const [token, width] of [['--map-halo', 5], ['--accent', 2.4]]) {
      c.strokeStyle = yp.ground.color(token);
      c.lineWidth = width * pen.u;
      c.stroke();
    }
    for (const at of path.points) {
      c.beginPath();
      c.arc(pen.x(yp.geo.planeX(at[0])), pen.y(yp.geo.planeY(at[1])), 4 * pen.u, 0, 2 * Math.PI);
      c.fillStyle = yp.ground.color('--text');
      c.fill();
      c.stroke();
    }
    if (active) yp.shapes.cross(pen, stack);
    if (points.length < 2) return;
    const last = points[points.length - 1];
    const words = ring ? km2(yp.geodesy.area(points)) : km(yp.geodesy.length(points));
    const x = pen.x(yp.geo.planeX(last[0])), y = pen.y(yp.geo.planeY(last[1]));
    label(pen, words, x, y);
    reserve(pen, state, words, x, y);
  }

  yp.map.addSheet({name: 'measure', order: 45, paint, take, idle: () => !path});
  yp.measure = {path: () => path, active: () => active};
})();
