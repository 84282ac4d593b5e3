/* The canvas that rides on the Leaflet map: larger than the map by a margin, drawn again when the margin is used up. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MARGIN = 0.12, LEAST_MARGIN = 160, MOST_RATIO = 2;      // of the map, and in pixels
  const FEW = 200, MOST_OF = 0.7, BROAD = 8;     // cells worth choosing from; the share that is most; pixels a line may be wide
  const AHEAD = 0.4, USED_UP = 0.9;              // share of the margin at which drawing begins, and must be done
  const scratch = document.createElement('canvas');
  scratch.width = scratch.height = 1;

  /* The way from plane units to the canvas: x → x·k + ox. */
  function viewOf(map, topLeft, size) {
    const k = 2 ** (map.getZoom() - yp.geo.ZOOM), pixel = map.getPixelOrigin(), o = yp.geo.origin;
    return {k, zoom: map.getZoom(), w: size.x, h: size.y, ox: o.x * k - pixel.x - topLeft.x, oy: o.y * k - pixel.y - topLeft.y};
  }

  /* What is drawn lies in sheets of its own, painted only when asked; the map carries one canvas that lays them together.
     `idle()`: nothing is on it, so it is neither painted nor laid. `steady`: all on it is fixed to the ground, so that a
     map that slides paints only the edges that come into sight. */
  class Sheet {
    constructor(stack, name, {paint, idle, steady}) {
      this.stack = stack;
      this.paint = paint;
      this.idle = idle || (() => false);
      this.steady = Boolean(steady);
      this.drawn = null;                         // the view that is on it, while nothing of that has changed
      this.canvas = document.createElement('canvas');
      this.canvas.className = 'sheet-' + name;
    }

    redraw() { this.stack.ask(this); }

    draw(size, view, ratio) {
      const context = this.canvas.getContext('2d'), slid = this.slid(size, view, ratio);
      if (this.canvas.width !== size.x || this.canvas.height !== size.y) {
        this.canvas.width = size.x;
        this.canvas.height = size.y;
      }
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.save();
      const boxes = slid ? this.slide(context, slid, size) : [[0, 0, size.x, size.y]];
      if (!slid) context.clearRect(0, 0, size.x, size.y);
      this.paint(new Pen(context, view, ratio, boxes), this.stack);
      context.restore();
      this.drawn = Object.assign({ratio, across: size.x, down: size.y}, view);
    }

    /* How many whole pixels what is on it has moved, where that is all that changed. */
    slid(size, view, ratio) {
      const was = this.drawn;
      if (!this.steady || !was || was.k !== view.k || was.ratio !== ratio || was.across !== size.x || was.down !== size.y) return null;
      const by = [(view.ox - was.ox) * ratio, (view.oy - was.oy) * ratio], whole = by.map(Math.round);
      const near = by.every((one, k) => Math.abs(one - whole[k]) < 1e-3);
      return near && Math.abs(whole[0]) < size.x / 2 && Math.abs(whole[1]) < size.y / 2 ? whole : null;
    }

    /* Moves the picture, clears the edges that came free, and lets only them be painted: boxes in the canvas's pixels. */
    slide(context, [dx, dy], size) {
      context.globalCompositeOperation = 'copy';
      context.drawImage(this.canvas, dx, dy);
      context.globalCompositeOperation = 'source-over';
      const left = dx > 0 ? 0 : size.x + dx, top = dy > 0 ? 0 : size.y + dy, from = Math.max(dx, 0);
      const free = [[left, 0, left + Math.abs(dx), size.y], [from, top, from + size.x - Math.abs(dx), top + Math.abs(dy)]]
        .filter(([west, north, east, south]) => east > west && south > north);
      context.beginPath();
      for (const [west, north, east, south] of free) context.rect(west, north, east - west, south - north);
      context.clip();
      context.clearRect(0, 0, size.x, size.y);
      return free;
    }

    /* Has what was drawn turned into pixels now: a canvas that nobody looks at waits until it is laid. */
    settle() { scratch.getContext('2d').drawImage(this.canvas, 0, 0, 1, 1, 0, 0, 1, 1); }
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
    add(name, told) {
      this.sheets.push(new Sheet(this, name, told));
      return this.sheets[this.sheets.length - 1];
    }

    /* The map looks elsewhere: whatever is not fixed to the ground is drawn anew, and the rest as far as it came into sight. */
    redraw() {
      for (const sheet of this.sheets) if (!sheet.steady) this.asked.add(sheet);
      this.soon();
    }

    /* One drawing a frame, however often it is asked for. */
    ask(sheet) {
      sheet.drawn = null;
      this.asked.add(sheet);
      this.soon();
    }

    soon() { this.frame = this.frame || requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }

    /* While the map slides, the sheets are drawn for where it is now one a frame, before the margin is used up. */
    moved() {
      if (!this.at || this.frame) return;
      const at = this.map.containerPointToLayerPoint([0, 0]);
      const used = Math.max(Math.abs(at.x - this.at.x - this.pad.x) / this.pad.x, Math.abs(at.y - this.at.y - this.pad.y) / this.pad.y);
      if (used > USED_UP) this.redraw();
      else if (used > AHEAD && !this.ahead) this.begin(at.subtract(this.was || at));
      this.was = at;
    }

    /* `step`: what the map slides in a frame; it will be on when the last sheet is drawn. */
    begin(step) {
      const place = this.placed(), left = this.sheets.filter((sheet) => !sheet.idle());
      if (this.key(place) !== this.key(this)) { this.redraw(); return; }
      const most = place.pad.multiplyBy(AHEAD), bound = (way, limit) => Math.max(-limit, Math.min(limit, way * (left.length + 1)));
      place.at = place.at.add([bound(step.x, most.x), bound(step.y, most.y)]).round();
      const view = viewOf(this.map, place.at, place.full);
      const ahead = this.ahead = {};
      const next = () => {
        if (this.ahead !== ahead || this.gone) return;
        const sheet = left.shift();
        if (sheet) {
          sheet.draw(place.size, view, place.ratio);
          sheet.settle();
          requestAnimationFrame(next);
          return;
        }
        this.ahead = null;
        this.put(place);
        this.lay();
      };
      requestAnimationFrame(next);
    }

    /* Where the canvas would lie now, over what is seen and a margin round it. */
    placed() {
      const size = this.map.getSize(), pad = size.multiplyBy(MARGIN).round();
      pad.x = Math.max(pad.x, LEAST_MARGIN);
      pad.y = Math.max(pad.y, LEAST_MARGIN);
      const full = size.add(pad).add(pad), ratio = Math.min(window.devicePixelRatio || 1, MOST_RATIO);
      return {pad, full, ratio, at: this.map.containerPointToLayerPoint([-pad.x, -pad.y]).round(),
        size: full.multiplyBy(ratio).round(), zoom: this.map.getZoom(), origin: this.map.getPixelOrigin()};
    }

    key({size, zoom, ratio}) { return [size, zoom, ratio].join(); }

    lies(place) { return [place.at, place.origin, this.key(place)].join(); }

    /* Puts the canvas there; true when the sheets no longer fit it. */
    put(place) {
      const was = this.lies(this);
      Object.assign(this, place);
      if (this.canvas.width !== this.size.x || this.canvas.height !== this.size.y) {
        this.canvas.width = this.size.x;
        this.canvas.height = this.size.y;
        this.canvas.style.width = this.full.x + 'px';
        this.canvas.style.height = this.full.y + 'px';
      }
      window.L.DomUtil.setPosition(this.canvas, this.at);
      return was !== this.lies(this);
    }

    draw() {
      if (!yp.geo.origin.set || this.gone) return;
      const fresh = this.put(this.placed()) || Boolean(this.ahead);
      this.ahead = null;
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
    /* `boxes`: what is painted, in the canvas's pixels. */
    constructor(context, view, ratio, boxes) {
      this.c = context;
      this.boxes = boxes;
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

    /* The cells of a list that may show in what is painted, as one path; `whole` where most do. */
    near(cells, whole) {
      if (cells.length < FEW) return whole;
      const plane = ([x, y], by) => [(x / this.ratio + by - this.view.ox) / this.view.k, (y / this.ratio + by - this.view.oy) / this.view.k];
      const boxes = this.boxes.map(([west, north, east, south]) => [...plane([west, north], -BROAD), ...plane([east, south], BROAD)]);
      const seen = cells.filter(({box}) => boxes.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1]));
      if (seen.length > cells.length * MOST_OF) return whole;
      const path = new Path2D();
      for (const cell of seen) path.addPath(cell.path);
      return path;
    }

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
