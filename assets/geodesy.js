/* The ellipsoid of CGCS2000: distances (Vincenty), areas (authalic sphere), and the published shift of GCJ-02.
   tests/browser/test_ground_formulas.py holds them to pyproj and to geo/crs.py. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const A = 6378137, F = 1 / 298.257222101, B = A * (1 - F), E2 = F * (2 - F), E = Math.sqrt(E2), RAD = Math.PI / 180;
  const SHIFT_A = 6378245, SHIFT_E2 = 0.00669342162296594323, ROUNDS = 60;

  const q = (sine) => (1 - E2) * (sine / (1 - E2 * sine * sine) - Math.log((1 - E * sine) / (1 + E * sine)) / (2 * E));
  const POLE = q(1), RADIUS2 = A * A * POLE / 2;
  const authalic = (lat) => Math.asin(Math.max(-1, Math.min(1, q(Math.sin(lat * RAD)) / POLE)));
  const reduced = (lat) => Math.atan((1 - F) * Math.tan(lat * RAD));

  /* One step of the longitude on the auxiliary sphere (Vincenty 1975). */
  function step(u, v, turn) {
    const [su, cu, sv, cv] = [Math.sin(u), Math.cos(u), Math.sin(v), Math.cos(v)];
    const ss = Math.hypot(cv * Math.sin(turn), cu * sv - su * cv * Math.cos(turn));
    const cs = su * sv + cu * cv * Math.cos(turn), sigma = Math.atan2(ss, cs);
    const sa = ss ? cu * cv * Math.sin(turn) / ss : 0, c2 = 1 - sa * sa, mid = c2 ? cs - 2 * su * sv / c2 : 0;
    const c = F / 16 * c2 * (4 + F * (4 - 3 * c2));
    const more = (1 - c) * F * sa * (sigma + c * ss * (mid + c * cs * (2 * mid * mid - 1)));
    return {ss, cs, sigma, c2, mid, more};
  }

  /* Metres between two points [lon, lat] in degrees; NaN where the series does not settle (opposite ends of the earth). */
  function metres(from, to) {
    const u = reduced(from[1]), v = reduced(to[1]), wide = (to[0] - from[0]) * RAD;
    let turn = wide, at = step(u, v, turn), left = ROUNDS;
    for (; left > 0 && at.ss; left -= 1) {
      const next = wide + at.more;
      if (Math.abs(next - turn) < 1e-13) break;
      turn = next;
      at = step(u, v, turn);
    }
    if (!at.ss) return 0;
    if (!left) return NaN;
    const k = at.c2 * (A * A - B * B) / (B * B), m = at.mid * at.mid;
    const big = 1 + k / 16384 * (4096 + k * (-768 + k * (320 - 175 * k))), small = k / 1024 * (256 + k * (-128 + k * (74 - 47 * k)));
    const rest = small * at.ss * (at.mid + small / 4 * (at.cs * (2 * m - 1) - small / 6 * at.mid * (4 * at.ss * at.ss - 3) * (4 * m - 3)));
    return B * big * (at.sigma - rest);
  }

  /* Square metres inside a ring of [lon, lat]: the excess of its edges on the sphere of equal area. */
  function area(ring) {
    let total = 0;
    ring.forEach((b, k) => {
      const a = ring[(k + ring.length - 1) % ring.length];
      const s = Math.tan(authalic(a[1]) / 2), t = Math.tan(authalic(b[1]) / 2);
      total += 2 * Math.atan2(Math.tan((b[0] - a[0]) * RAD / 2) * (s + t), 1 + s * t);
    });
    return Math.abs(total) * RADIUS2;
  }

  function length(points) {
    let total = 0;
    for (let k = 1; k < points.length; k += 1) total += metres(points[k - 1], points[k]);
    return total;
  }

  /* Metres a degree of longitude is wide. */
  const degreeWide = (lat) => RAD * A * Math.cos(lat * RAD) / Math.sqrt(1 - E2 * Math.sin(lat * RAD) ** 2);

  const wave = (v, parts) => parts.reduce((sum, [high, often]) => sum + high * Math.sin(v * Math.PI * often), 0) * 2 / 3;

  /* [lon, lat] → the same place in GCJ-02, by the widely published formula; inside China only. */
  function gcj(at) {
    const x = at[0] - 105, y = at[1] - 35, root = Math.sqrt(Math.abs(x)), ripple = wave(x, [[20, 6], [20, 2]]);
    if (at[0] < 72.004 || at[0] > 137.8347 || at[1] < 0.8293 || at[1] > 55.8271) return at;
    const up = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple +
      wave(y, [[20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30]]);
    const over = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple +
      wave(x, [[20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30]]);
    const sine = Math.sin(at[1] * RAD), magic = 1 - SHIFT_E2 * sine * sine;
    return [at[0] + over / (SHIFT_A / Math.sqrt(magic) * Math.cos(at[1] * RAD) * RAD),
      at[1] + up / (SHIFT_A * (1 - SHIFT_E2) / magic ** 1.5 * RAD)];
  }

  /* GCJ-02 → where it is. */
  function ungcj(at) {
    let found = at;
    for (let k = 0; k < 6; k += 1) {
      const there = gcj(found);
      found = [found[0] + at[0] - there[0], found[1] + at[1] - there[1]];
    }
    return found;
  }

  yp.geodesy = {metres, length, area, degreeWide, gcj, ungcj};
})();
