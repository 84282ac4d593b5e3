/* What is in sight, rounded outward to tiles, so that a small pan asks nothing and two viewers ask the same. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const FINER = 1;                 // clusters come a zoom finer than the map's and are joined to its own

  /* The tiles of a zoom that hold the map's window: [west, south, east, north] in degrees. */
  function box(map, zoom) {
    const seen = map.getBounds(), n = 2 ** zoom, rad = Math.PI / 180;
    const across = (lon) => (lon + 180) / 360 * n;
    const down = (lat) => (1 - Math.asinh(Math.tan(lat * rad)) / Math.PI) / 2 * n;
    const lon = (x) => x / n * 360 - 180, lat = (y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y / n))) / rad;
    return [lon(Math.floor(across(seen.getWest()))), lat(Math.ceil(down(seen.getSouth()))),
      lon(Math.ceil(across(seen.getEast()))), lat(Math.floor(down(seen.getNorth())))].map((v) => Number(v.toFixed(6)));
  }

  /* The words of an address that asks for what is in sight. */
  function of(map) {
    const zoom = Math.max(0, Math.min(22, Math.floor(map.getZoom())));
    return '&bbox=' + box(map, zoom).join(',') + '&zoom=' + Math.min(22, zoom + FINER);
  }

  yp.sight = {of, box};
})();
