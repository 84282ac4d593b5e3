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

  /* What the reader did inside a drawer stays when its words are new: where it was scrolled, what was opened or typed. */
  function keep(node) {
    const body = node.querySelector('.drawer-body');
    if (!body) return () => {};
    const top = body.scrollTop, kind = body.parentElement.className;
    const open = Array.from(body.querySelectorAll('details[id]'), (one) => [one.id, one.open]);
    const typed = Array.from(body.querySelectorAll('form[data-dirty]'), (form) => [form.dataset.kind,
      Array.from(form.elements, (one) => [one.name, one.value])]);
    return () => {
      const next = node.querySelector('.drawer-body');
      if (!next || next.parentElement.className !== kind) return;
      for (const [id, was] of open) { const one = document.getElementById(id); if (one) one.open = was; }
      for (const [name, values] of typed) restore(next.querySelector('form[data-kind="' + name + '"]'), values);
      next.scrollTop = top;
    };
  }

  function restore(form, values) {
    if (!form) return;
    form.dataset.dirty = '1';
    for (const [name, value] of values) { const one = name && form.elements.namedItem(name); if (one) one.value = value; }
  }

  document.addEventListener('input', (event) => {
    const form = event.target.closest('.drawer form[data-kind]');
    if (form) form.dataset.dirty = '1';
  });
  if (navigator.maxTouchPoints > 0) document.documentElement.dataset.touch = '1';
  document.addEventListener('yiping:answer', opened);
  yp.drawer = {keep};
})();
