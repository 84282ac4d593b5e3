/* Freshness judged again each second by the page's own clock, also when the server is dead: only ever worse. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const WORDS = {live: '实时', late: '迟滞', down: '不可用', unknown: '未知', scheduled: '定期'};
  const RANK = {live: 0, late: 1, down: 2};
  const formats = new Map();
  let skewMs = 0;

  const now = () => Date.now() + skewMs;
  const setNow = (us) => { if (Number.isFinite(us) && us > 0) skewMs = us / 1000 - Date.now(); };

  /* The rule of the interfaces: live ≤ max(3 × cadence, 30 s); down when silent > 10 × cadence and ≥ 1 h. */
  function judge(mark, nowMs) {
    const said = mark.fresh;
    if (!(said in RANK) || mark.scheduled === '1') return said;
    const cadence = Number(mark.cadence) || 0, time = Number(mark.time) / 1000, contact = Number(mark.contact) / 1000 || time;
    if (!time) return said;
    const age = (nowMs - time) / 1000, silent = (nowMs - contact) / 1000;
    let found = age <= Math.max(3 * cadence, 30) ? 'live' : 'late';
    if (silent > 10 * cadence && silent >= 3600) found = 'down';
    return RANK[found] > RANK[said] ? found : said;
  }

  function remark(node, found) {
    const old = node.dataset.shown || node.dataset.fresh;
    if (old === found) return;
    node.dataset.shown = found;
    node.classList.remove('fr-' + old);
    node.classList.add('fr-' + found);
    const word = node.querySelector('.fw'), sign = node.querySelector('use');
    const figure = node.closest('.kpi');
    if (figure) figure.classList.toggle('aged', found === 'late' || found === 'down');
    if (word) word.textContent = WORDS[found];
    if (sign) sign.setAttribute('href', '#f-' + (found === 'scheduled' ? 'live' : found));
  }

  const two = (n) => String(n).padStart(2, '0');

  /* Ages in the words of the server: 45 秒, 12 分, 2 小时 30 分, 3 天 4 小时; short: 2天04时, 18时05分, 35分. */
  function age(seconds, form) {
    const left = Math.max(0, Math.floor(seconds));
    const day = Math.floor(left / 86400), hour = Math.floor(left % 86400 / 3600), minute = Math.floor(left % 3600 / 60);
    if (form === 'short') {
      if (day) return day + '天' + two(hour) + '时';
      return hour ? two(hour) + '时' + two(minute) + '分' : minute + '分';
    }
    if (left < 60) return left + ' 秒';
    if (left < 3600) return minute + ' 分';
    return left < 86400 ? hour + ' 小时 ' + minute + ' 分' : day + ' 天 ' + hour + ' 小时';
  }

  function format(options) {
    const key = JSON.stringify(options);
    if (!formats.has(key)) {
      const zone = document.documentElement.dataset.tz || undefined;
      formats.set(key, new Intl.DateTimeFormat('zh-CN', Object.assign({timeZone: zone, hourCycle: 'h23'}, options)));
    }
    return formats.get(key);
  }

  const clock = (ms) => format({hour: '2-digit', minute: '2-digit'}).format(ms);

  function date(ms) {
    const p = {};
    for (const part of format({year: 'numeric', month: 'numeric', day: 'numeric', weekday: 'long'}).formatToParts(ms)) {
      p[part.type] = part.value;
    }
    return p.year + ' 年 ' + p.month + ' 月 ' + p.day + ' 日 ' + p.weekday;
  }

  function put(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tick() {
    const ms = now();
    const replay = yp.state && yp.state.at && yp.state.at.at;      // a view of the past has no age
    for (const node of document.querySelectorAll('[data-clock]')) put(node, node.dataset.clock === 'date' ? date(ms) : clock(ms));
    if (!replay) {
      for (const node of document.querySelectorAll('.fr[data-time]')) remark(node, judge(node.dataset, ms));
      for (const node of document.querySelectorAll('.age[data-since]')) {
        put(node, age((ms - Number(node.dataset.since) / 1000) / 1000, node.dataset.form));
      }
      for (const node of document.querySelectorAll('.age[data-until]')) {
        put(node, age((Number(node.dataset.until) / 1000 - ms) / 1000, node.dataset.form));
      }
    }
    if (yp.live) yp.live.watch();
  }

  /* The page came with the server's time: a viewer's own clock may be wrong, and a demo's is elsewhere. */
  function begin() {
    const held = document.getElementById('first-view');
    try { setNow(JSON.parse(held.textContent).now); } catch (error) { console.info('fresh: the page came without a time'); }
  }

  begin();
  yp.fresh = {judge, age, clock, date, now, setNow, tick};
  setInterval(tick, 1000);
})();
