/* Runs in the page that is captured, before its own scripts: a line with the data's time under it, and what is known of it. */
(() => {
  'use strict';
  const HEIGHT = '1.7rem';

  function look(node, style) {
    for (const [name, value] of Object.entries(style)) node.style.setProperty(name, value);
  }

  /* The line stands under the page from the start, so that the map and the panels are laid out for what is left. */
  function make() {
    const line = document.createElement('div');
    line.id = 'picture-line';
    look(line, {position: 'fixed', left: 0, right: 0, bottom: 0, height: HEIGHT, 'line-height': HEIGHT, padding: '0 1rem', 'z-index': 60,
      background: 'var(--ground)', 'border-top': 'var(--hair) solid var(--line)', color: 'var(--text-2)', 'font-size': 'var(--f-note)',
      'white-space': 'nowrap', overflow: 'hidden', 'text-overflow': 'ellipsis'});
    look(document.body, {'padding-bottom': HEIGHT});
    document.body.appendChild(line);
  }

  const view = () => (window.yiping && window.yiping.view && window.yiping.view.last()) || {};

  /* Newest data on the page, µs: of the marks that age; 0 where there are none. */
  function latest(now) {
    const times = Array.from(document.querySelectorAll('.fr[data-time]')).filter((mark) => mark.dataset.scheduled !== '1')
      .map((mark) => Number(mark.dataset.time)).filter((time) => time > 0 && time <= now);
    return times.length ? Math.max(...times) : 0;
  }

  /* How many marks of the page say live, late …: the state of what is shown. */
  function states() {
    const found = {};
    for (const mark of document.querySelectorAll('.fr[data-fresh]')) {
      const word = ['live', 'late', 'down', 'unknown', 'scheduled'].find((name) => mark.classList.contains('fr-' + name));
      found[word] = (found[word] || 0) + 1;
    }
    return found;
  }

  function facts() {
    const now = window.yiping.fresh.now() * 1000;
    return {now, latest: latest(now), title: document.title, demo: Boolean(view().demo), states: states()};
  }

  async function write(text) {
    document.getElementById('picture-line').textContent = text;
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }

  /* What a page that never became ready still waits for. */
  function missing() {
    if (document.documentElement.dataset.mounted !== '1') return 'frame';
    return view().stamp && !view().failed ? 'map' : 'figures';
  }

  document.addEventListener('DOMContentLoaded', make);
  window.yipingPicture = {facts, write, missing};
})();
