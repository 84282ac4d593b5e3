/* The catalogue's filter: what is typed leaves the entries whose name holds it; it outlives the drawer's next HTML. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let typed = '', open = false;

  const plain = (text) => text.toLowerCase().replace(/\s+/g, '');

  function apply(input) {
    const box = input.closest('.drawer-body'), wanted = plain(typed);
    let any = false;
    for (const section of box.querySelectorAll('.lg:not(.now)')) {
      const whole = plain(section.querySelector('h3').textContent).includes(wanted);
      let left = 0;
      for (const row of section.querySelectorAll('li')) {
        row.hidden = !whole && !plain(row.dataset.name).includes(wanted);
        if (!row.hidden) left += 1;
      }
      section.hidden = !left;
      any = any || left > 0;
    }
    box.querySelector('.none').hidden = any;
  }

  document.addEventListener('input', (event) => {
    if (!event.target.matches('input[data-find="layers"]')) return;
    typed = event.target.value;
    apply(event.target);
  });

  /* Arrow keys go from entry to entry, out of the field as well; Escape in it empties it first. */
  document.addEventListener('keydown', (event) => {
    const box = event.target.closest && event.target.closest('.tool-layers');
    if (!box || !['ArrowDown', 'ArrowUp', 'Escape'].includes(event.key)) return;
    const input = box.querySelector('input.find');
    if (event.key === 'Escape') {
      if (event.target !== input) return;
      event.preventDefault();
      if (typed) { typed = input.value = ''; apply(input); } else leave();
      return;
    }
    const stops = [input, ...Array.from(box.querySelectorAll('li:not([hidden]) > a.sw1')).filter((a) => a.offsetParent)];
    const next = stops[stops.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  function leave() {
    yp.view.set({tool: null});
    const button = document.querySelector('.tools a[data-key="l"]');
    if (button) button.focus({preventScroll: true});
  }

  /* The drawer came anew: the field keeps what was typed, and the list what it left. */
  function settle() {
    const input = document.querySelector('input[data-find="layers"]');
    const fresh = input && !open;
    open = Boolean(input);
    if (!input) { typed = ''; return; }
    if (fresh && window.matchMedia('(hover: hover)').matches) input.focus({preventScroll: true});
    if (input.value !== typed) input.value = typed;
    if (typed) apply(input);
  }

  function watch() {
    const box = document.querySelector('.toolbox');
    open = Boolean(document.querySelector('input[data-find="layers"]'));       // a page that comes with it open takes no focus
    if (box) new MutationObserver(settle).observe(box, {childList: true, subtree: true});
  }

  document.addEventListener('yiping:mounted', watch);
})();
