/* The scale bar in the reader's words (米, 千米), and which way is north. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const STEPS = [5, 2, 1], WIDE_PX = 150;

  /* The longest round length that fits: metres and its width in pixels. */
  function round(metresPerPixel) {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    const most = metresPerPixel * WIDE_PX * rem / 16, power = 10 ** Math.floor(Math.log10(most));
    const metres = power * (STEPS.find((step) => step * power <= most) || 1);
    return {metres, px: metres / metresPerPixel};
  }

  const words = (metres) => (metres >= 1000 ? metres / 1000 + ' 千米' : metres + ' 米');

  function element(tag, css, parent) {
    const made = document.createElement(tag);
    made.className = css;
    if (parent) parent.appendChild(made);
    return made;
  }

  function install(map) {
    const box = element('div', 'scalebar'), north = element('span', 'north', box), bar = element('span', 'bar', box);
    north.textContent = '北 ↑';
    function draw() {
      const wide = yp.geodesy.degreeWide(map.getCenter().lat);      // true at the middle of the map, along the parallel
      const found = round(wide * 360 / (256 * 2 ** map.getZoom()));
      bar.style.width = found.px.toFixed(1) + 'px';
      bar.dataset.metres = found.metres;
      bar.textContent = words(found.metres);
    }
    const control = window.L.control({position: 'bottomright'});
    control.onAdd = () => box;
    control.addTo(map);
    map.on('zoomend moveend', draw);
    draw();
  }

  /* The zoom buttons in the reader's words. */
  function nameButtons(map) {
    for (const [name, word] of [['in', '放大'], ['out', '缩小']]) {
      const button = map.getContainer().querySelector('.leaflet-control-zoom-' + name);
      if (button) { button.title = word; button.setAttribute('aria-label', word); }
    }
  }

  yp.scale = {install, nameButtons, round, words};
})();
