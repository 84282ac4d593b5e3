/* Two maps that move as one: side by side, or one over the other with a handle between them. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const STEP = 2, LEAP = 10, MOST = 4, WRITE_MS = 300;
  const COPIED = ['minZoom', 'maxZoom', 'zoomSnap', 'zoomDelta', 'wheelPxPerZoomLevel', 'zoomAnimation',
    'fadeAnimation', 'inertia', 'preferCanvas', 'trackResize'];
  let second = null, told = null, look = '', cut = 50, handle = null, pointed = '', moving = false;

  const box = () => yp.map.leaflet().getContainer().parentElement;

  /* What the view's map says of a comparison. Resolves when the second map, if there is one, has been painted. */
  async function take(data) {
    await yp.map.face.there;
    told = data.compare || null;
    pointed = '';
    mark();
    const next = (data.other && told && told.look) || '';
    if (next !== look) arrange(next);
    if (!next) return true;
    name();
    return second.show(Object.assign({}, data.other, {label: told.labels[1], screen: data.screen}));
  }

  /* One map, two halves, or one over the other. */
  function arrange(next) {
    look = next;
    const held = box();
    if (next) held.dataset.look = next;
    else delete held.dataset.look;
    if (next && !second) begin(held);
    if (!next && second) finish();
    if (handle) handle.hidden = next !== 'slider';
    shift(parseFloat((yp.state.at || {}).cut || 50));
    yp.map.face.resized();
  }

  function begin(held) {
    const main = yp.map.leaflet(), ground = document.createElement('div');
    ground.className = 'ground ground-b';
    held.append(ground);
    const options = {second: true, zoomControl: false, attributionControl: false, center: main.getCenter(), zoom: main.getZoom()};
    for (const key of COPIED) options[key] = main.options[key];
    second = yp.face(yp.map.face);
    second.install(new window.L.Map(ground, options));
    second.ties = [tie(main, second.leaflet()), tie(second.leaflet(), main)];
    handle = grip();
    held.append(handle);
  }

  function finish() {
    second.end();
    for (const untie of second.ties) untie();
    yp.hand.use(yp.map.leaflet(), yp.map.state);
    const ground = second.leaflet().getContainer();
    second.leaflet().remove();
    ground.remove();
    handle.remove();
    second = handle = null;
  }

  /* Where one map goes the other goes. While dragging only its pane is pushed, as Leaflet does itself: a whole new view at
     every step of the hand would paint everything anew. */
  function tie(from, to) {
    const move = () => follow(from, to);
    const rest = () => { if (!moving) quietly(() => to.fire('moveend')); };
    from.on('move', move);
    from.on('moveend', rest);
    return () => { from.off('move', move); from.off('moveend', rest); };
  }

  function quietly(act) {
    moving = true;
    try { act(); } finally { moving = false; }
  }

  function follow(from, to) {
    if (moving) return;
    quietly(() => {
      if (from.getZoom() !== to.getZoom()) { turn(from, to); return; }
      const by = to.latLngToContainerPoint(from.getCenter()).subtract(to.getSize().divideBy(2)).round();
      if (!by.x && !by.y) return;
      to._rawPanBy(by);
      to.fire('move');
    });
  }

  function turn(from, to) {
    const snap = to.options.zoomSnap;
    to.options.zoomSnap = 0;                     // the leader's zoom may lie between the steps of the hand
    to.setView(from.getCenter(), from.getZoom(), {animate: false});
    to.options.zoomSnap = snap;
  }

  function resized() {
    if (!second) return;
    box().style.setProperty('--behind', yp.map.state.top + 'px');      // the handle stays below a wall's sentence and figures
    second.resized();
    quietly(() => turn(yp.map.leaflet(), second.leaflet()));
  }

  /* The handle between two maps that lie over each other. */
  function grip() {
    const made = document.createElement('div'), line = document.createElement('span');
    made.className = 'cut';
    made.tabIndex = 0;
    made.setAttribute('role', 'slider');
    made.setAttribute('aria-label', '两图分界');
    made.setAttribute('aria-orientation', 'horizontal');
    made.setAttribute('aria-valuemin', '0');
    made.setAttribute('aria-valuemax', '100');
    line.className = 'cut-grip';
    made.append(document.createElement('b'), line, document.createElement('b'));
    const drag = (event) => put(100 * (event.clientX - box().getBoundingClientRect().left) / box().clientWidth);
    made.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      made.focus();
      made.setPointerCapture(event.pointerId);
    });
    made.addEventListener('pointermove', (event) => { if (made.hasPointerCapture(event.pointerId)) drag(event); });
    made.addEventListener('keydown', key);
    return made;
  }

  function key(event) {
    const far = event.shiftKey ? LEAP : STEP;
    const to = {ArrowLeft: cut - far, ArrowDown: cut - far, ArrowRight: cut + far, ArrowUp: cut + far, PageDown: cut - LEAP,
      PageUp: cut + LEAP, Home: 0, End: 100}[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    put(to);
  }

  /* Where the hand left the handle goes into the address. */
  let writing = 0;
  function put(to) {
    shift(to);
    clearTimeout(writing);
    writing = setTimeout(() => { if (look === 'slider') yp.view.set({cut: String(Math.round(cut))}, 'replace'); }, WRITE_MS);
  }

  function shift(to) {
    cut = Number.isFinite(to) ? Math.max(0, Math.min(100, to)) : 50;
    box().style.setProperty('--cut', cut + '%');
    if (handle) name();
  }

  function name() {
    const [here, there] = told && told.labels ? told.labels : ['', ''];
    handle.firstChild.textContent = here;
    handle.lastChild.textContent = there;
    handle.setAttribute('aria-valuenow', String(Math.round(cut)));
    handle.setAttribute('aria-valuetext', '左侧 ' + here + ' 占 ' + Math.round(cut) + '%，右侧 ' + there);
  }

  /* Whose marks lie under a point: right of the handle the second map's. */
  function under(state, point) {
    if (!second || look !== 'slider' || state !== yp.map.state) return state;
    return point.x > cut / 100 * yp.map.leaflet().getSize().x ? second.state : state;
  }

  /* What both sides say of a place, and what lies between them. */
  function lines(cell) {
    if (!told || !told.labels || !(second || told.texts)) return '';
    const said = (face) => (yp.values.of(face.state.values, cell) || [0, '未知'])[1];
    const [here, there] = second ? [said(yp.map.face), said(second)] : yp.values.of(told.texts, cell) || ['未知', '未知'];
    const step = yp.values.of(told.steps, cell);
    return [told.labels[0] + '：' + here, told.labels[1] + '：' + there].concat(step ? ['差值：' + step] : []).join('\n');
  }

  /* The place under the hand is marked on both maps. */
  function point(code) {
    const next = told && told.labels && code ? code : '';
    if (next === pointed) return;
    pointed = next;
    mark();
  }

  function mark() {
    if (yp.map.leaflet()) yp.map.face.redraw('chosen');
  }

  const idle = () => !pointed && !(told && told.chosen.length);

  function paint(pen, state) {
    for (const code of told ? told.chosen.concat(pointed) : []) {
      const cell = yp.map.face.cell(code, state);
      if (!cell) continue;
      pen.stroke(cell.path, yp.ground.color('--map-halo'), 4.5);
      pen.stroke(cell.path, yp.ground.color('--accent'), 2.4);
    }
  }

  const picking = () => yp.state.at.tool === 'compare' && /^divisions:/.test(yp.state.at.compare || '');
  const codes = () => yp.state.at.compare.slice('divisions:'.length).split(',').filter(Boolean);

  /* With the tool open a click on the map puts a division in, or takes it out. */
  function pick(code) {
    if (!picking()) return false;
    const held = codes(), rest = held.filter((one) => one !== code);
    if (rest.length === held.length && held.length >= MOST) yp.notice.say('最多同时对比 4 个区划，请先移除一个');
    else yp.view.set({compare: 'divisions:' + (rest.length < held.length ? rest : held.concat(code)).join(',')});
    return true;
  }

  /* A name that was found in the list of the search. */
  function added(event) {
    if (!event.target.matches || !event.target.matches('[data-compare-add]') || !yp.state.at) return;
    const asked = event.target.value.trim(), all = Array.from(event.target.list ? event.target.list.options : []);
    const found = all.find((one) => one.value === asked || one.dataset.code === asked);
    if (!found) return;
    event.target.value = '';
    pick(found.dataset.code);
  }

  function chosen(node) {
    const field = node.parentElement.querySelector('input');
    if (field && field.value) yp.view.set({compare: 'at:' + field.value});
    else if (field) yp.notice.say('请先填写要对比的日期和时间');
  }

  document.addEventListener('input', added);
  document.addEventListener('click', (event) => {
    const node = event.target.closest('[data-compare-at]');
    if (node) chosen(node);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !event.target.matches || !event.target.matches('[name="vs-at"]')) return;
    chosen(event.target);
  });

  yp.map.addSheet({name: 'chosen', order: 45, paint, idle});
  yp.compare = {take, under, lines, point, pick, resized, redraw: (name) => { if (second) second.redraw(name); },
    restyle: () => { if (second) second.restyle(); }, second: () => second, at: () => cut,
    turning: () => moving};
})();
