/* What a map reads: geometry and values by their addresses, in whole or in parts. What does not come is left out, and the
   map says so in its place. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};

  let pending = 0;

  /* A layer, or null and a line on the map that says so: one that cannot be had leaves the others alone. */
  async function quietly(url, form, name, load) {
    const key = 'layer:' + String(url).split('?')[0], map = yp.map && yp.map.leaflet();
    pending += 1;
    try {
      const found = await (load ? load() : yp.geo.load(url, form));
      if (url && map) yp.told.clear(key);
      return found;
    } catch (error) {
      console.warn('map: ' + error.message);
      if (map) yp.told.say(key, name + '：' + (error.told || '没有取到'), yp.map.again);      // before there is a map, `show` asks again
      return null;
    } finally {
      pending -= 1;
    }
  }

  /* Cells of a level: told by one address, or in parts of what is in sight. */
  function cells(told, look, name) {
    return quietly(told && (told.part || told), 'cells', name, () => yp.parts.load(told, look));
  }

  /* What the cells show: told with the view, or read by its own address where they are very many. */
  async function values(data, look) {
    if (!data.figures) return data.values || {};
    const parts = typeof data.cells === 'object' ? data.cells : null;
    const load = () => (parts ? yp.parts.values(data.figures, parts, look) : yp.values.load(data.figures));
    return await quietly(data.figures.url, 'values', '区划数值', load) || {};
  }

  /* `look()` answers the window that parts are read for. */
  async function ground(data, look) {
    const [outline, level, neighbours, rivers, figures] = await Promise.all([quietly(data.outline, 'polygons', '外轮廓'),
      cells(data.cells, look, '区划'), quietly(data.neighbours, 'polygons', '周边'), quietly(data.rivers, 'courses', '河流'),
      values(data, look)]);
    return {outline, cells: level, neighbours, rivers, figures};
  }

  /* Under way for whoever asks next, who hears of a failure. */
  function begin(url, form) { yp.geo.load(url, form).catch((error) => console.info('map, ahead: ' + error.message)); }

  function early(points) { for (const p of points) if (!p.many) begin(p.url, 'points'); }

  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));

  /* Cells that will probably be drawn next are read when nothing else is to be done; what is read in parts waits for its
     window. */
  function ahead(urls) {
    idle(() => { for (const url of urls) if (typeof url === 'string') begin(url, 'polygons'); });
  }

  /* A layer whose source is silent shows what was known last, and says so. */
  function aged(found, wanted) {
    const down = wanted.filter((p, k) => found[k] && found[k].freshness === 'down').map((p) => p.name || p.layer);
    if (down.length) yp.told.say('aged', down.join('、') + '：数据源不可用，图上是最后已知的情况');
    else yp.told.clear('aged');
  }

  /* Layers of marks; of those with very many only what is in sight. */
  async function marks(wanted, map) {
    const sight = yp.sight.of(map);
    const found = await Promise.all(wanted.map((p) => quietly(p.many ? p.url + sight : p.url, 'points', p.name || p.layer)));
    aged(found, wanted);
    return found;
  }

  yp.loads = {quietly, cells, ground, marks, ahead, early, pending: () => pending};
})();
