/* Before the page's scripts: notes every text that is drawn on the sheet of names, as it lies in canvas pixels. */
(() => {
  const draw = CanvasRenderingContext2D.prototype.fillText, clear = CanvasRenderingContext2D.prototype.clearRect;
  window.wordsDrawn = [];
  CanvasRenderingContext2D.prototype.clearRect = function (...all) {
    if (this.canvas.className === 'sheet-names') window.wordsDrawn = [];
    return clear.apply(this, all);
  };
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
    if (this.canvas.className === 'sheet-names') {
      const m = this.measureText(text), t = this.getTransform(), xs = [], ys = [];
      for (const dx of [-m.actualBoundingBoxLeft, m.actualBoundingBoxRight]) {
        for (const dy of [-m.actualBoundingBoxAscent, m.actualBoundingBoxDescent]) {
          const p = t.transformPoint(new DOMPoint(x + dx, y + dy));
          xs.push(p.x); ys.push(p.y);
        }
      }
      window.wordsDrawn.push({text, box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]});
    }
    return draw.call(this, text, x, y, ...more);
  };
  /* Every pair of texts that meet, and every text that meets a card over the map; [[text, what it meets]…]. */
  window.wordsMet = () => {
    const canvas = document.querySelector('.ground canvas.sheet'), base = canvas.getBoundingClientRect(), r = canvas.width / base.width;
    const cards = Array.from(document.querySelectorAll('.page .over > *, .page .lead, .page .kpis, .ground .leaflet-control, .ground .maptold'))
      .map((node) => node.getBoundingClientRect()).filter((c) => c.width && c.height)
      .map((c) => ({text: 'card', box: [(c.left - base.left) * r, (c.top - base.top) * r, (c.right - base.left) * r, (c.bottom - base.top) * r]}));
    const meet = (a, b) => a[0] < b[2] - 1 && b[0] < a[2] - 1 && a[1] < b[3] - 1 && b[1] < a[3] - 1;
    const words = window.wordsDrawn.filter((one) => one.text.trim()), found = [];
    words.forEach((one, k) => {
      for (const other of words.slice(k + 1).concat(cards)) if (meet(one.box, other.box)) found.push([one.text, other.text]);
    });
    return [words.length, found];
  };
  window.mapAt = async (zoom) => {
    const map = window.yiping.map.leaflet();
    window.zoomThen = window.zoomThen || map.getZoom();
    map.setView(map.getCenter(), window.zoomThen + zoom, {animate: false});
    for (let k = 0; k < 3; k += 1) await window.yiping.view.painted();
  };
})();
