/* Drawing an area with mouse, finger or keyboard, and dragging its handles; what is done is a patch of `area`. By keyboard the middle of the map is the pen: the arrows move the map under it, Space sets a point. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MOST = 200, MOVED = 6, LEAST_M = 20;
  const SAYS = {
    circle: '按住圆心，拖到边缘后松开；也可先点圆心、再点边缘。按 Esc 取消',
    polygon: '依次点出各个顶点，点第一个顶点或按回车完成。退格撤回一点，Esc 取消',
    line: '依次点出线上各点，点最后一点或按回车完成；两侧各 500 米。退格撤回一点，Esc 取消',
  };
  const KEYS = '键盘：方向键移动地图（Shift 细移），空格在十字处定点，';
  const KEY_ENDS = {circle: '第一次定圆心，第二次定边缘', polygon: '回车完成', line: '回车完成'};
  let drawing = null, dragged = null, from = null, capture = 0, ended = -1000, on = null;

  const map = () => yp.map.leaflet();
  /* There are two while views are compared: the hand may be on either. */
  const maps = () => [map(), yp.compare.second() && yp.compare.second().leaflet()].filter(Boolean);
  const over = (event) => maps().find((one) => one.getContainer().contains(event.target)) || null;
  const loose = (may) => { for (const one of maps()) one.dragging[may ? 'enable' : 'disable'](); };
  const lonLat = (event) => {
    const at = (over(event) || on || map()).mouseEventToLatLng(event);
    return [at.lng, at.lat];
  };
  const pixels = (p, one) => (one || map()).latLngToContainerPoint([p[1], p[0]]);

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

  /* Takes the pointer until the shape is done or given up; `typed`: whoever begins has the hands on the keyboard. */
  function begin(form, typed) {
    const again = drawing && drawing.form === form;
    end();
    if (again) return;
    drawing = {form, points: [], reach: form === 'line' ? 500 : 0, hover: null};
    if (form === 'circle') loose(false);
    yp.hand.mode({click: form === 'circle' ? null : add, move: hover, cancel: () => end(true)});
    by(typed);
    tell();
    if (narrow()) map().getContainer().scrollIntoView({block: 'center'});
    for (const {style} of maps().map((one) => one.getContainer())) style.touchAction = 'none';
  }

  /* The keyboard goes on with the map and its middle is marked; the first touch of a pointer takes the mark away. */
  function by(typed) {
    drawing.typed = typed;
    yp.area.aim(typed);
    if (!typed) return;
    map().getContainer().focus({preventScroll: true});
    map().on('move', follow);
  }

  /* The rubber line from the last point to the middle of the map. */
  function follow() {
    if (!drawing || !drawing.typed) { map().off('move', follow); return; }
    if (drawing.points.length) hover({latlng: map().getCenter()});
    else yp.area.aim(true);
  }

  /* What to do next; by keyboard also what has been done, for whoever does not see it. */
  function tell() {
    const n = drawing.points.length, last = drawing.points[n - 1];
    if (!drawing.typed) { say(SAYS[drawing.form]); return; }
    const done = n ? '第 ' + n + ' 点 ' + last.map((v) => v.toFixed(5)).join(',') + '。' : '';
    say(done + KEYS + KEY_ENDS[drawing.form] + '。退格撤回，Esc 取消');
  }

  function middle() {
    const at = map().getCenter();
    return [at.lng, at.lat];
  }

  /* Space sets a point; of a circle the second time its rim. */
  function set() {
    const p = middle(), circle = drawing.form === 'circle', points = drawing.points;
    if (circle && points.length) {
      if (yp.area.meters(points[0], p) < LEAST_M) { say('十字还在圆心上，先用方向键移动地图'); return; }
      widen(p);
      commit(shapeOf(points));
      return;
    }
    if (points.length < MOST) points.push(p);
    drawing.hover = null;
    show();
    tell();
  }

  /* `taken`: the pointer is already somebody else's. */
  function end(taken) {
    if (!drawing) return;
    drawing = null;
    from = null;
    map().off('move', follow);
    loose(true);
    yp.area.draft(null);
    yp.area.aim(false);
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
    if (drawing.typed && moved(event.originalEvent)) by(false);
    const p = [event.latlng.lng, event.latlng.lat];
    if (drawing.form === 'circle') { if (drawing.points.length) widen(p); return; }
    if (drawing.points.length) { drawing.hover = p; show(); }
  }

  /* A map that slides under a resting pointer is no move of the hand. */
  const moved = (event) => Boolean(event && (event.movementX || event.movementY));

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
    if (!map() || event.button || !over(event) || event.target.closest('.leaflet-control')) return;
    on = over(event);
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
      widen(lonLat(event));
    }
  }

  function release(event) {
    if (dragged && event.pointerId === capture) { drop(); return; }
    if (!drawing || drawing.form !== 'circle' || !from) return;
    const far = Math.hypot(event.clientX - from[0], event.clientY - from[1]) > MOVED, second = drawing.tapped;
    from = null;
    ended = performance.now();
    if (far || second) { widen(lonLat(event)); commit(shapeOf(drawing.points)); } else drawing.tapped = true;
  }

  /* A handle under the finger: the map stays where it is and the shape follows. */
  function grab(event) {
    const shape = yp.area.current();
    if (!shape) return;
    const box = on.getContainer().getBoundingClientRect(), wide = event.pointerType === 'touch' ? 22 : 11;
    const at = window.L.point(event.clientX - box.left, event.clientY - box.top);
    const one = yp.area.handles(shape).map((handle) => ({handle, d: pixels(handle.at, on).distanceTo(at)}))
      .filter((found) => found.d < wide).sort((a, b) => a.d - b.d)[0];
    if (!one) return;
    hold(event);
    loose(false);
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
    loose(true);
    yp.hand.mode(null);
    yp.area.draft(null);
    if (moved) yp.view.set({area: yp.area.write(shape)});
  }

  /* Leaflet hears mouse and touch beside the pointer: while a shape is under the hand they are ours, and so is the click
     that ends a drag. */
  function mute(event) {
    if (!map() || !over(event) || event.target.closest('.leaflet-control')) return;
    const after = event.type === 'click' && performance.now() - ended < 400;
    if (dragged || after || (drawing && drawing.form === 'circle')) event.stopPropagation();
  }

  function keydown(event) {
    if (!drawing) return;
    const there = event.target === map().getContainer();
    const keys = {Escape: end, Enter: () => { if (drawing.form !== 'circle') finish(); else if (there && drawing.points.length) set(); },
      Backspace: () => { drawing.points.pop(); drawing.tapped = false; show(); tell(); }};
    if (there) keys[' '] = () => { if (!drawing.typed) by(true); set(); };
    if (!keys[event.key] || (event.key === 'Enter' && event.target.closest('button,a,input,select,summary'))) return;
    if (event.key === 'Backspace' && /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-act="draw"]');
    if (button && SAYS[button.dataset.kind]) begin(button.dataset.kind, event.detail === 0);
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
      if (drawing) tell();
    });
  });
})();
