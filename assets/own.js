/* Own React components, no build: Fragment (a region of finished HTML), CountyMap, Dialog, Finder, Held, Notice. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const make = () => window.React.createElement;

  /* What had the keyboard focus inside a region before its HTML is replaced, found again by what it does. */
  function focusMark(node) {
    const held = document.activeElement;
    if (!held || held === document.body || !node.contains(held)) return null;
    const one = held.closest('[data-set],[data-act],[data-deed],summary,select,input,textarea');
    if (!one) return null;
    const at = one.dataset;
    if (at.own) return (found) => found.dataset.own === at.own;       // what it does next has changed by doing it
    return (found) => found.tagName === one.tagName && found.dataset.set === at.set && found.dataset.act === at.act &&
      found.dataset.panel === at.panel && found.dataset.deed === at.deed && found.dataset.kind === at.kind &&
      found.name === one.name;
  }

  /* Figures that differ from those that stood there are marked for a moment (the style sheet says how). */
  const figures = (node) => Array.from(node.querySelectorAll('.kpi')).map((kpi) => {
    const fig = kpi.querySelector('.fig');
    return fig ? fig.textContent : '';
  });

  function settle(node, before) {
    if (!before.length) return;
    Array.from(node.querySelectorAll('.kpi')).forEach((kpi, k) => {
      const fig = kpi.querySelector('.fig');
      if (fig && before[k] !== undefined && before[k] !== fig.textContent) kpi.classList.add('tick');
    });
  }

  /* On a phone the navigation is longer than the window: the page that is open stands in sight. */
  function current(node) {
    const on = node.classList.contains('nav') && node.querySelector('[aria-current]');
    if (on && node.scrollWidth > node.clientWidth) node.scrollLeft = on.offsetLeft - (node.clientWidth - on.offsetWidth) / 2;
  }

  function swap(node, html) {
    if (!node || html === undefined || html === null) return;
    node.ypNext = html;
    if (node.ypHtml === html || yp.drawer.half(node, html)) return;
    const same = focusMark(node), before = figures(node);
    const open = Array.from(node.querySelectorAll('.panel.show-table')).map((panel) => panel.id);
    const typed = yp.desk.keep(node), read = yp.drawer.keep(node);
    node.innerHTML = html;
    node.ypHtml = html;
    typed();
    read();
    yp.controls.relabel(node);
    current(node);
    settle(node, before);
    for (const id of open) {
      const panel = document.getElementById(id);
      if (panel) panel.classList.add('show-table');
    }
    if (!same) return;
    const next = Array.from(node.querySelectorAll('[data-set],[data-act],[data-deed],summary,select,input,textarea'))
      .find(same);
    if (next) next.focus({preventScroll: true});
  }

  /* Words that had to wait for the hand come when it is done. */
  function late(event) {
    for (let node = event.target; node; node = node.parentElement) {
      if (node.ypNext !== undefined && node.ypNext !== node.ypHtml) setTimeout(() => swap(node, node.ypNext));
    }
  }

  /* The first paint already holds the region: take its nodes, so that nothing is parsed or drawn twice. */
  function adopt(node) {
    if (!node || node.ypHtml !== undefined) return;
    const held = document.querySelector('#first-paint [data-region="' + node.id + '"]');
    if (!held) return;
    while (held.firstChild) node.appendChild(held.firstChild);
    requestAnimationFrame(() => current(node));
  }

  function Fragment(props) {
    const ref = window.React.useRef(null);
    window.React.useLayoutEffect(() => { adopt(ref.current); }, []);
    window.React.useLayoutEffect(() => { swap(ref.current, props.html); }, [props.html]);
    return make()(props.tag || 'div', {id: props.id, className: props.className, ref});
  }

  function mounted() {
    const root = document.documentElement;
    if (root.dataset.mounted) return;
    root.dataset.mounted = '1';
    const first = document.getElementById('first-paint');
    if (first) first.remove();
    document.dispatchEvent(new CustomEvent('yiping:mounted'));
  }

  /* The last component of the page: when its layout effect runs, every region has been taken over. */
  function CountyMap(props) {
    window.React.useLayoutEffect(mounted, []);
    window.React.useEffect(() => {
      if (!props.data) return;
      const stamp = props.data.stamp;
      const done = (current) => {
        if (current && yp.view.drawn(stamp)) props.setProps({drawn: stamp});
      };
      yp.map.show(props.data).then(done, (error) => {
        console.warn('map: ' + error.message);
        done(true);
      });
    }, [props.data]);
    return null;
  }

  function Dialog(props) {
    const ref = window.React.useRef(null);
    const close = () => props.setProps({opened: false, children: [], title: ''});
    window.React.useEffect(() => {
      const node = ref.current;
      if (props.opened && !node.open) node.showModal();
      if (!props.opened && node.open) node.close();
    }, [props.opened]);
    const e = make();
    return e('dialog', {
      id: props.id, className: props.className, ref, 'aria-label': props.title, onClose: close,
      onClick: (event) => { if (event.target === ref.current) ref.current.close(); },
    }, e('header', {className: 'dialog-head'}, e('h2', null, props.title),
      e('button', {type: 'button', className: 'dialog-close', 'aria-label': '关闭', onClick: () => ref.current.close()}, '✕')),
    e('div', {className: 'dialog-body'}, props.opened ? props.children : null));
  }

  function Notice(props) {
    const ref = window.React.useRef(null);
    window.React.useEffect(() => { yp.notice.mount(ref.current); }, []);
    return make()('div', {id: props.id, className: props.className, role: 'status', 'aria-live': 'polite', ref});
  }

  function Finder(props) {
    const ref = window.React.useRef(null);
    window.React.useEffect(() => { yp.find.mount(ref.current, props.root); }, []);
    return make()('div', {id: props.id, className: props.className, role: 'search', ref});
  }

  /* Its value lives in the page's store; setting it through the component keeps callbacks the only way. */
  const Held = () => null;

  for (const name of ['change', 'focusout']) document.addEventListener(name, late);
  window.yiping_own = {Fragment, CountyMap, Dialog, Finder, Held, Notice};
  yp.own = {swap, focusMark};
})();
