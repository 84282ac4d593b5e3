/* Drawing an area with mouse or finger, dragging its handles, and the same by typing; what is done is a patch of `area`. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MOST = 200, MOVED = 6;
  const SAYS = {
    circle: '按住圆心，拖到边缘后松开；也可先点圆心、再点边缘。按 Esc 取消',
    polygon: '依次点出各个顶点，点第一个顶点或按回车完成。退格撤回一点，Esc 取消',
    line: '依次点出线上各点，点最后一点或按回车完成；两侧各 500 米。退格撤回一点，Esc 取消',
  };
  let drawing = null, dragged = null, look = false, from = null, capture = 0, ended = -1000;

  /* The map under the hand: while two are compared it may be either. */
  const maps = () => [yp.map.leaflet(), (yp.compare.second() || {leaflet: () => null}).leaflet()].filter(Boolean);
  const on = (event) => maps().find((one) => one.getContainer().contains(event.target)
    && !event.target.closest('.leaflet-control'));
  let under = null;
  const map = () => (maps().includes(under) ? under : yp.map.leaflet());
  const lonLat = (event) => {
    const at = map().mouseEventToLatLng(event);
    return [at.lng, at.lat];
  };
  const pixels = (p) => map().latLngToContainerPoint([p[1], p[0]]);
  const still = (held) => { for (const one of maps()) one.dragging[held ? 'disable' : 'enable'](); };

  function say(text) {
    const line = document.querySelector('.draw-says');
    if (line) line.textContent = text === null ? line.dataset.idle : text;
    hint(text !== null && narrow() ? text : '');
    for (const button of document.querySelectorAll('.draw [data-act="draw"]')) {
      button.setAttribute('aria-pressed', String(Boolean(drawing) && button.dataset.kind === drawing.form));
    }
  }

  /* Where the drawer is out of sight the map says it itself. */
  function hint(text) {
    let line = document.querySelector('.maphint');
    if (!line && !text) return;
    if (!line) {
      line = document.createElement('div');
      line.className = 'maphint';
      map().getContainer().append(line);
    }
    line.textContent = text;
    line.hidden = !text;
  }

  /* Takes the pointer until the shape is done or given up. */
  function begin(form) {
    const again = drawing && drawing.form === form;
    end();
    if (again) return;
    drawing = {form, points: [], reach: form === 'line' ? 500 : 0, hover: null};
    if (form === 'circle') still(true);
    yp.hand.mode({click: form === 'circle' ? null : add, move: hover, cancel: () => end(true)});
    say(SAYS[form]);
    if (narrow()) map().getContainer().scrollIntoView({block: 'center'});
    for (const {style} of maps().map((one) => one.getContainer())) style.touchAction = 'none';
  }

  /* `taken`: the pointer is already somebody else's. */
  function end(taken) {
    if (!drawing) return;
    drawing = null;
    from = null;
    still(false);
    yp.area.draft(null);
    if (taken !== true) yp.hand.mode(null);
    say(null);
  }

  function commit(shape) {
    const text = yp.area.write(shape);
    end();
    yp.view.set({area: text, tool: 'area'});
    if (narrow()) document.querySelector('.toolbox').scrollIntoView({block: 'start'});
  }

  /* Where the drawer stands below the map, and so one of them is out of sight. */
  const narrow = () => ['static', 'relative'].includes(getComputedStyle(document.querySelector('.toolbox')).position);

  const shapeOf = (points) => ({form: drawing.form, points, reach: drawing.reach});

  function show() {
    const points = drawing.hover ? [...drawing.points, drawing.hover] : drawing.points;
    yp.area.draft(points.length ? shapeOf(points) : null);
  }

  /* A corner; on the first one (of a line the last) the shape is done. */
  function add(event) {
    under = event.target;
    const p = [event.latlng.lng, event.latlng.lat], points = drawing.points;
    const close = drawing.form === 'polygon' ? points[0] : points[points.length - 1];
    const near = matchMedia('(pointer: coarse)').matches ? 22 : 14;
    if (close && pixels(close).distanceTo(event.containerPoint) < near) { finish(); return; }
    if (points.length < MOST) points.push(p);
    drawing.hover = null;
    show();
  }

  function hover(event) {
    if (!drawing) return;
    const p = [event.latlng.lng, event.latlng.lat];
    if (drawing.form === 'circle') { if (drawing.points.length) widen(p); return; }
    if (drawing.points.length) { drawing.hover = p; show(); }
  }

  function widen(p) {
    drawing.reach = yp.area.round(yp.area.meters(drawing.points[0], p));
    yp.area.draft(shapeOf(drawing.points));
  }

  function finish() {
    const least = drawing.form === 'polygon' ? 3 : 2;
    if (drawing.points.length < least) {
      say('还差 ' + (least - drawing.points.length) + ' 个点');
      return;
    }
    commit(shapeOf(drawing.points));
  }

  /* A circle is one gesture, so it listens to the pointer itself: press, drag, let go; or two taps. */
  function press(event) {
    const found = on(event);
    if (!found || event.button) return;
    under = found;
    if (drawing && drawing.form === 'circle') {
      hold(event);
      from = [event.clientX, event.clientY];
      if (!drawing.points.length) drawing.points = [lonLat(event)];
      widen(lonLat(event));
      return;
    }
    if (!drawing) grab(event);
  }

  function hold(event) {
    capture = event.pointerId;
    event.preventDefault();
    event.stopPropagation();
  }

  function travel(event) {
    if (dragged && event.pointerId === capture) { event.stopPropagation(); pull(lonLat(event)); return; }
    if (drawing && drawing.form === 'circle' && drawing.points.length && (from === null || event.pointerId === capture)) {
      if (from === null) under = on(event) || under;
      widen(lonLat(event));
    }
  }

  function release(event) {
    if (dragged && event.pointerId === capture) { drop(); return; }
    if (!drawing || drawing.form !== 'circle' || !from) return;
    const moved = Math.hypot(event.clientX - from[0], event.clientY - from[1]) > MOVED, second = drawing.tapped;
    from = null;
    ended = performance.now();
    if (moved || second) { widen(lonLat(event)); commit(shapeOf(drawing.points)); } else drawing.tapped = true;
  }

  /* A handle under the finger: the map stays where it is and the shape follows. */
  function grab(event) {
    const shape = yp.area.current();
    if (!shape) return;
    const box = map().getContainer().getBoundingClientRect(), wide = event.pointerType === 'touch' ? 22 : 11;
    const at = window.L.point(event.clientX - box.left, event.clientY - box.top);
    const one = yp.area.handles(shape).map((handle) => ({handle, d: pixels(handle.at).distanceTo(at)}))
      .filter((found) => found.d < wide).sort((a, b) => a.d - b.d)[0];
    if (!one) return;
    hold(event);
    still(true);
    yp.hand.mode({});
    const points = shape.points.slice();
    if (one.handle.kind === 'between') points.splice(one.handle.k, 0, one.handle.at);
    dragged = {shape: Object.assign({}, shape, {points}), handle: one.handle, moved: false};
  }

  function pull(p) {
    const {shape, handle} = dragged;
    dragged.moved = true;
    if (handle.kind === 'rim') shape.reach = yp.area.round(yp.area.meters(shape.points[0], p));
    else shape.points[handle.k] = p;
    yp.area.draft(shape);
  }

  function drop() {
    const {shape, moved} = dragged;
    dragged = null;
    ended = performance.now();
    still(false);
    yp.hand.mode(null);
    yp.area.draft(null);
    if (moved) yp.view.set({area: yp.area.write(shape)});
  }

  /* Leaflet hears mouse and touch beside the pointer: while a shape is under the hand they are ours, and so is the click
     that ends a drag. */
  function mute(event) {
    if (!on(event)) return;
    const after = event.type === 'click' && performance.now() - ended < 400;
    if (dragged || after || (drawing && drawing.form === 'circle')) event.stopPropagation();
  }

  function keydown(event) {
    if (!drawing) return;
    const keys = {Escape: end, Enter: () => { if (drawing.form !== 'circle') finish(); },
      Backspace: () => { drawing.points.pop(); drawing.tapped = false; show(); }};
    if (!keys[event.key] || (event.key === 'Enter' && event.target.closest('button,a,input,select,summary'))) return;
    if (event.key === 'Backspace' && /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  }

  function typed(form) {
    const value = (name) => form.elements.namedItem(name).value.trim().replace(/[，、\s]+/g, ',');
    const text = form.dataset.kind === 'river' ? 'river:' + form.elements.namedItem('river').value + ',' + value('band') :
      'circle:' + value('center') + ',' + value('radius');
    look = true;
    delete form.dataset.dirty;
    if (!yp.view.set({area: text, tool: 'area'})) { look = false; all(); }
  }

  function fill(p) {
    const box = document.querySelector('.tool-area [name="center"]');
    if (!box || !p) return;
    box.value = p[0].toFixed(5) + ',' + p[1].toFixed(5);
    box.form.dataset.dirty = '1';
    box.closest('form').elements.namedItem('radius').focus();
  }

  function all() {
    const told = yp.area.told(), b = told && told.bounds;
    if (b) map().fitBounds([[b[1], b[0]], [b[3], b[2]]], {animate: false, padding: [36, 36]});
  }

  function pinned() {
    const told = ((yp.view.last() || {}).map || {}).overlays, pin = told && told.pin;
    return pin ? [pin.lon, pin.lat] : null;
  }

  const BUTTONS = {
    circle: () => begin('circle'), polygon: () => begin('polygon'), line: () => begin('line'), show: all,
    middle: () => fill([map().getCenter().lng, map().getCenter().lat]), pin: () => fill(pinned()),
  };

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-act="draw"]');
    if (button && BUTTONS[button.dataset.kind]) BUTTONS[button.dataset.kind]();
  });
  document.addEventListener('submit', (event) => {
    if (!event.target.matches('.tool-area form.typed')) return;
    event.preventDefault();
    typed(event.target);
  });
  document.addEventListener('pointerdown', press, true);
  document.addEventListener('pointermove', travel, true);
  document.addEventListener('pointerup', release, true);
  document.addEventListener('pointercancel', () => { if (dragged) { dragged.moved = false; drop(); } }, true);
  for (const name of ['mousedown', 'touchstart', 'click']) document.addEventListener(name, mute, true);
  document.addEventListener('keydown', keydown, true);
  document.addEventListener('yiping:answer', () => {
    if (drawing && yp.state.at.tool !== 'area') end();
    yp.view.painted().then(yp.view.painted).then(() => {      // the drawer and the map's part come one frame later
      if (drawing) say(SAYS[drawing.form]);
      if (look && yp.area.told()) { look = false; all(); }
    });
  });
})();
