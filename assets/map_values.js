/* Values of very many cells: read by their own address, put into classes by the limits that the legend shows. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const kept = new Map(), MOST = 6;

  /* The figure a reader sees; what lies exactly between two goes to the even one, as on the server. */
  function rounded(value, decimals) {
    const size = Math.abs(value);
    if (size >= 2 ** 52) return value;
    const exact = size.toFixed(decimals + 60), cut = exact.length - 60;
    const down = exact.slice(0, cut), even = '02468'.includes(down.replace('.', '').at(-1));
    const near = Number(even && /^50*$/.test(exact.slice(cut)) ? down : size.toFixed(decimals));
    return value < 0 && near ? -near : near;
  }

  /* As the server writes a figure: separators, a true minus, 亿 for what is too long. */
  function number(value, decimals) {
    if (Math.abs(value) >= 1e8) return number(value / 1e8, 2) + '亿';
    const text = Math.abs(rounded(value, decimals)).toLocaleString('en-US', {minimumFractionDigits: decimals, maximumFractionDigits: decimals});
    return (value < 0 && Number(text.replaceAll(',', '')) ? '−' : '') + text;
  }

  function words(value, told) {
    const text = number(value, told.decimals);
    return [told.signed && value > 0 && /[1-9]/.test(text) ? '+' + text : text, told.unit].filter(Boolean).join(' ');
  }

  /* code → [class, words]; the class is the number of limits that the value, as it reads, reaches, the last one is unknown. */
  function shaded(rows, told) {
    const found = {};
    for (const [code, value] of Object.entries(rows)) {
      let at = told.breaks.length + 1, text = '未知';
      if (value !== null) {
        const read = rounded(value, told.decimals);
        at = told.breaks.filter((limit) => read >= limit).length;
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
