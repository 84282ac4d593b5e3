/* States as shapes on a canvas: ○ 正常, △ 关注, ◇ 预警, □ 告警; the number inside is the count. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const FILL = {att: '--mk-yellow', warn: '--mk-orange', alarm: '--mk-red'};
  const RANK = {'': 0, ok: 0, att: 1, warn: 2, alarm: 3};
  const WORDS = {ok: '正常', att: '关注', warn: '预警', alarm: '告警', unknown: '未知', '': ''};
  const light = () => document.documentElement.dataset.theme === 'light';

  function outline(c, state, x, y, r) {
    c.beginPath();
    if (state === 'att') {
      c.moveTo(x, y - r * 1.42); c.lineTo(x + r * 1.4, y + r * 0.98); c.lineTo(x - r * 1.4, y + r * 0.98); c.closePath();
    } else if (state === 'warn') {
      c.moveTo(x, y - r * 1.24); c.lineTo(x + r * 1.24, y); c.lineTo(x, y + r * 1.24); c.lineTo(x - r * 1.24, y); c.closePath();
    } else if (state === 'alarm') {
      c.rect(x - r, y - r, 2 * r, 2 * r);
    } else {
      c.arc(x, y, r, 0, 2 * Math.PI);
    }
  }

  /* A filled mark with an optional number; fs = type size of the number. */
  function mark(c, state, at, text, fs) {
    const edge = light() && (state === 'att' || state === 'warn') ? yp.ground.color('--mk-edge') : yp.ground.color('--map-halo');
    outline(c, state, at.x, at.y, at.r);
    c.lineJoin = 'round';
    c.lineWidth = 1.6 * (at.u || 1);
    c.strokeStyle = edge;
    c.fillStyle = FILL[state] ? yp.ground.color(FILL[state]) : (light() ? '#5A6980' : '#DCE6F2');
    c.fill();
    c.stroke();
    if (!text) return;
    c.font = '700 ' + fs + 'px ' + yp.ground.color('--family');
    c.textAlign = 'center';
    c.textBaseline = 'alphabetic';
    c.fillStyle = light() && (state === 'alarm' || !FILL[state]) ? '#fff' : '#0B1426';
    c.fillText(text, at.x, at.y + fs * (state === 'att' ? 0.5 : 0.34));
  }

  /* An empty mark with a number: many things of one kind in a place, its edge by the worst state among them. */
  function hollow(c, state, at, text, fs) {
    outline(c, state, at.x, at.y, at.r);
    c.lineJoin = 'round';
    c.fillStyle = yp.ground.color('--panel');
    c.fill();
    c.lineWidth = (FILL[state] ? 2.6 : 1.4) * (at.u || 1);
    c.strokeStyle = yp.ground.color(FILL[state] || '--text-2');
    c.stroke();
    c.font = '600 ' + fs + 'px ' + yp.ground.color('--family');
    c.textAlign = 'center';
    c.textBaseline = 'alphabetic';
    c.fillStyle = yp.ground.color('--text');
    c.fillText(text, at.x, at.y + fs * (state === 'att' ? 0.5 : 0.34));
  }

  function plus(c, x, y, r) {
    const a = 1.25 * r, b = 0.45 * r, way = [[b, -a], [b, -b], [a, -b], [a, b], [b, b], [b, a], [-b, a], [-b, b], [-a, b], [-a, -b], [-b, -b]];
    c.moveTo(x - b, y - a);
    for (const [dx, dy] of way) c.lineTo(x + dx, y + dy);
    c.closePath();
  }

  /* Plain kinds of assets: circle square triangle diamond reservoir cross drop hexagon arrow house. */
  function kind(c, shape, x, y, r) {
    if (shape === 'square') c.rect(x - r, y - r, 2 * r, 2 * r);
    else if (shape === 'triangle') { c.moveTo(x, y - 1.3 * r); c.lineTo(x + 1.2 * r, y + r); c.lineTo(x - 1.2 * r, y + r); c.closePath(); }
    else if (shape === 'reservoir') { c.moveTo(x - 1.4 * r, y - r); c.lineTo(x + 1.4 * r, y - r); c.lineTo(x + 0.75 * r, y + r); c.lineTo(x - 0.75 * r, y + r); c.closePath(); }
    else if (shape === 'diamond') { c.moveTo(x, y - 1.3 * r); c.lineTo(x + 1.3 * r, y); c.lineTo(x, y + 1.3 * r); c.lineTo(x - 1.3 * r, y); c.closePath(); }
    else if (shape === 'cross') plus(c, x, y, r);
    else if (shape === 'hexagon') { c.moveTo(x, y - 1.25 * r); for (let k = 1; k < 6; k += 1) c.lineTo(x + 1.25 * r * Math.sin(k * Math.PI / 3), y - 1.25 * r * Math.cos(k * Math.PI / 3)); c.closePath(); }
    else if (shape === 'arrow') { c.moveTo(x + 1.35 * r, y); c.lineTo(x - r, y - 1.15 * r); c.lineTo(x - 0.35 * r, y); c.lineTo(x - r, y + 1.15 * r); c.closePath(); }
    else if (shape === 'drop') { c.moveTo(x, y - 1.5 * r); c.lineTo(x + 0.8 * r, y - 0.3 * r); c.arc(x, y + 0.2 * r, 0.95 * r, -0.55, Math.PI + 0.55); c.closePath(); }
    else if (shape === 'house') { c.moveTo(x, y - 1.3 * r); c.lineTo(x + 1.2 * r, y - 0.1 * r); c.lineTo(x + 0.9 * r, y + r); c.lineTo(x - 0.9 * r, y + r); c.lineTo(x - 1.2 * r, y - 0.1 * r); c.closePath(); }
    else { c.moveTo(x + r, y); c.arc(x, y, r, 0, 2 * Math.PI); }
  }

  /* The middle of the window, where the keyboard sets its points. */
  function cross(pen, stack) {
    const size = stack.map.getSize(), x = stack.pad.x + size.x / 2, y = stack.pad.y + size.y / 2, r = 11 * pen.u;
    pen.c.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1]]) { pen.c.moveTo(x - dx * r, y - dy * r); pen.c.lineTo(x + dx * r, y + dy * r); }
    for (const [token, width] of [['--map-halo', 4], ['--text', 1.4]]) {
      pen.c.strokeStyle = yp.ground.color(token);
      pen.c.lineWidth = width * pen.u;
      pen.c.stroke();
    }
  }

  const worst = (a, b) => ((RANK[b] || 0) > (RANK[a] || 0) ? b : a);

  yp.shapes = {mark, hollow, kind, cross, worst, outline, RANK, WORDS, FILL, light};
})();
