/* Levels of very many cells: read in parts, one for each division of a level above that is in sight. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const CLOSE_CELLS = 12000, PAD = 0.1, MOST = 6;
  const whole = new Map();         // address and parts in sight → the layer they make

  /* The map's window in plane units, a little wider. */
  function sight(map) {
    const seen = map.getBounds().pad(PAD);
    return [yp.geo.planeX(seen.getWest()), yp.geo.planeY(seen.getNorth()), yp.geo.planeX(seen.getEast()),
      yp.geo.planeY(seen.getSouth())];
  }

  const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

  const filled = (address, code) => address.replace('CODE', encodeURIComponent(code));

  /* Codes of the parts in sight of a level that is read so: {cover, part}. `look()`: the window, asked as late as can be. */
  async function codes(told, look) {
    const cover = await yp.geo.load(told.cover, 'polygons'), box = look();
    return cover.cells.filter((cell) => meets(cell.box, box)).map((cell) => cell.code);
  }

  function joined(layers) {
    const cells = layers.flatMap((layer) => layer.cells), path = new Path2D();
    for (const layer of layers) path.addPath(layer.path);
    return {cells, path, byCode: new Map(cells.map((cell) => [cell.code, cell]))};
  }

  /* A level: by its address as a whole, or what is in sight of it. */
  async function load(told, look) {
    if (!told || typeof told === 'string') return yp.geo.load(told, 'polygons');
    const wanted = await codes(told, look), key = told.part + wanted.join();
    if (!whole.has(key)) {
      const layers = await Promise.all(wanted.map((code) => yp.geo.load(filled(told.part, code), 'polygons')));
      if (!whole.has(key)) whole.set(key, joined(layers));
    }
    const found = whole.get(key);
    whole.delete(key);
    whole.set(key, found);
    while (whole.size > MOST) whole.delete(whole.keys().next().value);
    return found;
  }

  /* Codes whose figures are read: the parts in sight of the division in view, or that one where a part holds it.
     `within`: it and those above it. Neighbours stay bare: they are not in the legend, nor everybody's to read. */
  async function counted(within, told, look) {
    const cover = await yp.geo.load(told.cover, 'polygons'), own = within[0], seen = new Set(await codes(told, look));
    const mine = (cell) => (cell.code === own || cell.parent === own || cell.above.includes(own) ? cell.code
      : within.includes(cell.code) ? own : null);
    return cover.cells.filter((cell) => seen.has(cell.code)).map(mine).filter(Boolean);
  }

  /* The values of a level that is read in parts; a part that fails takes no other with it. */
  async function values(figures, told, look) {
    const wanted = await counted(figures.within, told, look);
    const each = await Promise.allSettled(wanted.map((code) => yp.values.load(
      Object.assign({}, figures, {url: filled(figures.url, code)}))));
    const came = each.filter((one) => one.status === 'fulfilled').map((one) => one.value);
    if (each.length && !came.length) throw each[0].reason;
    return Object.assign({}, ...came);
  }

  /* Whether the map is so near that the cells in sight of a dense level can be drawn and read. */
  function close(dense, bounds, map) {
    if (!dense || !bounds) return false;
    const seen = map.getBounds(), share = (low, high, from, to) => Math.max(0, Math.min(high, to) - Math.max(low, from)) / (to - from);
    const wide = share(seen.getWest(), seen.getEast(), bounds[0], bounds[2]);
    return dense.cells * wide * share(seen.getSouth(), seen.getNorth(), bounds[1], bounds[3]) <= CLOSE_CELLS;
  }

  const inParts = (data) => [data.cells, ...(data.finer || [])].some((told) => told && typeof told === 'object');

  yp.parts = {load, values, close, inParts, sight};
})();
