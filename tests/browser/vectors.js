/* Pure functions of the client against hand-worked values; answers a list of what is wrong. */
() => {
  const wrong = [];
  const same = (name, got, want) => {
    if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push(name + ': ' + JSON.stringify(got) + ' ≠ ' + JSON.stringify(want));
  };
  const now = 1e12;
  const judge = (fresh, age, contact, cadence, scheduled) => yiping.fresh.judge({fresh, scheduled, cadence: String(cadence),
    time: String((now - age * 1000) * 1000), contact: String((now - contact * 1000) * 1000)}, now);
  for (const [fresh, age, contact, cadence, scheduled, want] of [
    ['live', 10, 10, 5, '0', 'live'], ['live', 31, 31, 5, '0', 'late'], ['live', 899, 10, 300, '0', 'live'],
    ['live', 901, 901, 300, '0', 'late'], ['live', 3700, 3700, 300, '0', 'down'], ['live', 3500, 3500, 300, '0', 'late'],
    ['live', 20000, 10, 300, '0', 'late'], ['late', 10, 10, 5, '0', 'late'], ['down', 10, 10, 5, '0', 'down'],
    ['unknown', 10, 10, 5, '0', 'unknown'], ['scheduled', 9e6, 9e6, 86400, '1', 'scheduled'],
  ]) same('judge ' + [fresh, age, contact, cadence], judge(fresh, age, contact, cadence, scheduled), want);

  const s = yiping.state;
  same('window rules over from and to', s.reduce({screen: 'overview', division: '1', bbox: '1,2,3,4', from: 'a', to: 'b'},
    {division: null, window: '7d', evil: 'x'}), {screen: 'overview', window: '7d'});
  same('another screen drops what was the map\'s', s.reduce({screen: 'overview', division: '1', metric: 'aqi', 'f.category': 'x'},
    {screen: 'events'}), {screen: 'events', division: '1'});
  same('parse', s.parse('/events', '?division=36&f.stage=%E5%A4%84%E7%BD%AE&nonsense=1'),
    {screen: 'events', division: '36', 'f.stage': '处置'});
  same('address', s.address({screen: 'overview', 'f.a': '甲 乙', division: '1'}), '/?division=1&f.a=%E7%94%B2+%E4%B9%99');
  same('question', s.question({screen: 'events', theme: 'light', bbox: '1', window: '7d'}), 'screen=events&window=7d');
  same('prototype names are no names', s.reduce({screen: 'overview'}, JSON.parse('{"__proto__": "x", "constructor": "y"}')),
    {screen: 'overview'});

  same('ages', [5, 125, 9000, 270000].map((t) => yiping.fresh.age(t)), ['5 秒', '2 分', '2 小时 30 分', '3 天 3 小时']);
  same('short ages', [2100, 9000, 64800, 187200].map((t) => yiping.fresh.age(t, 'short')),
    ['35分', '02时30分', '18时00分', '2天04时']);
  same('date', yiping.fresh.date(Date.UTC(2026, 10, 20, 1, 41)), '2026 年 11 月 20 日 星期五');
  same('clock', yiping.fresh.clock(Date.UTC(2026, 10, 20, 16, 5)), '00:05');

  const there = [115.41234, 25.95123], back = yiping.geo.lonLat(yiping.geo.planeX(there[0]), yiping.geo.planeY(there[1]));
  same('plane and back', back.map((v) => Math.round(v * 1e9) / 1e9), there);
  same('a drawn area and an open tool stay, a metric does not', s.reduce({screen: 'overview', metric: 'aqi', classes: 'natural',
    area: 'circle:1,2,3', tool: 'area'}, {screen: 'events'}), {screen: 'events', area: 'circle:1,2,3', tool: 'area'});

  const told = {breaks: [0, 5], unit: 'm', decimals: 2, signed: true};
  same('values', yiping.values.shaded({a: -3.654, b: 0, c: 5, d: null, e: -0.001}, told),
    {a: [0, '−3.65 m'], b: [1, '0.00 m'], c: [2, '+5.00 m'], d: [3, '未知'], e: [1, '0.00 m']});
  same('halves to even', [2.25, 2.35, -2.75, 2.675].map((v) => yiping.values.words(v, {decimals: v === 2.675 ? 2 : 1})),
    ['2.2', '2.4', '−2.8', '2.67']);
  same('many', [1234567, 2.5e8].map((v) => yiping.values.words(v, {decimals: 0, unit: '件'})), ['1,234,567 件', '2.50亿 件']);
  same('figure above', yiping.values.of({b: 1}, {code: 'a', parent: 'x', above: ['b', 'c']}), 1);
  const field = yiping.heat.density([[20, 20, 2], [60, 20, 1]], {w: 80, h: 40, meters: 100, sigma: 3});
  same('density', [field[20 * 80 + 20], field[20 * 80 + 60], field[0]].map((v) => Math.round(v * 1000) / 1000),
    [2 * 1e6 / (2 * Math.PI * 9e4), 1e6 / (2 * Math.PI * 9e4), 0].map((v) => Math.round(v * 1000) / 1000));

  const ring = new Float64Array([0, 0, 10, 0, 10, 10, 0, 10]), hole = new Float64Array([4, 4, 6, 4, 6, 6, 4, 6]);
  const cell = {rings: [ring, hole], box: [0, 0, 10, 10]};
  same('inside', yiping.geo.contains(cell, 1, 1), true);
  same('in the hole', yiping.geo.contains(cell, 5, 5), false);
  same('outside', yiping.geo.contains(cell, 11, 5), false);
  same('depth', yiping.geo.depth([ring], 2, 5), 2);
  same('clip', yiping.names.clip(ring, [5, 5, 20, 20]).length, 8);

  const pen = {view: {k: 1, w: 2000, h: 2000}, x: (v) => v, y: (v) => v}, points = [];
  for (let k = 0; k < 500; k += 1) points.push({x: 100 + k * 37 % 1500, y: 100 + k * 91 % 1500, n: 1, state: k === 7 ? 'alarm' : 'ok'});
  const found = yiping.points.clusters(points, pen);
  same('clusters hold every point', found.reduce((sum, c) => sum + c.n, 0), 500);
  same('one cluster is alarmed', found.filter((c) => c.state === 'alarm').length, 1);

  const ink = {c: document.createElement('canvas').getContext('2d'), u: 1, view: {k: 1}, x: (v) => v, y: (v) => v};
  const town = {name: '新陂乡', box: [0, 0, 200, 200], heart: {x: 100, y: 100}};
  const spot = (mark, boxes) => yiping.names.spotOf(ink, town, mark, 16, new yiping.names.Taken(boxes));
  const said = (one) => one && [one.mark ? one.mark[0] : '', one.text, Boolean(one.below)];
  same('a quiet mark beside its name', said(spot(['4', 'ok'], [])), ['4', '新陂乡', false]);
  same('a mark over its name where it is narrow', said(spot(['4', 'ok'], [[0, 0, 70, 200], [130, 0, 200, 200]])),
    ['4', '新陂乡', true]);
  same('a quiet mark gives way', said(spot(['4', 'ok'], [[0, 0, 200, 88], [0, 112, 200, 200], [0, 0, 70, 200],
    [130, 0, 200, 200]])), ['', '新陂乡', false]);
  same('nothing where there is no room', spot(['4', 'ok'], [[0, 0, 200, 200]]), null);

  const at = yiping.fit.into([0, 0, 10, 20], [0, 0, 100, 100]);
  same('into a frame', [at.k, at.x, at.y], [5, 25, 0]);
  const card = [[0, 0, 300, 1000]];
  const free = yiping.fit.best([{rings: [new Float64Array([0, 0, 10, 0, 10, 20, 0, 20])], box: [0, 0, 10, 20]}], [0, 0, 10, 20],
    [0, 0, 1000, 1000], card);
  same('keeps off a card', free.x >= 300, true);

  const box = document.createElement('div');
  const asked = (value, open) => '<section class="drawer tool-probe"><div class="drawer-body"><details id="probe-menu" class="menu"' +
    (open ? ' open' : '') + '><summary></summary><input name="when" type="datetime-local" value="' + value + '"></details>' +
    '<input name="word"><input type="range" name="slid" min="0" max="9" value="1"></div></section>';
  document.body.append(box);
  yiping.own.swap(box, asked('2026-11-20T10:00', true));
  box.querySelector('[name="when"]').value = '2026-11-18T07:30';
  box.querySelector('[name="word"]').value = '贡';
  box.querySelector('[name="slid"]').value = '7';
  yiping.own.swap(box, asked('2026-11-20T10:01', false));
  const left = () => ['when', 'word', 'slid'].map((name) => box.querySelector('[name="' + name + '"]').value);
  same('what is typed outlives an answer', left(), ['2026-11-18T07:30', '贡', '1']);
  same('an opened menu stays open', box.querySelector('details').open, true);
  box.querySelector('details').open = false;
  yiping.own.swap(box, asked('2026-11-20T10:02', false));
  same('a closed menu gives its text up', left()[0], '2026-11-20T10:02');
  box.remove();

  const limit = AbortSignal.timeout;
  AbortSignal.timeout = undefined;
  same('a limit without AbortSignal.timeout', yiping.limit(1000).aborted, false);
  AbortSignal.timeout = limit;

  const asks = window.fetch, sent = [];
  window.fetch = (url) => { sent.push(String(url)); return new Promise(() => {}); };
  const many = {url: '/probe.json', breaks: [1], unit: '', decimals: 0};
  same('two who ask for values share the answer', yiping.values.load(many) === yiping.values.load(many), true);
  window.fetch = asks;
  same('asked once', sent.length, 1);
  return wrong;
}
