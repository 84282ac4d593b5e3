/* The canvas that rides on the Leaflet map: larger than the map by a margin, drawn again when the margin is used up. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MARGIN = 0.12, MOST_RATIO = 2;

  /* The way from plane units to the canvas: x → x·k + ox. */
  function viewOf(map, topLeft, size) {
    const k = 2 ** (map.getZoom() - yp.geo.ZOOM), pixel = map.getPixelOrigin(), o = yp.geo.origin;
    return {k, zoom: map.getZoom(), w: size.x, h: size.y, ox: o.x * k - pixel.x - topLeft.x, oy: o.y * k - pixel.y - topLeft.y};
  }

  /* What is drawn lies in sheets of its own, painted only when asked; the map carries one canvas that lays them together. */
  class Sheet {
    constructor(stack, name, paint, idle) {
      this.stack = stack;
      this.paint = paint;
      this.idle = idle || (() => false);         // nothing on it: neither painted nor laid
      this.canvas = document.createElement('canvas');
      this.canvas.className = 'sheet-' + name;
    }

    redraw() { this.stack.ask(this); }

    draw(size, view, ratio) {
      if (this.canvas.width !== size.x || this.canvas.height !== size.y) {
        this.canvas.width = size.x;
        this.canvas.height = size.y;
      }
      const context = this.canvas.getContext('2d');
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, size.x, size.y);
      this.paint(new Pen(context, view, ratio), this.stack);
    }
  }

  class Stack {
    constructor(map) {
      this.map = map;
      this.sheets = [];
      this.asked = new Set();
      this.frame = 0;
      this.canvas = document.createElement('canvas');
      this.canvas.className = 'sheet';
      map.getPanes().overlayPane.appendChild(this.canvas);
      map.on('moveend viewreset zoom resize', this.redraw, this);
      map.on('move', this.moved, this);
      map.on('unload', () => { this.gone = true; });
    }

    /* A sheet above those that are there. */
    add(name, paint, idle) {
      this.sheets.push(new Sheet(this, name, paint, idle));
      return this.sheets[this.sheets.length - 1];
    }

    redraw() { for (const sheet of this.sheets) this.ask(sheet); }

    /* One drawing a frame, however often it is asked for. */
    ask(sheet) {
      this.asked.add(sheet);
      this.frame = this.frame || requestAnimationFrame(() => { this.frame = 0; this.draw(); });
    }

    moved() {
      const at = this.map.containerPointToLayerPoint([0, 0]);
      if (!this.at || Math.abs(at.x - this.at.x - this.pad.x) > this.pad.x * 0.9 ||
          Math.abs(at.y - this.at.y - this.pad.y) > this.pad.y * 0.9) this.redraw();
    }

    /* Puts the canvas over what is seen; true when the sheets no longer fit it. */
    place() {
      const size = this.map.getSize(), was = [this.at, this.size, this.zoom, this.ratio].join();
      this.pad = window.L.point(Math.round(size.x * MARGIN), Math.round(size.y * MARGIN));
      this.at = this.map.containerPointToLayerPoint([-this.pad.x, -this.pad.y]).round();
      this.full = size.add(this.pad).add(this.pad);
      this.ratio = Math.min(window.devicePixelRatio || 1, MOST_RATIO);
      this.size = this.full.multiplyBy(this.ratio).round();
      this.zoom = this.map.getZoom();
      if (this.canvas.width !== this.size.x || this.canvas.height !== this.size.y) {
        this.canvas.width = this.size.x;
        this.canvas.height = this.size.y;
        this.canvas.style.width = this.full.x + 'px';
        this.canvas.style.height = this.full.y + 'px';
      }
      window.L.DomUtil.setPosition(this.canvas, this.at);
      return was !== [this.at, this.size, this.zoom, this.ratio].join();
    }

    draw() {
      if (!yp.geo.origin.set || this.gone) return;
      const fresh = this.place();
      if (!this.size.x || !this.size.y) return;              // a page without a map
      const view = viewOf(this.map, this.at, this.full);
      for (const sheet of this.sheets) {
        if ((fresh || this.asked.has(sheet)) && !sheet.idle()) sheet.draw(this.size, view, this.ratio);
      }
      this.asked.clear();
      this.lay();
    }

    lay() {
      const context = this.canvas.getContext('2d');
      context.clearRect(0, 0, this.size.x, this.size.y);
      for (const sheet of this.sheets) if (!sheet.idle()) context.drawImage(sheet.canvas, 0, 0);
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

  yp.canvas = {Sheet, Stack, Pen};
})();
