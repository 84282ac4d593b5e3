/* The view's one state and its one reducer; the address bar is its text form. Pure functions but for `at`. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const NAMES = new Set(['screen', 'division', 'window', 'from', 'to', 'at', 'known', 'area', 'compare', 'split', 'cut', 'pin',
    'replay', 'tool', 'measure', 'surface', 'metric', 'layers', 'level', 'bbox', 'classes', 'close', 'theme']);
  const MAP_NAMES = ['metric', 'layers', 'level', 'bbox', 'classes', 'close'];
  const UNASKED = new Set(['screen', 'bbox', 'cut', 'theme']);   // held by the address, of no concern to the server's answer
  const known = (name) => NAMES.has(name) || /^f\.[A-Za-z0-9_.]{1,40}$/.test(name);

  /* state × patch → state. A patch names address names; null or "" removes. */
  function reduce(state, patch) {
    const next = Object.assign({}, state);
    const names = Object.keys(patch).filter(known);
    if (patch.screen && patch.screen !== state.screen) {
      MAP_NAMES.forEach((name) => delete next[name]);
      Object.keys(next).filter((name) => name.startsWith('f.')).forEach((name) => delete next[name]);
    }
    if (names.includes('division')) { delete next.bbox; delete next.close; }
    if (names.includes('level')) delete next.close;
    if (patch.window) { delete next.from; delete next.to; }
    for (const name of names) {
      const value = patch[name];
      if (value === null || value === undefined || value === '') delete next[name];
      else next[name] = String(value);
    }
    if (!next.split) delete next.cut;
    if (!next.screen) next.screen = 'overview';
    return next;
  }

  function same(a, b) {
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
  }

  function pairs(state, left) {
    return Object.keys(state).filter((name) => !left(name)).sort().map((name) => [name, state[name]]);
  }

  /* The address of a state, and a state of an address. */
  function address(state) {
    const query = new URLSearchParams(pairs(state, (name) => name === 'screen')).toString();
    return (state.screen === 'overview' ? '/' : '/' + state.screen) + (query ? '?' + query : '');
  }

  function parse(path, search) {
    const patch = {screen: path.replace(/^\/+|\/+$/g, '') || 'overview'};
    for (const [name, value] of new URLSearchParams(search)) patch[name] = value;
    return reduce({screen: patch.screen}, patch);
  }

  /* What is asked of GET /api/v1/view, without the version: the key of an answer. */
  function question(state) {
    const asked = pairs(state, (name) => UNASKED.has(name));
    return new URLSearchParams([['screen', state.screen], ...asked]).toString();
  }

  yp.state = {reduce, same, address, parse, question, at: null};
})();
