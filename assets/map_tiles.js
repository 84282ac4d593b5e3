/* Tiles below everything: off until the address names them. A service that hangs or refuses is told of, and left out. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const PATIENCE_MS = 4000, LOOK_MS = 500, WORLD_M = 20037508.342789244;
  const held = new Map();          // key → {said, parts: [Leaflet layers], state}
  let timer = 0;

  /* Web Mercator's metres of a tile: what a WMS is asked for. */
  function bbox({x, y, z}) {
    const side = 2 * WORLD_M / 2 ** z, west = x * side - WORLD_M, north = WORLD_M - y * side;
    return [west, north - side, west + side, north].join(',');
  }

  /* The same tiles where they belong: each corner of a GCJ-02 tile is brought back; what is left is under a pixel. */
  const Shifted = window.L.TileLayer.extend({
    corner(x, y, z) {
      const size = this.getTileSize(), at = this._map.unproject([x * size.x, y * size.y], z);
      const back = yp.geodesy.ungcj([at.lng, at.lat]);
      return this._map.project([back[1], back[0]], z);
    },
    _getTilePos(coords) {
      return this.corner(coords.x, coords.y, coords.z).subtract(this._level.origin).round();
    },
    _getTiledPixelBounds(center) {
      const there = yp.geodesy.gcj([center.lng, center.lat]);
      return window.L.TileLayer.prototype._getTiledPixelBounds.call(this, window.L.latLng(there[1], there[0]));
    },
    fitTile({tile, coords}) {
      const from = this._getTilePos(coords), to = this.corner(coords.x + 1, coords.y + 1, coords.z).subtract(this._level.origin);
      tile.style.width = Math.ceil(to.x - from.x) + 'px';
      tile.style.height = Math.ceil(to.y - from.y) + 'px';
    },
  });

  function part(url, told) {
    const b = told.bounds, options = {
      minZoom: told.min, maxNativeZoom: told.max, maxZoom: 22, subdomains: told.subdomains.length ? told.subdomains : ['a'], bbox,
      noWrap: true, className: told.shifted ? 'shifted' : '', keepBuffer: 1, referrerPolicy: told.referrer || 'no-referrer', updateWhenZooming: false,
      bounds: b ? [[b[1], b[0]], [b[3], b[2]]] : undefined};
    const made = told.shifted ? new Shifted(url, options) : window.L.tileLayer(url, options);
    if (told.shifted) made.on('tileloadstart', made.fitTile, made);
    return made;
  }

  /* One state for the pictures of a layer, its notes above included. */
  function watch(one) {
    const state = one.state = {pending: new Map(), failed: new Set(), loaded: 0};
    for (const layer of one.parts) {
      layer.on('tileloadstart', ({tile}) => { state.pending.set(tile, performance.now()); look(); });
      layer.on('tileload', ({tile}) => { state.pending.delete(tile); state.loaded += 1; if (state.loaded === 1) redraw(); look(); });
      layer.on('tileerror', ({tile}) => { state.pending.delete(tile); state.failed.add(tile); look(); });
      layer.on('tileunload', ({tile}) => { state.pending.delete(tile); if (state.failed.delete(tile)) look(); });
    }
  }

  function redraw() {
    yp.map.state.tiled = Array.from(held.values()).some((one) => one.state && one.state.loaded);
    const ground = yp.map.leaflet().getContainer();
    for (const node of [ground, ground.closest('.canvas')]) if (node) node.classList.toggle('tiled', yp.map.state.tiled);
    for (const sheet of yp.map.sheets()) sheet.redraw();
  }

  function words(one) {
    const {said, state} = one, map = yp.map.leaflet();
    if (said.trouble) return said.trouble;
    if (map.getZoom() < said.min - 0.5) return said.name + '：放大后才有图';
    if (state.failed.size) return said.name + (state.loaded ? '：有 ' + state.failed.size + ' 块瓦片没有取到' : '：瓦片服务出错或拒绝，图上没有这一层');
    const oldest = Math.min(...state.pending.values());
    return performance.now() - oldest > PATIENCE_MS ? said.name + '：瓦片服务没有回应，仍在等' : '';
  }

  function again(one) {
    if (one.said.trouble) { yp.view.refresh(); return; }
    one.state.failed.clear();
    one.state.pending.clear();
    for (const layer of one.parts) layer.redraw();
  }

  /* Looks at once, and again while anything is awaited. */
  function look() {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      for (const [key, one] of held) {
        const text = words(one);
        if (text) yp.told.say('tiles:' + key, text, text.endsWith('才有图') ? null : () => again(one));
        else yp.told.clear('tiles:' + key);
        if (one.state.pending.size) look();
      }
    }, LOOK_MS);
  }

  function drop(key) {
    for (const layer of held.get(key).parts) layer.remove();
    held.delete(key);
    yp.told.clear('tiles:' + key);
  }

  function put(said) {
    const one = {said, parts: said.trouble ? [] : said.urls.map((url) => part(url, said)), state: null};
    held.set(said.key, one);
    watch(one);
    for (const layer of one.parts) layer.addTo(yp.map.leaflet());
  }

  function take(told) {
    const wanted = new Map((told || []).map((said) => [said.key, said])), map = yp.map.leaflet();
    const before = JSON.stringify(Array.from(held.values(), (one) => one.said));
    if (before === JSON.stringify(Array.from(wanted.values()))) return false;
    for (const key of Array.from(held.keys())) drop(key);
    for (const said of wanted.values()) put(said);
    map.off('zoomend', look).on('zoomend', look);
    look();
    redraw();
    return true;
  }

  /* Whether a picture may be taken: what comes is there in full, and of what does not come the map has said so. */
  function still() {
    const now = performance.now(), late = (since) => now - since > PATIENCE_MS + 2 * LOOK_MS;
    const awaited = Array.from(held.values()).flatMap((one) => (one.state ? Array.from(one.state.pending.values()) : []));
    const said = awaited.every(late) && (awaited.length > 0 || !timer);
    const faded = Array.from(document.querySelectorAll('.leaflet-tile-loaded')).every((tile) => !(parseFloat(tile.style.opacity) < 1));
    return said && faded;
  }

  yp.map.addSheet({name: 'tiles', order: -10, paint() { /* Leaflet shows them below the canvas */ }, take, idle: () => true});
  yp.tiles = {bbox, held, still};
})();
