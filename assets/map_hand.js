/* The hand on the map: what is under it, a line of text beside it, and what a click does. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let map = null, state = null, tip = null, asked = 0, at = null, pinned = false, mode = null;
  const stood = new Set();         // the maps that stand: a tool that draws has them all

  function plane(latlng) {
    return {x: yp.geo.planeX(latlng.lng), y: yp.geo.planeY(latlng.lat)};
  }

  function cellAt(level, p) {
    return level ? level.cells.find((cell) => yp.geo.contains(cell, p.x, p.y)) || null : null;
  }

  /* What lies under a place of the map: a mark before a cell. */
  function under(latlng) {
    const p = plane(latlng), k = 2 ** (map.getZoom() - yp.geo.ZOOM);
    const mark = yp.points.hit(state, p.x, p.y, k);
    return mark ? {mark} : {cell: cellAt(state.level, p)};
  }

  function line(found) {
    if (found.mark) {
      const m = found.mark, word = yp.shapes.WORDS[m.state] || '';
      if (m.kind === 'cluster') return [m.n + ' ' + m.unit, [m.kinds, word && word !== '正常' ? '其中最重：' + word : '', '点击放大'].filter(Boolean).join('·')];
      return [m.one.name, [word, m.one.text].filter(Boolean).join('·')];
    }
    const cell = found.cell, value = yp.values.of(state.values, cell);
    return [cell.name, yp.compare.lines(cell) || (value && value[1] ? value[1] : '')];
  }

  /* The card holds text only: a name from a feed can never become markup. */
  function show(found, point) {
    const [head, body] = line(found);
    if (!head && !body) { hide(); return; }
    tip.firstChild.textContent = head;
    tip.lastChild.textContent = body;
    tip.hidden = false;
    const size = map.getSize(), w = tip.offsetWidth, h = tip.offsetHeight;
    const x = point.x + 14 + w > size.x ? point.x - 14 - w : point.x + 14;
    const y = Math.max(4, Math.min(size.y - h - 4, point.y + 14));
    tip.style.transform = 'translate(' + Math.round(x) + 'px,' + Math.round(y) + 'px)';
  }

  function hide() {
    const was = tip && !tip.hidden;
    if (tip) tip.hidden = true;
    pinned = false;
    return Boolean(was);
  }

  function hover() {
    asked = 0;
    if (!at || pinned) return;
    const found = under(at.latlng), target = found.mark || found.cell;
    map.getContainer().style.cursor = target ? 'pointer' : '';
    if (target) show(found, at.containerPoint);
    else hide();
    yp.compare.point(found.cell ? found.cell.code : '');
    yp.foresee.rest(found.cell ? into(found.cell) : null);
  }

  /* Hands the pointer to a tool that draws: {click, move, double, key, cancel}; null gives it back. */
  function setMode(next) {
    if (mode === next) return;
    const left = mode;
    mode = next;
    hide();
    for (const one of stood) lend(one);
    if (left && left.cancel) left.cancel();
  }

  function lend(one) {
    one.getContainer().classList.toggle('drawing', Boolean(mode));
    one.doubleClickZoom[mode ? 'disable' : 'enable']();
  }

  function told(name, event) {
    if (!mode) return false;
    if (mode[name]) mode[name](event);
    return true;
  }

  /* What is here: asked by the right button, a long press or the menu key. */
  function what(latlng, point) {
    document.dispatchEvent(new CustomEvent('yiping:what', {detail: {lon: latlng.lng, lat: latlng.lat, point}}));
  }

  function menu(event) {
    if (event.originalEvent) event.originalEvent.preventDefault();
    if (!mode) what(event.latlng, event.containerPoint);
  }

  function keydown(event) {
    const over = event.originalEvent || event;
    if (mode) {
      if (over.key === 'Escape') { over.preventDefault(); setMode(null); } else if (mode.key) mode.key(over);
      return;
    }
    if (over.key !== 'ContextMenu' && !(over.shiftKey && over.key === 'F10')) return;
    over.preventDefault();
    const cell = yp.walk && yp.walk.at(), on = cell && yp.geo.lonLat(cell.heart.x, cell.heart.y);
    const point = on ? map.latLngToContainerPoint([on[1], on[0]]) : map.getSize().divideBy(2);
    what(map.containerPointToLatLng(point), point);
  }

  function move(event) {
    at = event;
    if (told('move', event)) return;
    if (!asked) asked = requestAnimationFrame(hover);
  }

  /* The line beside a cell that was reached without a pointer. */
  function point(cell) {
    const [lng, lat] = yp.geo.lonLat(cell.heart.x, cell.heart.y);
    show({cell}, map.latLngToContainerPoint([lat, lng]));
  }

  function leave() {
    at = null;
    yp.compare.point('');
    yp.foresee.rest(null);
    if (!pinned) hide();
  }

  function click(event) {
    if (told('click', event)) return;
    pinned = false;
    const found = under(event.latlng);
    if (found.mark) { touch(found, event); return; }
    const cell = found.cell;
    if (!cell || yp.compare.pick(into(cell).division)) return;
    hide();
    yp.view.set(into(cell));
  }

  /* Where a click on a cell leads. A dimmed one outside the selection leads to its own parent: the eye sees one level. */
  function into(cell) {
    const outside = state.focusCodes && !state.focusCodes.has(cell.code);
    return {division: outside ? (cell.parent || cell.code) : cell.code};
  }

  function touch(found, event) {
    const mark = found.mark;
    if (mark.kind === 'cluster') {
      hide();
      map.setView(event.latlng, Math.min(map.getMaxZoom(), map.getZoom() + 1.5), {animate: false});
      return;
    }
    show(found, event.containerPoint);
    pinned = true;
    const {id, feed} = mark.one;
    document.dispatchEvent(new CustomEvent('yiping:point', {detail: {layer: mark.layer, id, feed}}));
  }

  /* The map under the hand: there are two while views are compared, and over the page's own may lie the other's half. */
  function use(found, shared, event) {
    map = found;
    state = event && event.containerPoint ? yp.compare.under(shared, event.containerPoint) : shared;
    if (tip.parentNode !== found.getContainer()) found.getContainer().appendChild(tip);
  }

  function install(found, shared) {
    if (!tip) card();
    const here = (act) => (event) => { use(found, shared, event); return act(event); };
    map = map || found;
    state = state || shared;
    stood.add(found);
    found.on('unload', () => stood.delete(found));
    if (mode) lend(found);
    found.on('mousemove', here(move));
    found.on('mouseout', leave);
    found.on('click', here(click));
    found.on('dblclick', here((event) => told('double', event)));
    found.on('contextmenu', here(menu));
    found.on('keydown', here(keydown));
    found.on('movestart', () => hide());
  }

  function card() {
    tip = document.createElement('div');
    tip.className = 'maptip';
    tip.hidden = true;
    tip.append(document.createElement('b'), document.createElement('span'));
  }

  yp.hand = {install, use, hide, mode: setMode, drawing: () => Boolean(mode), what, point, into, under, cellAt};
})();
