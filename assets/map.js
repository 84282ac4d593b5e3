/* A map as a whole: takes the view's map part, loads what is missing, fits, and repaints only what changed. The page has
   one; while two are compared a second one follows it (map_compare.js). */
window.yiping = window.yiping || {};

/* `leader`: the map that a second one follows; its place and zoom are its own no longer. */
window.yiping.face = function (leader) {
  'use strict';
  const yp = window.yiping;
  const state = {outline: null, neighbours: null, rivers: null, level: null, finer: [], coarser: [], points: [], values: {},
    classes: [], paths: [], marks: {}, focus: [], focusCodes: null, hits: [], top: 0};
  const seen = new Map();          // level name → layer already loaded, to dim and to frame
  const added = leader ? leader.added : [];      // sheets of other files: {name, order, paint, take, idle}
  let map = null, sheets = null, token = 0, pointToken = 0, cellToken = 0, finerToken = 0, gone = false, shown = null, own = false, fitting = false;
  let baseZoom = 0, pointsSaid = '', said = {}, installed;
  const there = new Promise((resolve) => { installed = resolve; });

  const OWN = [{name: 'ground', order: 0, paint: (...all) => yp.ground.paint(...all), steady: true},
    {name: 'points', order: 30, paint: (...all) => yp.points.paint(...all)},
    {name: 'names', order: 50, paint: (...all) => yp.names.paint(...all)}];

  function install(found) {
    if (map) return;
    map = found;
    const stack = new yp.canvas.Stack(map);
    sheets = {};
    const wanted = [...OWN, ...added].filter((one) => !(leader && one.single));
    const ours = (one) => ({paint: (pen, under) => one.paint(pen, state, under), idle: one.idle && (() => one.idle(state))});
    for (const one of wanted.sort((a, b) => a.order - b.order)) sheets[one.name] = stack.add(one.name, {...one, ...ours(one)});
    yp.hand.install(map, state);
    map.on('dragstart zoomstart', () => { if (!fitting && !yp.compare.turning()) touched(); });
    map.on('moveend', () => { if (shown && !fitting) inSight(shown); });
    map.on('zoomend', () => {
      if (!shown || fitting) return;
      loadPoints(shown);
      loadFiner(shown);
    });
    if (!leader) alone();
    installed(map);
  }

  /* The hand has moved the map: where it looks is no longer the program's choice. */
  function touched() {
    if (leader) leader.touched();
    own = true;
  }

  /* What only the page's own map has. */
  function alone() {
    yp.scale.install(map);
    yp.walk.install(map, state);
    map.on('moveend', remember);
    new ResizeObserver(resized).observe(map.getContainer().parentElement.parentElement);
    document.addEventListener('yiping:mounted', () => yp.scale.nameButtons(map));
  }

  /* A sheet of another file. `order`: ground 0, points 30, names 50. `paint(pen, state, stack)` draws it; `take(overlay)`
     hears what the view's map says under its name (null for nothing) and answers whether that must be drawn anew. `idle()`:
     there is nothing on it. `single`: it belongs to the page's own map, not to one that is compared with it; `each`: what
     either map says is heard, otherwise what the page's own says stands for both. */
  function addSheet(sheet) { added.push(sheet); }

  function takeOverlays(data) {
    const told = data.overlays || {};
    const heard = added.filter((one) => one.take && (one.each || !leader));
    for (const one of heard) if (one.take(told[one.name] || null, state)) redraw(one.name);
  }

  /* Paints a sheet again, on the second map too: what was drawn lies on both. */
  function redraw(name) {
    if (sheets && sheets[name]) sheets[name].redraw();
    if (!leader) yp.compare.redraw(name);
  }

  /* What is read for the window alone is read again when the window has moved. */
  function inSight(data) {
    if ((data.points || []).some((p) => p.many)) loadPoints(data);
    const close = data.dense && own ? yp.parts.close(data.dense, data.bounds, map) : Boolean(yp.state.at.close);
    const leaves = Boolean(yp.state.at.close) && !close;           // the next view has coarser cells: no part of these is read
    if (yp.parts.inParts(data) && !leaves) { againCells(data); loadFiner(data); }
    if (!leader && data.dense && own && close !== Boolean(yp.state.at.close)) yp.view.set({close: close ? '1' : null}, 'replace');
  }

  /* The window that parts are read for; a map that was taken down sees nothing. */
  const sight = () => (gone ? [0, 0, 0, 0] : yp.parts.sight(map));

  async function againCells(data) {
    const mine = ++cellToken, found = await yp.loads.ground(data, sight);
    if (mine !== cellToken || data !== shown) return;
    const before = state.paths;
    take(data, found);
    if (state.paths === before) return;
    sheets.ground.redraw();
    sheets.names.redraw();
  }

  function resized() {
    state.top = leader ? leader.state.top : yp.fit.stretch(map);
    map.invalidateSize({animate: false, pan: false});
    if (!own && shown) { fit(shown); inSight(shown); }
    if (!leader) yp.compare.resized();
    for (const sheet of Object.values(sheets)) sheet.redraw();
  }

  function fit(data) {
    const box = yp.fit.bounds(data);
    if (leader || !box || !yp.geo.origin.set) return;
    state.top = yp.fit.stretch(map);
    if (Math.min(map.getSize().x, map.getSize().y - state.top) < 60) return;     // not laid out yet: `resized` comes
    fitting = true;
    yp.fit.look(map, state.focus.length ? state.focus : (state.outline ? state.outline.cells : []), box, state.top);
    fitting = false;
    own = false;
    baseZoom = map.getZoom();
  }

  /* Where the hand left the map goes into the address; figures do not depend on it. */
  let writing = 0;
  function remember() {
    if (fitting || !own || !yp.state.at) return;
    clearTimeout(writing);
    writing = setTimeout(() => {
      const b = map.getBounds();
      const text = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((v) => v.toFixed(4)).join(',');
      yp.view.set({bbox: text}, 'replace');
    }, 400);
  }

  /* The zoom at which the division fills its room. */
  const base = () => (leader ? leader.base() : baseZoom);

  /* Clusters come where marks no longer say it: closer in, in a selection, or on a map without marks. */
  function wantsEvents(data) {
    return Boolean(data.focus) || !Object.keys(data.marks || {}).length || map.getZoom() > base() + 0.6;
  }

  const pointsOf = (data) => (data.points || []).filter((p) => p.url && (p.kind !== 'events' || wantsEvents(data)));

  async function loadPoints(data) {
    const mine = ++pointToken, wanted = pointsOf(data);
    const found = await yp.loads.marks(wanted, map);
    if (mine !== pointToken) return;
    state.points = wanted.map((p, k) => Object.assign({}, p, {points: found[k] || []})).filter((p) => p.points.length);
    sheets.points.redraw();
    const shows = data.division + ' ' + state.points.map((p) => p.layer).join();
    if (shows !== pointsSaid) sheets.names.redraw();     // names step aside for other points, not for every new event
    pointsSaid = shows;
  }

  /* Lines of the levels below come with the zoom: the next one a step in, the one after that two more. */
  async function loadFiner(data) {
    const mine = ++finerToken, wanted = (data.finer || []).filter((url, k) => map.getZoom() > base() + 0.9 + 1.3 * k);
    const found = (await Promise.all(wanted.map((told) => yp.loads.cells(told, sight, '下级界线')))).filter(Boolean);
    if (mine !== finerToken || data !== shown) return;
    if (found.length === state.finer.length && found.every((one, k) => one === state.finer[k])) return;
    state.finer = found;
    sheets.ground.redraw();
  }

  const within = (code) => (cell) => cell.parent === code || cell.above.includes(code);

  function focusOf(data) {
    const code = data.focus;
    if (!code) return {focus: [], codes: null};
    for (const layer of seen.values()) if (layer.byCode.has(code)) return {focus: [layer.byCode.get(code)], codes: childCodes(data)};
    const children = state.level ? state.level.cells.filter(within(code)) : [];
    return {focus: children, codes: childCodes(data)};
  }

  function childCodes(data) {
    const named = state.level ? state.level.cells.filter(within(data.focus)).map((cell) => cell.code) : [];
    return new Set(named.length ? named : Object.keys(data.values || {}).concat([data.focus]));
  }

  function take(data, found) {
    Object.assign(state, {outline: found.outline, neighbours: found.neighbours, rivers: found.rivers});
    if (!shown || shown.level !== data.level) state.finer = [];
    if (found.cells && data.level) { seen.delete(data.level); seen.set(data.level, found.cells); }
    const many = found.cells ? found.cells.cells.length : 0;
    state.coarser = Array.from(seen.values()).filter((level) => level !== found.cells && level.cells.length < many);
    const same = shown && state.level === found.cells && colors(shown) === colors(data) &&
      String(shown.classes) === String(data.classes) && (!data.figures || yp.values.same(state.values, found.figures));
    state.level = found.cells;
    state.values = found.figures;
    state.classes = data.classes || [];
    state.marks = data.marks || {};
    if (!same) state.paths = found.cells ? yp.ground.paths(found.cells, state.values, state.classes) : [];
    const chosen = focusOf(data);
    state.focus = chosen.focus;
    state.focusCodes = chosen.codes;
  }

  /* The level that was asked for: one too dense to be drawn from afar comes and goes with the zoom. */
  const asked = (data) => (data.dense ? data.dense.level : data.level);

  /* A division on this map, of whatever level that has been shown. */
  function cell(code, of) {
    for (const layer of [of.level, ...seen.values()]) if (layer && layer.byCode.has(code)) return layer.byCode.get(code);
    return null;
  }

  const colors = (data) => JSON.stringify([data.values, data.figures]);

  /* What a sheet shows, as text: a sheet is painted again only when this has changed. */
  function says(data) {
    const there = [state.level, state.outline, state.neighbours, state.rivers].map(Boolean);    // a late layer counts
    const place = [JSON.stringify(data.cells), data.outline, data.neighbours, data.rivers, data.focus, there].join(' ');
    return {ground: place + data.classes + colors(data), names: place + JSON.stringify(data.marks)};
  }

  /* Draws a view's map. Resolves to false when a newer one has come in between. */
  async function show(data) {
    const mine = ++token;
    await there;
    const box = map.getContainer(), none = !data.cells && !data.outline;
    if (box.hidden !== none) {
      box.hidden = none;
      if (!none) resized();
    }
    if (none) return mine === token;
    const moves = () => !shown || shown.division !== data.division || asked(shown) !== asked(data) || shown.screen !== data.screen;
    if (shown) yp.loads.early(pointsOf(data));                     // beside the ground, not after it
    const found = await yp.loads.ground(data, () => (moves() && yp.fit.bounds(data)) || sight());
    if (mine !== token) return false;
    const moved = moves(), before = state.paths;
    take(data, found);
    shown = data;
    if (moved && !leader) { fit(data); document.dispatchEvent(new CustomEvent('yiping:mapdrawn')); }
    const kept = said;
    said = says(data);
    if (said.ground !== kept.ground || state.paths !== before) sheets.ground.redraw();
    if (said.names !== kept.names) sheets.names.redraw();
    takeOverlays(data);
    yp.told.label(map, data, Boolean(leader));
    loadFiner(data);
    await Promise.all([loadPoints(data), yp.parts.inParts(data) && againCells(data)]);      // fitted, it may see other parts
    if (mine !== token) return false;
    await yp.view.painted();
    if (yp.state.at.tool === 'layers') yp.loads.ahead(data.finer || []);      // the drawer offers the levels below
    return mine === token;
  }

  function restyle() {
    if (!leader) yp.ground.forget();
    if (sheets) for (const sheet of Object.values(sheets)) sheet.redraw();
  }

  /* The first view's geometry is under way before Dash has started. */
  function ahead() {
    const held = document.getElementById('first-view');
    try {
      const data = JSON.parse(held.textContent).map;
      if (data && data.bounds) yp.geo.anchorAt((data.bounds[0] + data.bounds[2]) / 2, (data.bounds[1] + data.bounds[3]) / 2);
      if (data && typeof data.cells === 'string') yp.loads.ground(data, null);
    } catch (error) {
      console.info('map: nothing to load ahead');
    }
  }

  /* Taken down: what is still under way for it ends in nothing. */
  function end() {
    gone = true;
    token += 1;
    pointToken += 1;
    cellToken += 1;
    finerToken += 1;
  }

  return {install, show, end, addSheet, redraw, restyle, ahead, resized, touched, base, cell, state, added, there,
    sheet: (name) => (sheets ? sheets[name] : null), leaflet: () => map,
    sheets: () => Object.values(sheets)};
};

(function () {
  'use strict';
  const yp = window.yiping, main = yp.face(null);
  let given = null;                // what was last asked to be drawn

  /* Leaflet hands over the map that dash-leaflet makes, as soon as it stands. */
  window.L.Map.addInitHook(function () { this.whenReady(() => { if (!this.options.second) main.install(this); }); });

  /* Draws a view's map, and the one it is compared with. Resolves to false when a newer view has come in between. */
  async function show(data) {
    given = data;
    const done = await Promise.all([yp.compare.take(data), main.show(data)]);
    return done.every(Boolean);
  }

  /* A retry: what is wanted now is drawn once more, and may be a newer view than the one that stands. */
  async function again() {
    const data = given;
    if (data && await show(data)) yp.view.drawn(data.stamp);
  }

  function restyle() {
    main.restyle();
    yp.compare.restyle();
  }

  yp.map = Object.assign({}, main, {show, again, restyle, face: main, closeTip: () => yp.hand.hide()});
})();
