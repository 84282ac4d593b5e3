/* What a reader would stumble over: [[kind, text, place]…] of overlapping, cut, outside, small and faint text. */
([minPx, wall]) => {
  const found = [], seen = [];
  const numbers = (text) => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const at = (r) => `${Math.round(r.left)},${Math.round(r.top)}`;

  /* The nearest opaque ground; null where a picture decides. */
  const ground = (node) => {
    for (let e = node; e; e = e.parentElement) {
      const style = getComputedStyle(e), color = numbers(style.backgroundColor);
      if (style.backgroundImage !== 'none') return null;
      if (color.length < 4 || color[3] >= 0.95) return color;
      if (color[3] > 0.05) return null;
    }
    return [255, 255, 255];
  };

  const shown = (node) => node.checkVisibility({opacityProperty: true, visibilityProperty: true}) &&
    +getComputedStyle(node).opacity > 0.35 && !node.closest('[aria-hidden="true"],[data-lint="ignore"]') &&
    !['SCRIPT', 'STYLE', 'NOSCRIPT', 'TITLE', 'OPTION'].includes(node.tagName.toUpperCase());

  const clipping = (node) => {
    for (let e = node; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.position === 'fixed') return null;
      if (/(hidden|clip|auto|scroll)/.test(style.overflowX + style.overflowY)) return e;
    }
    return null;
  };

  /* 'away' = scrolled or turned out of sight as a whole, 'cut' = a part is missing, '' = all there. */
  const cut = (r, node) => {
    const box = clipping(node);
    if (!box) return '';
    const c = box.getBoundingClientRect(), style = getComputedStyle(box);
    if (!(r.right > c.right + 1.5 || r.left < c.left - 1.5 || r.bottom > c.bottom + 2 || r.top < c.top - 2)) return '';
    const gone = r.bottom <= c.top + 2 || r.top >= c.bottom - 2 || r.left >= c.right - 2 || r.right <= c.left + 2;
    if (gone || /(auto|scroll)/.test(style.overflowX + style.overflowY)) return 'away';
    return style.textOverflow === 'ellipsis' || getComputedStyle(node).textOverflow === 'ellipsis' ? 'dots' : 'cut';
  };

  const clipped = (r, node) => {
    const c = clipping(node).getBoundingClientRect();
    return {left: Math.max(r.left, c.left), right: Math.min(r.right, c.right), top: r.top, bottom: r.bottom};
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, text = node.textContent.trim(), el = node.parentElement;
    if (!text || !shown(el)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const whole = range.getBoundingClientRect(), style = getComputedStyle(el), px = parseFloat(style.fontSize), name = text.slice(0, 24);
    if (whole.width < 2 || whole.height < 2 || !el.getBoundingClientRect().width) continue;
    const state = cut(whole, el);
    if (state === 'away') continue;
    const r = state === 'dots' ? clipped(whole, el) : whole;
    if (state === 'cut') found.push(['cut', name, at(r)]);
    if (wall && (r.right > innerWidth + 1 || r.bottom > innerHeight + 1 || r.left < -1 || r.top < -1)) found.push(['outside', name, at(r)]);
    if (px < minPx - 0.05) found.push(['small', name, `${px.toFixed(1)} px`]);
    const base = el instanceof SVGElement ? null : ground(el), ink = numbers(style.color);
    if (base && (ink.length < 4 || ink[3] > 0.9)) {
      const need = px >= 24 || (px >= 18.6 && +style.fontWeight >= 700) ? 3 : 4.5, got = ratio(ink, base);
      if (got < need - 0.05) found.push(['faint', name, `${got.toFixed(1)}:1`]);
    }
    const lead = r.bottom - r.top < px * 1.9 ? Math.max(0, (r.bottom - r.top - px * 0.92) / 2) : 0;     // ink, not line box
    seen.push({left: r.left, right: r.right, top: r.top + lead, bottom: r.bottom - lead, name, el});
  }
  seen.sort((a, b) => a.left - b.left);
  const area = (r) => (r.right - r.left) * (r.bottom - r.top);
  for (let i = 0; i < seen.length; i += 1) {
    for (let j = i + 1; j < seen.length && seen[j].left < seen[i].right; j += 1) {
      const a = seen[i], b = seen[j];
      if (a.el === b.el || a.el.contains(b.el) || b.el.contains(a.el)) continue;
      if (a.name === b.name && Math.abs(a.left - b.left) < 3 && Math.abs(a.top - b.top) < 3) continue;   // a halo under its text
      const w = Math.min(a.right, b.right) - Math.max(a.left, b.left), h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (w > 2 && h > 3 && w * h > 0.15 * Math.min(area(a), area(b))) found.push(['overlap', `${a.name} | ${b.name}`, at(b)]);
    }
  }
  return [found, seen.length];
}
