/* The map by keyboard: arrows walk from division to division, Enter goes in, plus and minus zoom, Shift and arrows move. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const WAY = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]};
  const ZOOM = {'+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', '_': 'zoomOut'};
  const PAN_PX = 120, FINE_PX = 8, SIDEWAYS = 2.2;
  const HELP = '方向键选区划，回车进入，退格返回上一级，加减号缩放，Shift 加方向键移动地图';
  let map = null, state = null, at = null, said = null;

  /* Cells that can be stepped on: those of the level shown, inside the selection where there is one. */
  function cells() {
    const all = state.level ? state.level.cells : [];
    const inside = state.focusCodes ? all.filter((cell) => state.focusCodes.has(cell.code)) : all;
    return inside.length ? inside : all;
  }

  /* The nearest one whose middle lies that way; one that lies aside counts as farther. */
  function next(from, way, among) {
    let best = null, least = Infinity;
    for (const cell of among) {
      const dx = cell.heart.x - from.x, dy = cell.heart.y - from.y;
      const along = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (along <= 0 || aside > along * SIDEWAYS) continue;
      const cost = along + aside * SIDEWAYS;
      if (cost < least) { least = cost; best = cell; }
    }
    return best;
  }

  function middle() {
    const c = map.getCenter();
    return {x: yp.geo.planeX(c.lng), y: yp.geo.planeY(c.lat)};
  }

  function nearest(from, among) {
    const far = (cell) => Math.hypot(cell.heart.x - from.x, cell.heart.y - from.y);
    return among.reduce((best, cell) => (!best || far(cell) < far(best) ? cell : best), null);
  }

  function step(way) {
    const among = cells();
    const found = at && among.includes(at) ? next(at.heart, way, among) : nearest(middle(), among);
    if (!found) return;
    at = found;
    inSight(found);
    tell(found);
    yp.hand.point(found);
    yp.compare.point(found.code);
    yp.foresee.rest(yp.hand.into(found));
    redraw();
  }

  /* The cell stood on is moved into the window when it is outside. */
  function inSight(cell) {
    const [lng, lat] = yp.geo.lonLat(cell.heart.x, cell.heart.y);
    if (!map.getBounds().contains([lat, lng])) map.panTo([lat, lng], {animate: false});
  }

  function tell(cell) {
    const value = state.values[cell.code], mark = state.marks[cell.code];
    const both = yp.compare.lines(cell).split('\n').join('，');
    const words = [cell.name, both || (value && value[1]), mark && mark[0] + ' 件', mark && yp.shapes.WORDS[mark[1]]];
    said.textContent = words.filter(Boolean).join('，');
  }

  function redraw() {
    const sheet = yp.map.sheet('walk');
    if (sheet) sheet.redraw();
  }

  function leave() {
    const was = at;
    at = null;
    if (was) { yp.hand.hide(); yp.compare.point(''); redraw(); }
    return Boolean(was);
  }

  function enter() {
    const into = yp.hand.into(at);
    if (yp.compare.pick(into.division)) return;
    leave();
    yp.view.set(into);
  }

  /* A tool that draws has the other keys; the arrows move the map under it, with Shift by little. */
  function pan(event) {
    const way = WAY[event.key], px = yp.hand.drawing() && event.shiftKey ? FINE_PX : PAN_PX;
    if (way) map.panBy([way[0] * px, way[1] * px], {animate: false});
    else if (ZOOM[event.key] && yp.hand.drawing()) map[ZOOM[event.key]](undefined, {animate: false});
    return Boolean(way || ZOOM[event.key]);
  }

  function act(event) {
    const way = WAY[event.key];
    if (way && event.shiftKey) pan(event);
    else if (way) step(way);
    else if (ZOOM[event.key]) map[ZOOM[event.key]]();
    else if (event.key === 'Enter' && at) enter();
    else return event.key === 'Escape' && leave();
    return true;
  }

  function keydown(event) {
    const plain = !(event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented);
    if (!plain || event.target !== map.getContainer()) return;
    if (yp.hand.drawing() ? pan(event) : act(event)) event.preventDefault();
  }

  function paint(pen) {
    if (!at) return;
    pen.stroke(at.path, yp.ground.color('--map-halo'), 6);
    pen.stroke(at.path, yp.ground.color('--accent'), 3);
  }

  function answered() {
    leave();
    const here = document.querySelector('.crumb > b');
    if (said && here && document.activeElement === map.getContainer()) said.textContent = '现在看' + here.textContent;
  }

  function install(found, shared) {
    map = found;
    state = shared;
    const box = map.getContainer();
    said = document.createElement('div');
    said.className = 'unseen';
    said.setAttribute('role', 'status');
    box.appendChild(said);
    box.tabIndex = 0;
    box.setAttribute('aria-roledescription', '地图，' + HELP);
    box.addEventListener('keydown', keydown);
    box.addEventListener('blur', leave);
    document.addEventListener('yiping:mapdrawn', answered);
  }

  yp.walk = {install, next, at: () => at};
  yp.map.addSheet({name: 'walk', order: 55, paint, idle: () => !at, single: true});
})();
