/* Live: an event stream that says *that* something changed, polling where it fails, and the sign that nobody answers. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const URL_LIVE = '/api/v1/live';
  const SILENT_MS = 6000, POLL_MS = 5000, LOST_MS = 8500, APART_MS = 1000, JITTER_MS = 120, BACK_MS = 4500, OLD_MS = 300000;
  let source = null, seq = '', contact = Date.now(), heard = Date.now(), polling = false, nextPoll = 0, nextOpen = 0;
  let due = null, lastAsk = 0, wasLost = false, wanted = false, started = false;
  let failures = 0, failedAt = 0, notBefore = 0, justOpened = false, trouble = '';
  let spread = JITTER_MS;                             // after an outage all viewers come back at once: further apart

  const jitter = (ms) => Math.random() * ms;

  function parse(text) {
    try { return JSON.parse(text); } catch (error) { return null; }
  }

  /* A message, by stream or poll: clock, version, feeds. `seq` lets the next poll ask for what came after. */
  function take(message, id) {
    contact = Date.now();
    if (!message) return;
    yp.fresh.setNow(message.now);
    trouble = message.trouble || '';
    const first = justOpened && !message.since, last = yp.view.last();
    justOpened = false;
    if (first && seq && message.seq && String(message.seq) !== seq) { poll(); return; }      // ask what was missed
    const missed = first && !seq && message.v && last && last.v && String(last.v) !== String(message.v);
    if (id || message.seq) seq = String(id || message.seq);
    yp.answers.changed(message.v, missed ? null : message.feeds);
    if (yp.view.stale()) schedule();
    document.dispatchEvent(new CustomEvent('yiping:live', {detail: message}));
  }

  /* At most one question a second, none while one is under way, spread a little over the viewers. */
  function schedule() {
    wanted = true;
    if (due) return;
    due = setTimeout(fire, Math.max(0, lastAsk + APART_MS - Date.now()) + jitter(spread));
  }

  function fire() {
    due = null;
    if (!wanted || document.hidden) return;
    if (yp.answers.busy()) { due = setTimeout(fire, 100); return; }
    wanted = false;
    spread = JITTER_MS;
    lastAsk = Date.now();
    if (yp.state.at) yp.view.refresh();
  }

  function open() {
    if (source) source.close();
    heard = Date.now();
    justOpened = true;
    nextOpen = heard + 5000 + jitter(3000);
    source = new EventSource(URL_LIVE);
    source.onopen = () => { heard = contact = Date.now(); justOpened = true; };
    source.onmessage = (event) => { heard = Date.now(); take(parse(event.data), event.lastEventId); };
    source.addEventListener('beat', (event) => { heard = Date.now(); take(parse(event.data), ''); });
  }

  const streaming = () => Boolean(source) && source.readyState === 1;

  async function poll() {
    if (polling) return;
    polling = true;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 4000);
    const before = seq;
    try {
      const response = await fetch(URL_LIVE + '?since=' + encodeURIComponent(seq), {signal: stop.signal, cache: 'no-store'});
      if (response.ok) take(Object.assign(await response.json(), {since: true}), '');
      const kept = before && seq !== before && Date.now() - heard > SILENT_MS / 2;
      if (response.ok && streaming() && kept) open();               // the stream held something back: it is dead
      else if (response.ok && streaming()) heard = Date.now();
    } catch (error) {
      if (streaming() && Date.now() - heard > SILENT_MS) open();
    } finally {
      clearTimeout(timer);
      polling = false;
      nextPoll = Date.now() + POLL_MS + jitter(500);
    }
  }

  /* Called each second: keeps one way open to the server, and says so when there is none. */
  function watch() {
    if (!started || document.documentElement.dataset.mounted !== '1') return;
    const ms = Date.now();
    if (streaming() && ms - heard < SILENT_MS) contact = heard;
    else if (ms >= nextPoll) poll();
    if (source && source.readyState === 2 && ms >= nextOpen) open();
    const lost = ms - contact > LOST_MS;
    if (lost) yp.notice.stand('连接中断，画面停在 ' + yp.fresh.age((ms - contact) / 1000) + '前');
    else yp.notice.stand(trouble);
    if (lost) { wasLost = true; spread = BACK_MS; }
    else if (wasLost && ms >= notBefore && contact > failedAt) { wasLost = false; schedule(); }
    document.documentElement.classList.toggle('is-lost', lost);
    const last = yp.view.last();
    if (!lost && last && (last.failed || ms - lastAsk > OLD_MS) && lastAsk && !wanted) schedule();
  }

  /* A question met no answer: look at once whether anybody is there, and ask again when somebody is, ever more slowly. */
  function lost() {
    failures += 1;
    failedAt = Date.now();
    notBefore = failedAt + Math.min(30000, 500 * 2 ** failures) + jitter(500);
    wasLost = true;
    nextPoll = 0;
  }

  function start() {
    if (started) return;
    started = true;
    lastAsk = Date.now();
    open();
  }

  document.addEventListener('yiping:mounted', start);
  document.addEventListener('yiping:answer', () => { failures = 0; });
  window.addEventListener('pagehide', () => { if (source) source.close(); });
  window.addEventListener('pageshow', (event) => { if (event.persisted && started) open(); });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || !started) return;
    nextPoll = 0;
    watch();
    if (wanted) schedule();
  });
  yp.live = {watch, lost, take, poll, from: (n) => { seq = String(n); }, lostFor: () => Math.max(0, Date.now() - contact), streaming};
})();
