/* What the map has to say of itself, in place: a layer that cannot be had, tiles that do not come; each with a way to retry. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MOST = 4;
  const lines = new Map();         // key → {text, retry}
  let box = null;

  function home() {
    if (box) return box;
    const map = yp.map.leaflet();
    if (!map) return null;
    box = document.createElement('div');
    box.className = 'maptold';
    box.setAttribute('role', 'status');
    window.L.DomEvent.disableClickPropagation(box);
    window.L.DomEvent.disableScrollPropagation(box);
    map.getContainer().appendChild(box);
    return box;
  }

  function again(key) {
    const {retry} = lines.get(key) || {};
    clear(key);
    if (retry) retry();
  }

  function row(key, {text, retry}) {
    const line = document.createElement('p'), words = document.createElement('span');
    words.textContent = text;
    line.append(words);
    line.dataset.key = key;
    if (retry) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = '重试';
      button.setAttribute('aria-label', '重试：' + text);
      button.addEventListener('click', () => again(key));
      line.append(button);
    }
    return line;
  }

  /* Between the cards that stand at the map's foot. */
  function place() {
    const base = box.parentElement.getBoundingClientRect(), foot = base.bottom - box.offsetHeight - 48, middle = base.left + base.width / 2;
    const cards = Array.from(document.querySelectorAll('.page .over > *, .ground .leaflet-control')).map((node) => node.getBoundingClientRect())
      .filter((r) => r.width > 2 && r.bottom > foot && r.top < base.bottom && r.right > base.left && r.left < base.right);
    const left = Math.max(base.left, ...cards.filter((r) => r.right < middle + 40).map((r) => r.right));
    const right = Math.min(base.right, ...cards.filter((r) => r.left > middle + 40).map((r) => r.left));
    box.style.left = Math.round(left - base.left + 8) + 'px';
    box.style.right = Math.round(base.right - right + 8) + 'px';
  }

  function draw() {
    if (!home()) return;
    const shown = Array.from(lines).slice(0, MOST), held = document.activeElement, same = held && box.contains(held) && held.closest('p').dataset.key;
    box.replaceChildren(...shown.map(([key, line]) => row(key, line)));
    if (lines.size > MOST) box.append(row('more', {text: '另有 ' + (lines.size - MOST) + ' 个图层没有取到'}));
    const again = same && Array.from(box.querySelectorAll('p')).find((line) => line.dataset.key === same);
    place();
    if (again && again.querySelector('button')) again.querySelector('button').focus({preventScroll: true});
    for (const sheet of yp.map.sheets()) if (sheet.canvas.className === 'sheet-names') sheet.redraw();
  }

  function say(key, text, retry) {
    const held = lines.get(key);
    if (held && held.text === text) { held.retry = retry; return; }
    lines.set(key, {text, retry});
    draw();
  }

  function clear(key) {
    if (lines.delete(key)) draw();
  }

  /* What a map is, for those who do not see it. */
  function label(map, data, second) {
    const box = map.getContainer(), head = document.querySelectorAll('.mtitle > b, .mtitle > span');     // not the menus
    const words = data.label || Array.from(head, (node) => node.textContent).join('，') || data.metric || '';
    box.setAttribute('role', 'application');
    box.setAttribute('aria-label', (second ? '对比地图：' : '地图：') + words + '。各区划数值见图例和面板');
  }

  document.addEventListener('yiping:answer', () => { if (box && lines.size) yp.view.painted().then(yp.view.painted).then(place); });
  window.addEventListener('resize', () => { if (box && lines.size) requestAnimationFrame(place); });

  yp.told = {say, clear, label, lines: () => Array.from(lines, ([key, line]) => [key, line.text])};
})();
