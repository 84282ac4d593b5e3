/* An area by typing: a center with a radius, a river with a band; and bringing the whole of it into sight. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let look = false;

  function typed(form) {
    const value = (name) => form.elements.namedItem(name).value.trim().replace(/[，、\s]+/g, ',');
    const text = form.dataset.kind === 'river' ? 'river:' + form.elements.namedItem('river').value + ',' + value('band') :
      'circle:' + value('center') + ',' + value('radius');
    look = true;
    delete form.dataset.dirty;
    if (!yp.view.set({area: text, tool: 'area'})) { look = false; all(); }
  }

  function fill(p) {
    const box = document.querySelector('.tool-area [name="center"]');
    if (!box || !p) return;
    box.value = p[0].toFixed(5) + ',' + p[1].toFixed(5);
    box.form.dataset.dirty = '1';
    box.closest('form').elements.namedItem('radius').focus();
  }

  function all() {
    const told = yp.area.told(), b = told && told.bounds;
    if (b) yp.map.leaflet().fitBounds([[b[1], b[0]], [b[3], b[2]]], {animate: false, padding: [36, 36]});
  }

  function pinned() {
    const told = ((yp.view.last() || {}).map || {}).overlays, pin = told && told.pin;
    return pin ? [pin.lon, pin.lat] : null;
  }

  function middle() {
    const at = yp.map.leaflet().getCenter();
    return [at.lng, at.lat];
  }

  const BUTTONS = {show: all, middle: () => fill(middle()), pin: () => fill(pinned())};

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-act="draw"]');
    if (button && BUTTONS[button.dataset.kind]) BUTTONS[button.dataset.kind]();
  });
  document.addEventListener('submit', (event) => {
    if (!event.target.matches('.tool-area form.typed')) return;
    event.preventDefault();
    typed(event.target);
  });
  document.addEventListener('yiping:answer', () => {
    yp.view.painted().then(yp.view.painted).then(() => {      // the drawer and the map's part come one frame later
      if (look && yp.area.told()) { look = false; all(); }
    });
  });
})();
