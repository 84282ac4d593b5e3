/* Geometry of the map: fetched by address, kept as paths in plane units, hit by box and point in polygon. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const ZOOM = 12, SIZE = 256 * 2 ** ZOOM, MOST = 24, MOST_FAILED = 200, PATIENCE_MS = 20000, LONGEST = 80;
  const layers = new Map();        // address → promise of a layer
  const failed = new Set();        // addresses whose last answer was none
  const origin = {x: 0, y: 0, set: false};

  /* Plane units: pixels of zoom 12 around a local origin, so that single precision of paths is enough. */
  const planeX = (lon) => (lon + 180) / 360 * SIZE - origin.x;
  function planeY(lat) {
    const s = Math.sin(lat * Math.PI / 180);
    return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * SIZE - origin.y;
  }

  /* The way back: plane units → longitude and latitude in degrees. */
  function lonLat(x, y) {
    const north = Math.PI * (1 - 2 * (y + origin.y) / SIZE);
    return [(x + origin.x) / SIZE * 360 - 180, Math.atan(Math.sinh(north)) * 180 / Math.PI];
  }

  function anchorAt(lon, lat) {
    if (origin.set) return;
    origin.x = (lon + 180) / 360 * SIZE;
    const s = Math.sin(lat * Math.PI / 180);
    origin.y = (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * SIZE;
    origin.set = true;
  }

  function flat(points) {
    const out = new Float64Array(points.length * 2);
    points.forEach((p, k) => { out[2 * k] = planeX(p[0]); out[2 * k + 1] = planeY(p[1]); });
    return out;
  }

  function trace(path, ring, close) {
    path.moveTo(ring[0], ring[1]);
    for (let k = 2; k < ring.length; k += 2) path.lineTo(ring[k], ring[k + 1]);
    if (close) path.lineTo(ring[0], ring[1]);      // closePath() measures the whole path so far, each time
  }

  function boxOf(rings) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const ring of rings) {
      for (let k = 0; k < ring.length; k += 2) {
        if (ring[k] < box[0]) box[0] = ring[k];
        if (ring[k] > box[2]) box[2] = ring[k];
        if (ring[k + 1] < box[1]) box[1] = ring[k + 1];
        if (ring[k + 1] > box[3]) box[3] = ring[k + 1];
      }
    }
    return box;
  }

  function inRing(ring, x, y) {
    let inside = false;
    for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2) {
      const yk = ring[k + 1], yj = ring[j + 1];
      if ((yk > y) !== (yj > y) && x < (ring[j] - ring[k]) * (y - yk) / (yj - yk) + ring[k]) inside = !inside;
    }
    return inside;
  }

  /* Even-odd over all rings of a cell: holes and islands come out right. */
  function contains(cell, x, y) {
    const box = cell.box;
    if (x < box[0] || x > box[2] || y < box[1] || y > box[3]) return false;
    let inside = false;
    for (const ring of cell.rings) if (inRing(ring, x, y)) inside = !inside;
    return inside;
  }

  /* Distance to the nearest edge, negative outside. */
  function depth(rings, x, y) {
    let best = Infinity, inside = false;
    for (const ring of rings) {
      if (inRing(ring, x, y)) inside = !inside;
      for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2) {
        const dx = ring[k] - ring[j], dy = ring[k + 1] - ring[j + 1];
        const t = dx || dy ? Math.max(0, Math.min(1, ((x - ring[j]) * dx + (y - ring[j + 1]) * dy) / (dx * dx + dy * dy))) : 0;
        const ex = x - ring[j] - t * dx, ey = y - ring[j + 1] - t * dy;
        if (ex * ex + ey * ey < best) best = ex * ex + ey * ey;
      }
    }
    return (inside ? 1 : -1) * Math.sqrt(best);
  }

  /* The point farthest from the edge, near enough: a grid, then finer grids around the best. Names stand there. */
  function heart(rings, box) {
    let best = {x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2, d: -Infinity};
    let cx = best.x, cy = best.y, w = box[2] - box[0], h = box[3] - box[1];
    for (let round = 0; round < 4; round += 1) {
      for (let i = -3; i <= 3; i += 1) {
        for (let j = -3; j <= 3; j += 1) {
          const x = cx + i * w / 7, y = cy + j * h / 7, d = depth(rings, x, y);
          if (d > best.d) best = {x, y, d};
        }
      }
      cx = best.x; cy = best.y; w /= 3; h /= 3;
    }
    return best;
  }

  function rings(geometry) {
    if (geometry.type === 'Polygon') return geometry.coordinates.map(flat);
    if (geometry.type === 'MultiPolygon') return geometry.coordinates.flatMap((polygon) => polygon.map(flat));
    return [];
  }

  function lines(geometry) {
    if (geometry.type === 'LineString') return [flat(geometry.coordinates)];
    if (geometry.type === 'MultiLineString') return geometry.coordinates.map(flat);
    return [];
  }

  class Cell {
    constructor(feature) {
      const p = feature.properties || {};
      this.code = String(p.code || p.id || '');
      this.name = plain(p.name);
      this.short = plain(p.short) || this.name;
      this.parent = String(p.parent || '');
      this.above = Array.isArray(p.above) ? p.above : [];
      this.rings = rings(feature.geometry);
      this.box = boxOf(this.rings);
      this.found = Array.isArray(p.label_at) ? {x: planeX(p.label_at[0]), y: planeY(p.label_at[1])} : null;
    }

    get heart() {
      this.found = this.found || heart(this.rings, this.box);
      return this.found;
    }

    get path() {
      if (!this.drawn) {
        this.drawn = new Path2D();
        for (const ring of this.rings) trace(this.drawn, ring, true);
      }
      return this.drawn;
    }
  }

  function polygons(features) {
    const cells = features.filter((f) => f.geometry && /Polygon$/.test(f.geometry.type)).map((f) => new Cell(f));
    const path = new Path2D();
    for (const cell of cells) for (const ring of cell.rings) trace(path, ring, true);
    return {cells, path, byCode: new Map(cells.map((cell) => [cell.code, cell]))};
  }

  function courses(features) {
    const path = new Path2D(), named = [];
    for (const feature of features) {
      if (!feature.geometry) continue;
      for (const line of lines(feature.geometry)) {
        trace(path, line, false);
        if ((feature.properties || {}).name) named.push({name: plain(feature.properties.name), line});
      }
    }
    return {path, named};
  }

  /* A text of a stranger as one line of fair length: no signs that turn the writing round, no line ends. */
  function plain(text) {
    const line = String(text || '').slice(0, 4 * LONGEST).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029\s]+/gu, ' ').trim();
    const signs = Array.from(line);
    return signs.length > LONGEST ? signs.slice(0, LONGEST - 1).join('') + '…' : line;
  }

  function points(features) {
    return features.filter((f) => f.geometry && f.geometry.type === 'Point').map((f) => {
      const p = f.properties || {}, at = f.geometry.coordinates;
      return {id: String(p.id || ''), name: plain(p.name), state: String(p.state || ''), text: plain(p.text),
        feed: p.feed, n: Number(p.n) || 1, x: planeX(at[0]), y: planeY(at[1])};
    });
  }

  const FORMS = {polygons, courses, points};

  async function fetched(url, form) {
    const headers = {Accept: 'application/geo+json, application/json'};
    const cache = failed.delete(url) ? 'reload' : 'default';         // what could not be read is not read from memory again
    const response = await fetch(url, {headers, cache, signal: yp.limit(PATIENCE_MS)}).catch(silent);
    if (!response.ok) {
      const why = await response.json().catch(() => ({}));
      refuse(plain(why.detail) || '读取失败（' + response.status + '）', url);
    }
    const data = await response.json().catch((error) => (error.name === 'AbortError' ? silent(error) : refuse('内容读不懂', url)));
    if (!data || typeof data !== 'object') refuse('内容读不懂', url);
    if (!origin.set) anchorAt(...firstPoint(data));
    const found = FORMS[form](Array.isArray(data.features) ? data.features.filter(sound) : []);
    found.freshness = data.freshness;
    return found;
  }

  function refuse(words, url) {
    throw Object.assign(new Error(words + '：' + url.split('?')[0]), {told: words});
  }

  function silent(error) {
    throw Object.assign(error, {told: error.name === 'AbortError' ? '服务器没有按时回答' : '没有取到'});
  }

  /* Every place of a geometry is one of the earth: a pole, a swapped pair or a NaN would bend a whole path. */
  function sound(feature) {
    const held = feature && feature.geometry && feature.geometry.coordinates;
    const good = (at) => Array.isArray(at) && (Array.isArray(at[0]) ? at.every(good) :
      at.length >= 2 && at.every(Number.isFinite) && Math.abs(at[0]) <= 180 && Math.abs(at[1]) <= 85.06);
    return Boolean(feature) && (!feature.geometry || good(held));
  }

  function firstPoint(data) {
    let at = ((data.features || []).find((f) => f.geometry) || {geometry: {coordinates: [0, 0]}}).geometry.coordinates;
    while (Array.isArray(at[0])) at = at[0];
    return at;
  }

  /* A layer by its address; the address names the version, so a kept one is always right. */
  function load(url, form) {
    if (!url) return Promise.resolve(null);
    const key = form + ' ' + url;
    const held = layers.get(key);
    if (held) {
      layers.delete(key);
      layers.set(key, held);                  // the one that was not asked for the longest goes first
      return held;
    }
    const promise = fetched(url, form).catch((error) => { layers.delete(key); bound(failed.add(url), MOST_FAILED); throw error; });
    bound(layers.set(key, promise), MOST);
    return promise;
  }

  function bound(kept, most) {
    while (kept.size > most) kept.delete(kept.keys().next().value);
  }

  yp.geo = {ZOOM, SIZE, origin, planeX, planeY, lonLat, anchorAt, contains, depth, heart, boxOf, load, inRing};
})();
