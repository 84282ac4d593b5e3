/* A canvas that rides on the Leaflet map: larger than the map by a margin, drawn again when the margin is used up. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MARGIN = 0.12, MOST_RATIO = 2;

  /* The way from plane units to the canvas: x → x·k + ox. */
  function viewOf(map, topLeft, size) {
    const k = 2 ** (map.getZoom() - yp.geo.ZOOM), pixel = map.getPixelOrigin(), o = yp.geo.origin;
    return {k, zoom: map.getZoom(), w: size.x, h: size.y, ox: o.x * k - pixel.x - topLeft.x, oy: o.y * k - pixel.y - topLeft.y};
  }

  class Sheet {
    constructor(map, name, paint) {
      this.map = map;
      this.paint = paint;
      this.asked = 0;
      this.view = null;
      this.canvas = document.createElement('canvas');
      this.canvas.className = 'sheet sheet-' + name;
      map.getPanes().overlayPane.appendChild(this.canvas);
      map.on('moveend viewreset zoom resize', this.redraw, this);
      map.on('move', this.moved, this);
    }

    /* One drawing a frame, however often it is asked for. */
    redraw() {
      if (this.asked) return;
      this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
    }

    moved() {
      const at = this.map.containerPointToLayerPoint([0, 0]);
      if (!this.at || Math.abs(at.x - this.at.x - this.pad.x) > this.pad.x * 0.9 ||
          Math.abs(at.y - this.at.y - this.pad.y) > this.pad.y * 0.9) this.redraw();
    }

    place() {
      const size = this.map.getSize();
      this.pad = window.L.point(Math.round(size.x * MARGIN), Math.round(size.y * MARGIN));
      this.at = this.map.containerPointToLayerPoint([-this.pad.x, -this.pad.y]).round();
      const full = size.add(this.pad).add(this.pad);
      const ratio = Math.min(window.devicePixelRatio || 1, MOST_RATIO);
      const w = Math.round(full.x * ratio), h = Math.round(full.y * ratio);
      if (this.canvas.width !== w || this.canvas.height !== h) {
        this.canvas.width = w;
        this.canvas.height = h;
        this.canvas.style.width = full.x + 'px';
        this.canvas.style.height = full.y + 'px';
      }
      window.L.DomUtil.setPosition(this.canvas, this.at);
      this.ratio = ratio;
      return full;
    }

    draw() {
      if (!yp.geo.origin.set) return;
      const full = this.place();
      const context = this.canvas.getContext('2d');
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.view = viewOf(this.map, this.at, full);
      this.paint(new Pen(context, this.view, this.ratio), this);
    }
  }

  /* Draws in plane units (paths) or in canvas pixels (words, marks). */
  class Pen {
    constructor(context, view, ratio) {
      this.c = context;
      this.u = (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;     // a wall's strokes are wider
      this.view = view;
      this.ratio = ratio;
      this.pixels();
    }

    plane(dx, dy) {
      const k = this.view.k * this.ratio;
      this.c.setTransform(k, 0, 0, k, (this.view.ox + (dx || 0)) * this.ratio, (this.view.oy + (dy || 0)) * this.ratio);
    }

    pixels() { this.c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0); }

    x(x) { return x * this.view.k + this.view.ox; }

    y(y) { return y * this.view.k + this.view.oy; }

    fill(path, color, dx, dy) {
      this.plane(dx, dy);
      this.c.fillStyle = color;
      this.c.fill(path, 'evenodd');
    }

    stroke(path, color, width, dx, dy) {
      this.plane(dx, dy);
      this.c.strokeStyle = color;
      this.c.lineWidth = width * this.u / this.view.k;
      this.c.lineJoin = this.c.lineCap = 'round';
      this.c.stroke(path);
    }
  }

  yp.canvas = {Sheet, Pen};
})();
