/* What a map reads: geometry and values by their addresses, in whole or in parts; what does not come is left out and said. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};

  async function quietly(url, form) {
    try { return await yp.geo.load(url, form); } catch (error) { console.warn('map: ' + error.message); return null; }
  }

  /* Cells of a level: told by one address, or in parts of what is in sight. */
  async function cells(told, map) {
    try { return await yp.parts.load(told, map); } catch (error) { console.warn('map: ' + error.message); return null; }
  }

  /* What the cells show: told with the view, or read by its own address where they are very many. */
  async function values(data, map) {
    if (!data.figures) return data.values || {};
    const parts = typeof data.cells === 'object' ? data.cells : null;
    try { return await (parts ? yp.parts.values(data.figures, parts, map) : yp.values.load(data.figures)); } catch (error) {
      console.warn('map: ' + error.message);
      yp.notice.say('地图数值没有取到，有新数据时自动重试');
      return {};
    }
  }

  async function ground(data, map) {
    const [outline, level, neighbours, rivers, figures] = await Promise.all([quietly(data.outline, 'polygons'),
      cells(data.cells, map), quietly(data.neighbours, 'polygons'), quietly(data.rivers, 'courses'), values(data, map)]);
    return {outline, cells: level, neighbours, rivers, figures};
  }

  yp.loads = {quietly, cells, ground};
})();
