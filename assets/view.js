/* Dash's client-side functions: figures first, everything else one painted frame later. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const FIRST = ['lead', 'figures'];
  const LATER = ['nav', 'situation', 'filters', 'crumb', 'maphead', 'layers', 'legends', 'claim', 'sides', 'tools', 'tool',
    'ticker', 'feeds',
    'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 's1', 's2', 's3', 's4', 's5', 's6'];
  const shown = {};                // region → HTML that stands on the page
  let token = 0, stamp = 0, drawnStamp = 0, last = null, lastTick = 0, seenLive = null;

  const no = () => window.dash_clientside.no_update;
  const nothing = (n) => Array(n).fill(no());

  /* Resolves after the next frame has been painted; at once in a hidden tab, where no frame comes. */
  function painted() {
    if (document.hidden) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 250);
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { clearTimeout(timer); resolve(); };
        channel.port2.postMessage(0);
      });
    });
  }

  function firstView() {
    const held = document.getElementById('first-view');
    try { return held ? JSON.parse(held.textContent) : {failed: true}; } catch (error) { return {failed: true}; }
  }

  function news(names, regions) {
    return names.map((name) => {
      const html = regions[name] || '';
      if (shown[name] === html) return no();
      shown[name] = html;
      return html;
    });
  }

  /* Dash keeps every earlier value of an input for its undo buttons, which we do not show: a wall would fill up. */
  function forgetPast() {
    for (const store of window.dash_stores || []) {
      const held = store.getState().history;
      if (held && Array.isArray(held.past)) held.past.length = 0;
    }
  }

  function taken(data, asked) {
    last = Object.assign({}, data, {stamp: ++stamp, asked});
    forgetPast();
    lastTick = yp.answers.tick();
    tellReady();
    document.dispatchEvent(new CustomEvent('yiping:answer', {detail: last}));
    return last;
  }

  /* The page came with its first view: nothing to fetch, nothing to swap. */
  function begin() {
    const first = firstView();
    yp.state.at = yp.state.parse(location.pathname, location.search);
    if (first.failed) return null;
    yp.answers.setVersion(first.v);
    if (first.seq) yp.live.from(first.seq);
    return taken(first, yp.state.question(yp.state.at));
  }

  function refused(error) {
    if (error.name === 'AbortError') return;
    if (error.status && error.status < 500) {
      yp.notice.say(error.message);
      yp.controls.back();
      tellReady();
      return;
    }
    yp.live.lost();
  }

  async function figures(view, live) {
    const mine = ++token, fresh = live !== seenLive;
    seenLive = live;
    if (!yp.state.at) {
      const first = begin();
      if (first) return [no(), no(), first];
    }
    const wanted = view || yp.state.at;
    if (last && !fresh && yp.state.question(wanted) === last.asked) return nothing(3);
    try {
      const question = yp.state.question(wanted);
      const data = await yp.answers.ask(question, fresh);
      if (mine !== token) return nothing(3);
      return [...news(FIRST, data.regions || {}), taken(data, question)];
    } catch (error) {
      if (mine === token) refused(error);
      return nothing(3);
    }
  }

  async function rest(answer) {
    if (!answer) return nothing(LATER.length + 1);
    await painted();
    if (answer.stamp !== stamp) return nothing(LATER.length + 1);
    document.title = document.title.replace(/^[^·]*(?=·)/, answer.title || '');
    if (answer.body) document.body.className = answer.body;
    const map = Object.assign({}, answer.map || {}, {stamp: answer.stamp, screen: answer.screen});
    const regions = answer.regions ? news(LATER, answer.regions) : nothing(LATER.length);
    return [...regions, map];
  }

  /* Ready = the view that is wanted has been answered, its panels stand and its map is painted. */
  function tellReady() {
    const wanted = Boolean(last) && yp.state.question(yp.state.at) === last.asked;
    document.documentElement.dataset.ready = String(wanted && drawnStamp === stamp);
  }

  function drawn(n) {
    drawnStamp = Math.max(drawnStamp, n);     // an older map that failed late takes nothing back
    tellReady();
    return n === stamp;
  }

  /* Changes the view: one reducer, one address, one store. */
  function set(patch, how) {
    if (!yp.state.at) return false;
    const next = yp.state.reduce(yp.state.at, patch);
    return go(next, how || 'push');
  }

  function go(next, how) {
    if (yp.state.same(next, yp.state.at)) return false;
    const asks = !last || yp.state.question(next) !== last.asked;
    yp.state.at = next;
    if (how === 'push') history.pushState(null, '', yp.state.address(next));
    if (how === 'replace') history.replaceState(null, '', yp.state.address(next));
    if (asks) ahead(next);
    tellReady();
    window.dash_clientside.set_props('view', {data: next});
    return true;
  }

  /* The question goes out while Dash is still passing the state on; `figures` waits for the same answer. */
  function ahead(next) {
    yp.answers.ask(yp.state.question(next), false).catch(() => {});
  }

  /* Asks again for the view that stands: something it depends on has changed. */
  function refresh() {
    window.dash_clientside.set_props('live', {data: {n: (seenLive ? seenLive.n : 0) + 1, v: yp.answers.version()}});
  }

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {view: {figures, rest}});
  yp.view = {
    set, go, ahead, refresh, painted, FIRST, LATER,
    last: () => last,
    drawn,
    stale: () => Boolean(last) && yp.answers.touched(last, lastTick),
  };
  yp.map.ahead();                  // this is the last file: geometry is under way before Dash has started
})();
