/* The player of a replay: moves the one instant of the view on, at most one question at a time, and never past a mark. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const BEAT_MS = 1000, SETTLED_MS = 61000, SAID_MS = 4000, STOPS = new Set(['warning', 'loss']), US = 1000;
  let playing = false, speed = 60, said = '', saidUntil = 0, begun = 0, from = 0, timer = 0;
  let dragged = null;              // the slider under the hand: {node, ms}

  const text = (ms) => new Date(ms).toISOString().slice(0, 19) + 'Z';
  const bar = () => document.querySelector('.player');
  const open = () => Boolean(yp.state.at && yp.state.at.tool === 'replay' && bar());

  /* What the bar stands for: the interval, the instant in view (ms), and what happened in it. */
  function held() {
    const node = bar(), at = yp.state.at.at ? Date.parse(yp.state.at.at) : NaN;
    const first = Number(node.dataset.from) / US;
    const last = Math.max(first, Math.min(Number(node.dataset.to) / US, yp.fresh.now() - SETTLED_MS));
    const shown = Number.isFinite(at) ? at : Number(node.dataset.at) / US;
    return {first, last, at: Math.min(Math.max(shown, first), last), live: !yp.state.at.at};
  }

  const marks = () => Array.from(document.querySelectorAll('.pt'), (node) => ({
    ms: Math.ceil(Number(node.dataset.us) / 1e6) * 1000, kind: node.dataset.kind, text: node.title}));

  /* The next instant at a speed: `seconds` of the clock later, or the first warning or loss that lies before it. */
  function next(at, target, all) {
    const stop = all.filter((mark) => STOPS.has(mark.kind) && mark.ms > at && mark.ms <= target)
      .reduce((found, mark) => (!found || mark.ms < found.ms ? mark : found), null);
    return stop ? {ms: stop.ms, mark: stop} : {ms: target, mark: null};
  }

  function go(ms, how) {
    const {first, last} = held();
    const to = Math.min(Math.max(Math.floor(ms / 1000) * 1000, first), last);
    return yp.view.set({at: text(to), replay: yp.state.at.replay || text(first) + '~' + text(last)}, how || 'replace');
  }

  const answered = () => {
    const last = yp.view.last();
    return Boolean(last) && last.asked === yp.state.question(yp.state.at);
  };

  /* Asked ahead, so that the next beat finds its answer; not while anything else is under way. */
  function ahead() {
    if (!playing || !answered()) return;
    const at = held().at, target = next(at, at + speed * BEAT_MS, marks()).ms;
    if (target <= held().last) {
      yp.answers.foresee(yp.state.question(yp.state.reduce(yp.state.at, {at: text(Math.floor(target / 1000) * 1000)})));
    }
  }

  /* One beat a second. While an answer is under way nothing is asked: the steps of that time are left out, not kept. */
  function beat() {
    if (!playing) return;
    if (!open()) { pause(); return; }
    if (document.hidden || !answered()) { restart(); return; }
    const now = held();
    if (now.at >= now.last) { pause(); return; }
    const passed = Math.max(1, Math.round((performance.now() - begun) / BEAT_MS)) * BEAT_MS * speed;
    const step = next(now.at, Math.max(from + passed, now.at + 1000), marks());
    say(step.mark ? step.mark.text : '');
    go(step.ms);
    restart();
  }

  /* From where the view stands the clock runs on anew: what a slow answer or a mark took is not made up for. */
  function restart() {
    const now = held();
    if (answered() || from === 0) { from = now.at; begun = performance.now(); }
  }

  /* What a mark means stays for some seconds, also on the bar that comes with the next answer. */
  function say(words) {
    if (words) { said = words; saidUntil = performance.now() + SAID_MS; }
    const node = document.querySelector('.player-mark'), told = performance.now() < saidUntil ? said : '';
    if (node && node.textContent !== told) node.textContent = told;
  }

  function play() {
    if (!open()) return;
    const now = held();
    playing = true;
    if (now.live || now.at >= now.last) go(now.first, 'push');
    from = held().at;
    begun = performance.now();
    clearInterval(timer);
    timer = setInterval(beat, BEAT_MS);
    relabel(true);
    ahead();
  }

  function pause() {
    playing = false;
    clearInterval(timer);
    relabel(true);
  }

  function step(direction) {
    pause();
    const now = held(), target = now.at + direction * speed * BEAT_MS;
    go(direction > 0 ? next(now.at, target, marks()).ms : target);
  }

  function jump(direction) {
    pause();
    const now = held(), all = marks().map((mark) => mark.ms);
    const found = direction > 0 ? all.filter((ms) => ms > now.at) : all.filter((ms) => ms < now.at);
    if (!found.length) { say(direction > 0 ? '后面没有了' : '前面没有了'); return; }
    const to = direction > 0 ? Math.min(...found) : Math.max(...found);
    go(to);
    const mark = marks().find((one) => one.ms === to);
    say(mark ? mark.text : '');
  }

  function setSpeed(value) {
    speed = value;
    if (playing) { from = held().at; begun = performance.now(); }
    relabel(true);
  }

  /* What the page does of itself, put back on a bar that has come anew. */
  function relabel(moved) {
    document.documentElement.dataset.playing = playing ? '1' : '0';
    for (const node of document.querySelectorAll('.ps')) {
      node.setAttribute('aria-pressed', String(Number(node.dataset.kind) === speed));
    }
    say('');
    const lost = document.activeElement === document.body || (document.activeElement || {}).offsetParent === null;
    const pair = document.querySelector(playing ? '.pb-pause' : '.pb-play');
    if (moved && lost && pair) pair.focus({preventScroll: true});
  }

  function interval(hours, first, last) {
    const end = last || yp.fresh.now(), start = first || end - hours * 3600e3;
    pause();
    yp.view.set({replay: text(start) + '~' + text(end), at: text(start)});
  }

  /* A typed instant is the place's own time: its text goes into the address as it stands. */
  function dated() {
    const [first, last] = ['from', 'to'].map((name) => (document.querySelector('[name="replay-' + name + '"]') || {}).value);
    if (!first || !last) return;
    if (first >= last) { yp.notice.say('起点必须早于终点，请改正'); return; }
    pause();
    yp.view.set({replay: first + '~' + last, at: first});
  }

  Object.assign(yp.controls.actions, {
    'replay-play': play, 'replay-pause': pause, 'replay-back': () => step(-1), 'replay-on': () => step(1),
    'replay-prev': () => jump(-1), 'replay-next': () => jump(1),
    'replay-speed': (node) => setSpeed(Number(node.dataset.kind)),
    'replay-tick': (node) => { pause(); go(Math.ceil(Number(node.dataset.us) / 1e6) * 1000); say(node.title); },
    'replay-last': (node) => interval(Number(node.dataset.kind)),
  });

  const KEYS = {' ': () => (playing ? pause() : play()), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    Home: () => { pause(); go(held().first); }, End: () => { pause(); go(held().last); },
    PageUp: () => jump(-1), PageDown: () => jump(1)};

  function keydown(event) {
    if (!open() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    const node = event.target;
    if (document.querySelector('dialog[open]') || node.closest('.leaflet-container')) return;
    if (/^(TEXTAREA|SELECT)$/.test(node.tagName) || (node.tagName === 'INPUT' && !node.classList.contains('player-at'))) return;
    if (event.key === ' ' && /^(BUTTON|A|SUMMARY)$/.test(node.tagName)) return;
    event.preventDefault();
    KEYS[event.key]();
  }

  /* Dragged: the instant is told while the hand is down, and asked for when it is lifted. */
  function drag(event) {
    if (!event.target.classList || !event.target.classList.contains('player-at')) return;
    const ms = Number(event.target.value) * 1000, node = document.querySelector('.player-now b');
    if (playing) pause();
    if (node) node.textContent = yp.player.words(ms);
    dragged = event.type === 'input' ? {node: event.target, ms} : null;
    if (!dragged) go(ms, 'push');
  }

  /* The bar came anew under the hand: no `change` will come, so what it had reached is asked for. */
  function torn() {
    if (!dragged || dragged.node.isConnected) return;
    const {ms} = dragged;
    dragged = null;
    if (open()) go(ms, 'push');
  }

  /* The place's own time, as the bar writes it. */
  function words(ms) {
    const zone = document.documentElement.dataset.tz || undefined;
    return new Intl.DateTimeFormat('sv-SE', {timeZone: zone, dateStyle: 'short', timeStyle: 'medium'}).format(ms);
  }

  document.addEventListener('keydown', keydown);
  document.addEventListener('input', drag);
  document.addEventListener('change', (event) => {
    drag(event);
    if (/^replay-(from|to)$/.test(event.target.name || '')) dated();
  });
  document.addEventListener('yiping:answer', () => setTimeout(ahead, 0));
  document.addEventListener('visibilitychange', () => { if (document.hidden && playing) pause(); });
  document.addEventListener('yiping:mounted', () => {
    const box = document.querySelector('.toolbox');
    if (box) new MutationObserver(() => { torn(); relabel(false); }).observe(box, {childList: true, subtree: true});
    relabel(false);
  });
  yp.player = {next, words, playing: () => playing, speed: () => speed};
})();
