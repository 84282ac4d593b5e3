/* Values of very many cells: read by their own address, put into classes by the limits that the legend shows. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const kept = new Map(), MOST = 24, PATIENCE_MS = 20000;      // kept: promises, so that two who ask share one answer

  /* The figure a reader sees; what lies exactly between two goes to the even one, as on the server. */
  function rounded(value, decimals) {
    const size = Math.abs(value);
    if (size >= 2 ** 52) return value;
    const exact = size.toFixed(decimals + 60), cut = exact.length - 60;
    const down = exact.slice(0, cut), even = '02468'.includes(down.replace('.', '').at(-1));
    const near = Number(even && /^50*$/.test(exact.slice(cut)) ? down : size.toFixed(decimals));
    return value < 0 && near ? -near : near;
  }

  const forms = new Map();         // decimals → the writer of such numbers: to make one takes longer than to write a hundred
  function form(decimals) {
    if (!forms.has(decimals)) {
      forms.set(decimals, new Intl.NumberFormat('en-US', {minimumFractionDigits: decimals, maximumFractionDigits: decimals}));
    }
    return forms.get(decimals);
  }

  /* As the server writes a figure: separators, a true minus, 亿 for what is too long. */
  function number(value, decimals) {
    if (Math.abs(value) >= 1e8) return number(value / 1e8, 2) + '亿';
    const text = form(decimals).format(Math.abs(rounded(value, decimals)));
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

  async function fetched(told) {
    const asked = {headers: {Accept: 'application/json'}, signal: yp.limit(PATIENCE_MS)};
    const response = await fetch(told.url, asked);
    if (!response.ok) throw new Error('地图数值读取失败（' + response.status + '）');
    return shaded((await response.json()).rows || {}, told);
  }

  function load(told) {
    const key = told.url + ' ' + told.breaks.join();
    const held = kept.get(key) || fetched(told).catch((error) => {
      kept.delete(key);
      throw error.name === 'AbortError' ? Object.assign(error, {told: '服务器没有按时回答'}) : error;
    });
    kept.delete(key);
    kept.set(key, held);
    while (kept.size > MOST) kept.delete(kept.keys().next().value);
    return held;
  }

  /* Whether two readings say the same of every cell. */
  function same(a, b) {
    const codes = Object.keys(a);
    return codes.length === Object.keys(b).length && codes.every((code) => String(a[code]) === String(b[code]));
  }

  /* What a cell shows: its own figure, else that of the nearest division above it that has one. */
  function of(values, cell) {
    if (values[cell.code]) return values[cell.code];
    const owner = [cell.parent, ...cell.above].find((code) => values[code]);
    return owner ? values[owner] : null;
  }

  yp.values = {load, of, same, shaded, words};
})();
