/* Where the window is narrow the drawer stands below the map: whoever opens a tool is taken to it. A screen that can be
   touched has larger targets on the map. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let open = '';

  async function opened() {
    const tool = (yp.state.at && yp.state.at.tool) || '', before = open;
    open = tool;
    if (!tool || tool === before) return;
    await yp.view.painted();
    await yp.view.painted();                  // the drawer comes one frame after the figures
    const box = document.querySelector('.toolbox');
    if (!box || !['static', 'relative'].includes(getComputedStyle(box).position)) return;
    const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    box.scrollIntoView({block: 'nearest', behavior: calm ? 'auto' : 'smooth'});
  }

  const FIELDS = 'input:not([type="range"]):not([data-find]):not([data-name]),select:not([data-name]),textarea';
  const unlike = (one) => (one.options ? Array.from(one.options).some((o) => o.selected !== o.defaultSelected) :
    one.value !== one.defaultValue || one.checked !== one.defaultChecked);
  const home = (one) => (one.form && one.form.dataset.kind ? 'form[data-kind="' + one.form.dataset.kind + '"] ' : '') +
    '[name="' + one.name + '"]';

  /* What the reader did inside a drawer stays when its words are new: where it was scrolled, what was opened or typed. What
     was typed in a menu that has been closed is given up with it. */
  function keep(node) {
    const body = node.querySelector('.drawer-body');
    if (!body) return () => {};
    const top = body.scrollTop, kind = body.parentElement.className, held = node.contains(document.activeElement);
    const open = Array.from(body.querySelectorAll('details[id]'), (one) => [one.id, one.open]);
    const typed = Array.from(body.querySelectorAll(FIELDS)).filter((one) => one.name && unlike(one) && !one.closest('details.menu:not([open])'))
      .map((one) => ({at: home(one), value: one.value, checked: one.checked}));
    return () => {
      const next = node.querySelector('.drawer-body');
      if (!next && held) leave(kind);
      if (!next || next.parentElement.className !== kind) return;
      for (const [id, was] of open) { const one = document.getElementById(id); if (one) one.open = was; }
      for (const one of typed) restore(next.querySelector(one.at), one);
      next.scrollTop = top;
    };
  }

  function restore(one, {value, checked}) {
    if (!one) return;
    if (one.checked !== undefined) one.checked = checked;
    if (one.value !== value) one.value = value;
    if (one.form) one.form.dataset.dirty = '1';
  }

  /* The drawer was closed from within: the keyboard goes back to the button that opened it. */
  function leave(kind) {
    const key = (kind.match(/tool-(\w+)/) || [])[1], button = document.querySelector('.tools [data-own="tool-' + key + '"]');
    if (button) button.focus({preventScroll: true});
  }

  /* A date that is half written has no value yet that could be carried over: the new words wait until it is done or left. */
  function half(node, html) {
    const one = document.activeElement;
    return Boolean(one && node.contains(one) && one.validity && one.validity.badInput && html.includes('name="' + one.name + '"'));
  }

  document.addEventListener('input', (event) => {
    const form = event.target.closest('.drawer form[data-kind]');
    if (form) form.dataset.dirty = '1';
  });
  if (navigator.maxTouchPoints > 0) document.documentElement.dataset.touch = '1';
  document.addEventListener('yiping:answer', opened);
  yp.drawer = {keep, half};
})();
