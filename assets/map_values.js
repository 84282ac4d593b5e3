/* Values of very many cells: read by their own address, put into classes by the limits that the legend shows. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const kept = new Map(), MOST = 6;

  /* As the server writes a figure: separators, a true minus, 亿 for what is too long. */
  function number(value, decimals) {
    if (Math.abs(value) >= 1e8) return number(value / 1e8, 2) + '亿';
    const text = Math.abs(value).toLocaleString('en-US', {minimumFractionDigits: decimals, maximumFractionDigits: decimals});
    return (value < 0 && Number(text.replaceAll(',', '')) ? '−' : '') + text;
  }

  function words(value, told) {
    const text = number(value, told.decimals);
    return [told.signed && value > 0 && /[1-9]/.test(text) ? '+' + text : text, told.unit].filter(Boolean).join(' ');
  }

  /* code → [class, words]; the class is the number of limits that the value reaches, the last one is unknown. */
  function shaded(rows, told) {
    const found = {};
    for (const [code, value] of Object.entries(rows)) {
      let at = told.breaks.length + 1, text = '未知';
      if (value !== null) {
        at = told.breaks.filter((limit) => value >= limit).length;
        text = words(value, told);
      }
      found[code] = [at, text];
    }
    return found;
  }

  async function load(told) {
    const key = told.url + ' ' + told.breaks.join();
    if (!kept.has(key)) {
      const response = await fetch(told.url, {headers: {Accept: 'application/json'}});
      if (!response.ok) throw new Error('地图数值读取失败（' + response.status + '）');
      kept.set(key, shaded((await response.json()).rows || {}, told));
      while (kept.size > MOST) kept.delete(kept.keys().next().value);
    }
    return kept.get(key);
  }

  /* What a cell shows: its own figure, else that of the nearest division above it that has one. */
  function of(values, cell) {
    if (values[cell.code]) return values[cell.code];
    const owner = [cell.parent, ...cell.above].find((code) => values[code]);
    return owner ? values[owner] : null;
  }

  yp.values = {load, of, shaded, words};
})();
