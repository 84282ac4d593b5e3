/* Foresight: a mouse that rests on something is about to click it; its answer is fetched meanwhile. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const REST_MS = 60;
  let timer = 0, meant = '';

  /* The pointer is on something whose click would make this change of the view; null: on nothing. */
  function rest(patch) {
    const next = patch && yp.state.at ? yp.state.question(yp.state.reduce(yp.state.at, patch)) : '';
    if (next === meant) return;
    meant = next;
    clearTimeout(timer);
    if (next && next !== yp.state.question(yp.state.at)) timer = setTimeout(() => yp.answers.foresee(next), REST_MS);
  }

  function over(event) {
    if (event.pointerType !== 'mouse') return;
    const node = event.target.closest('a[data-set],button[data-set]');
    if (node) rest(yp.controls.patchOf(node));
    else if (!event.target.closest('.mapbox')) rest(null);
  }

  document.addEventListener('pointerover', over);
  yp.foresee = {rest};
})();
