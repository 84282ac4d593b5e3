/* A finger that stays asks what is here. Browsers differ in what they make of it, so the half second is counted here. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const HOLD_MS = 500, SLIP_PX = 10, QUIET_MS = 1500;
  let timer = 0, from = null, quiet = 0;

  function drop() {
    clearTimeout(timer);
    from = null;
  }

  function down(map, event) {
    drop();
    quiet = 0;
    if (event.pointerType !== 'touch' || !event.isPrimary || yp.hand.drawing()) return;
    if (event.target.closest('.leaflet-control')) return;
    from = {x: event.clientX, y: event.clientY, latlng: map.mouseEventToLatLng(event), point: map.mouseEventToContainerPoint(event)};
    timer = setTimeout(() => {
      const {latlng, point} = from;
      drop();
      quiet = Date.now() + QUIET_MS;
      yp.hand.what(latlng, point);
    }, HOLD_MS);
  }

  function slip(event) {
    if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) > SLIP_PX) drop();
  }

  /* The click and the menu that the same finger brings when it leaves are no further question. */
  function hush(event) {
    if (Date.now() > quiet) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type === 'click') quiet = 0;
  }

  function install(map) {
    const box = map.getContainer();
    box.addEventListener('pointerdown', (event) => down(map, event));
    box.addEventListener('pointermove', slip);
    for (const name of ['pointerup', 'pointercancel']) box.addEventListener(name, drop);
    for (const name of ['click', 'contextmenu']) box.addEventListener(name, hush, true);
    map.on('movestart zoomstart', drop);
  }

  window.L.Map.addInitHook(function () { this.whenReady(() => install(this)); });
})();
