/* The pin: the one place that was looked up. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let at = null, begun = false;

  function take(told) {
    const was = at && at.lon + ',' + at.lat, is = told && told.lon + ',' + told.lat;
    at = told;
    if (was !== is && told && begun) inSight();
    begun = true;                             // where a page opens is its address' choice
    return was !== is;
  }

  /* What was just looked up is seen: the map goes to it where it lay outside. */
  function inSight() {
    const map = yp.map.leaflet(), place = window.L.latLng(at.lat, at.lon);
    if (!map.getBounds().contains(place)) map.panTo(place, {animate: false});
  }

  /* A drop whose tip is the place. */
  function paint(pen) {
    if (!at) return;
    pen.pixels();
    const c = pen.c, x = pen.x(yp.geo.planeX(at.lon)), y = pen.y(yp.geo.planeY(at.lat)), r = 8 * pen.u;
    c.beginPath();
    c.arc(x, y - 2.4 * r, r, Math.PI * 0.82, Math.PI * 0.18);
    c.lineTo(x, y);
    c.closePath();
    c.lineWidth = 3 * pen.u;
    c.strokeStyle = yp.ground.color('--map-halo');
    c.stroke();
    c.fillStyle = yp.ground.color('--accent');
    c.fill();
    c.beginPath();
    c.arc(x, y - 2.4 * r, r * 0.38, 0, 2 * Math.PI);
    c.fillStyle = yp.ground.color('--ground');
    c.fill();
  }

  yp.map.addSheet({name: 'pin', order: 60, paint, take, idle: () => !at});
})();
