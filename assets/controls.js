/* Every control of the page: clicks, keys and the back button become a patch of the one state, or a named action. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let asked = 0, good = null;

  const plain = (event) => !(event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey ||
    event.altKey);
  const typing = (node) => node && (/^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) || node.isContentEditable);

  function patchOf(node) {
    try {
      const patch = JSON.parse(node.dataset.set);
      return patch && typeof patch === 'object' && !Array.isArray(patch) ? patch : null;
    } catch (error) {
      return null;
    }
  }

  const ACTIONS = {
    enlarge(node) {
      const data = {act: 'enlarge', panel: node.dataset.panel, query: yp.state.question(yp.state.at), n: ++asked};
      yp.load('wanted').then(() => { if (data.n === asked) window.dash_clientside.set_props('control', {data}); },
        () => yp.notice.say('图表部件没有取到，请再点一次'));
    },
    table(node) {
      const panel = node.closest('.panel');
      if (panel) panel.classList.toggle('show-table');
    },
    link(node) {
      const address = node.href || location.href;
      const done = () => yp.notice.say('链接已复制');
      if (navigator.clipboard) navigator.clipboard.writeText(address).then(done, () => yp.notice.say(address));
      else yp.notice.say(address);
    },
    theme() {
      const root = document.documentElement;
      const next = root.dataset.theme === 'light' ? 'dark' : 'light';
      root.dataset.theme = next;
      yp.view.set({theme: next === 'light' ? 'light' : null}, 'replace');
      relabel(document);
      yp.map.restyle();
    },
    up() { up(); },
  };

  function closeMenus(but) {
    for (const menu of document.querySelectorAll('details.menu[open]')) if (menu !== but && !menu.contains(but)) menu.open = false;
  }

  function click(event) {
    closeMenus(event.target.closest('details'));
    if (!plain(event) || !yp.state.at) return;
    const node = event.target.closest('[data-set],[data-act]');
    if (!node) return;
    const act = ACTIONS[node.dataset.act];
    const patch = node.dataset.set ? patchOf(node) : null;
    if (!act && !patch) return;
    event.preventDefault();
    closeMenus(null);
    if (patch) yp.view.set(patch);
    else act(node);
  }

  /* <select data-name="window">, <input data-name="f.text">: the name is patched with the value. */
  function change(event) {
    const name = event.target.dataset && event.target.dataset.name;
    if (name && yp.state.at) yp.view.set({[name]: event.target.value || null});
  }

  /* One level up: the last division named in the breadcrumb before the one shown. */
  function up() {
    const links = Array.from(document.querySelectorAll('.crumb > a[data-set]')).map(patchOf)
      .filter((patch) => patch && 'division' in patch && (patch.division || '') !== (yp.state.at.division || ''));
    if (links.length) yp.view.set(links[links.length - 1]);
  }

  function keydown(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !yp.state.at) return;
    const node = event.target;
    if (document.querySelector('dialog[open]') || typing(node)) return;
    if (event.key === 'Enter' && node.dataset && node.dataset.set && !/^(A|BUTTON)$/.test(node.tagName)) node.click();
    if (event.key === 'Backspace') { event.preventDefault(); up(); }
    if (event.key === 'Escape') escape();
    if (/^[a-z/]$/i.test(event.key) && !event.repeat) tool(event);
  }

  /* A tool of the map has a key of its own; its button says which. */
  function tool(event) {
    const button = document.querySelector('.tools a[data-key="' + event.key.toLowerCase() + '"]');
    if (!button) return;
    event.preventDefault();
    button.click();
  }

  function escape() {
    if (document.querySelector('details.menu[open]')) { closeMenus(null); return; }
    if (yp.map.closeTip()) return;
    if (yp.state.at.tool) { yp.view.set({tool: null}); return; }
    if (yp.state.at.division) yp.view.set({division: null, level: null});
  }

  /* The last view that was answered: an address that cannot be shown returns to it. */
  function back() {
    if (good) yp.view.go(good, 'replace');
  }

  /* The hand is coming down: the question may go out before the finger is up again. */
  function pointerdown(event) {
    if (!yp.state.at || event.button || event.ctrlKey || event.metaKey) return;
    const node = event.target.closest('a[data-set],button[data-set]'), patch = node ? patchOf(node) : null;
    if (!patch) return;
    const next = yp.state.reduce(yp.state.at, patch);
    if (!yp.state.same(next, yp.state.at)) yp.view.ahead(next);
  }

  /* What the server cannot know of the page: the theme is chosen here. */
  function relabel(node) {
    const word = document.documentElement.dataset.theme === 'light' ? '深色' : '浅色';
    for (const button of node.querySelectorAll('[data-act="theme"]')) button.textContent = word;
  }

  /* The theme is the reader's, not a step of the way: going back keeps it, and the address says so. */
  function themed(state) {
    return yp.state.reduce(state, {theme: document.documentElement.dataset.theme === 'light' ? 'light' : null});
  }

  document.addEventListener('click', click);
  document.addEventListener('pointerdown', pointerdown);
  document.addEventListener('change', change);
  document.addEventListener('keydown', keydown);
  document.addEventListener('yiping:answer', () => { good = yp.state.at; });
  window.addEventListener('popstate', () => {
    if (yp.state.at) yp.view.go(themed(yp.state.parse(location.pathname, location.search)), 'replace');
  });
  yp.controls = {back, up, patchOf, relabel, actions: ACTIONS};
})();
