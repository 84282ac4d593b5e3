/* Meridians and parallels, off until the address names them; labelled in degrees and minutes where nothing else is written. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const STEPS_MIN = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200], APART_PX = 150;
  let on = false;

  function take(told) {
    const was = on;
    on = Boolean(told);
    return was !== on;
  }

  /* Degrees of the least usual step that keeps lines apart. */
  function step(pxPerDegree) {
    return (STEPS_MIN.find((minutes) => minutes / 60 * pxPerDegree >= APART_PX) || STEPS_MIN[STEPS_MIN.length - 1]) / 60;
  }

  /* 115°24′E; tenths of a minute only where the step needs them. */
  function words(value, size, signs) {
    const fine = size < 1 / 60 - 1e-9, minutes = Math.round(Math.abs(value) * 60 * 10) / 10;
    const degrees = Math.floor(minutes / 60 + 1e-9), rest = minutes - degrees * 60;
    return degrees + '°' + rest.toFixed(fine ? 1 : 0).padStart(fine ? 4 : 2, '0') + '′' + signs[value < 0 ? 1 : 0];
  }

  function range(from, to, size) {
    const out = [];
    for (let k = Math.ceil(from / size - 1e-9); k * size <= to + 1e-9; k += 1) out.push(k * size);
    return out;
  }

  /* What the sheet holds: [west, south, east, north] in degrees, steps, and the lines. */
  function lines(pen) {
    const v = pen.view, west = yp.geo.lonLat(-v.ox / v.k, 0)[0], east = yp.geo.lonLat((v.w - v.ox) / v.k, 0)[0];
    const north = yp.geo.lonLat(0, -v.oy / v.k)[1], south = yp.geo.lonLat(0, (v.h - v.oy) / v.k)[1];
    const wide = step(v.w / (east - west) / pen.u), high = step(v.h / (north - south) / pen.u), size = Math.max(wide, high);
    return {size, lons: range(Math.max(-180, west), Math.min(180, east), size), lats: range(Math.max(-85, south), Math.min(85, north), size)};
  }

  function paint(pen) {
    if (!on) return;
    const found = lines(pen), c = pen.c;
    pen.pixels();
    c.strokeStyle = yp.ground.color('--map-name');
    c.globalAlpha = 0.28;
    c.lineWidth = pen.u;
    c.beginPath();
    for (const lon of found.lons) { const x = pen.x(yp.geo.planeX(lon)); c.moveTo(x, 0); c.lineTo(x, pen.view.h); }
    for (const lat of found.lats) { const y = pen.y(yp.geo.planeY(lat)); c.moveTo(0, y); c.lineTo(pen.view.w, y); }
    c.stroke();
    c.globalAlpha = 1;
  }

  /* Labels come last: along the edge that is seen, then further in, and only where room is left. */
  function labels(pen, write, taken, edge) {
    if (!on) return;
    const found = lines(pen), [left, top, right, bottom] = edge, fs = 16 * pen.u * 0.8, gap = fs * 0.35;
    const put = (text, spots) => spots.some(([x, y]) => {
      const w = write.width(text, fs), box = [x - w / 2 - gap, y - fs * 0.75, x + w / 2 + gap, y + fs * 0.6];
      if (box[0] < left || box[2] > right || box[1] < top || box[3] > bottom || !taken.free(box)) return false;
      taken.take(box, 'graticule', text);
      write.word(text, x, y + fs * 0.34, fs);
      return true;
    });
    for (const lon of found.lons) {
      const x = pen.x(yp.geo.planeX(lon));
      put(words(lon, found.size, ['E', 'W']), [0.7, 2.2, 3.7, 5.2].flatMap((k) => [[x, bottom - k * fs], [x, top + k * fs]]));
    }
    for (const lat of found.lats) {
      const y = pen.y(yp.geo.planeY(lat)), text = words(lat, found.size, ['N', 'S']), half = write.width(text, fs) / 2 + gap + 2;
      put(text, [0, 3, 6, 9, 12].flatMap((k) => [[left + half + k * fs, y], [right - half - k * fs, y]]));
    }
  }

  yp.map.addSheet({name: 'graticule', order: 5, paint, take, idle: () => !on});
  yp.graticule = {step, words, labels, on: () => on};
})();
