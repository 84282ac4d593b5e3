/* Answers of the server: one question at a time, a newer one ends an older one, the last 50 answers are kept. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MOST = 50, OLDEST_MS = 60000, TIMEOUT_MS = 15000;
  const kept = new Map();          // question → {data, tick, at}
  const feedTicks = new Map();     // feed → tick of its last change
  let tick = 0, every = 0, version = '', under = null, early = null;

  /* A live message: these feeds changed (not a list: nobody knows which), the data version is now `v`. */
  function changed(v, feeds) {
    if (v) version = String(v);
    if (Array.isArray(feeds) && !feeds.length) return;
    tick += 1;
    if (!Array.isArray(feeds)) every = tick;
    else for (const feed of feeds) feedTicks.set(feed, tick);
  }

  function touched(data, since) {
    return every > since || (data.feeds || []).some((feed) => (feedTicks.get(feed) || 0) > since);
  }

  /* A kept answer that is still true: none of its feeds changed and its clock has not moved on. */
  function remembered(question) {
    const held = kept.get(question);
    if (!held) return null;
    if (touched(held.data, held.tick) || Date.now() - held.at > OLDEST_MS) return null;
    kept.delete(question);
    kept.set(question, held);
    return held.data;
  }

  function keep(question, data, since) {
    kept.delete(question);
    kept.set(question, {data, tick: since, at: Date.now()});
    while (kept.size > MOST) kept.delete(kept.keys().next().value);
    if (data.v) version = version || String(data.v);
    return data;
  }

  class Refused extends Error {
    constructor(status, detail) { super(detail); this.status = status; }
  }

  async function problem(response) {
    const detail = await response.json().catch(() => ({}));
    return new Refused(response.status, detail.detail || detail.title || '服务器暂时无法回答');
  }

  /* The view of a question; `fresh` passes over the memory. Rejects with AbortError when a newer question came. */
  function ask(question, fresh) {
    const held = fresh ? null : remembered(question);
    if (under && under.question === question && !fresh) return under.promise;
    if (under) { under.abort(); under = null; }
    if (held) return Promise.resolve(held);
    const met = early && early.question === question && !fresh;
    if (early && !met) early.abort();
    under = met ? early : fetched(question, fresh);
    early = null;
    return under.promise;
  }

  /* Fetches what will probably be asked next, unless something is being asked now: one at a time, for the memory only. */
  function foresee(question) {
    if (under || early || remembered(question)) return;
    early = fetched(question, false);
    early.promise.then((answer) => yp.loads.ahead([(answer.map || {}).cells]), () => {});      // whoever really asks hears of a failure
  }

  function fetched(question, fresh) {
    const mine = new AbortController();
    mine.question = question;
    mine.promise = request(question, fresh, mine).finally(() => {
      if (under === mine) under = null;
      if (early === mine) early = null;
    });
    return mine;
  }

  async function request(question, fresh, mine) {
    let late = false;
    const timer = setTimeout(() => { late = true; mine.abort(); }, TIMEOUT_MS);
    const since = tick;
    try {
      const url = '/api/v1/view?' + question + (version ? '&v=' + encodeURIComponent(version) : '');
      const cache = fresh ? 'no-cache' : 'default';          // an unchanged version may still hold an old clock
      const response = await fetch(url, {signal: mine.signal, cache, headers: {Accept: 'application/json'}});
      if (!response.ok) throw await problem(response);
      return keep(question, await response.json(), since);
    } catch (error) {
      throw late ? new Error('服务器没有按时回答') : error;
    } finally {
      clearTimeout(timer);
    }
  }

  yp.answers = {
    ask, foresee, changed, keep, touched, remembered, Refused,
    busy: () => under !== null, tick: () => tick, version: () => version,
    setVersion: (v) => { if (v) version = String(v); }, size: () => kept.size,
  };
})();
