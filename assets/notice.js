/* The one line of the head that speaks for the page itself: connection lost, address refused, link copied. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const SHOW_MS = 6000;
  let node = null, said = '', until = 0, standing = '';

  function draw() {
    if (!node) return;
    const text = standing || (Date.now() < until ? said : '');
    if (node.textContent === text) return;
    node.textContent = text;
    node.classList.toggle('on', Boolean(text));
    node.classList.toggle('lost', Boolean(standing));
  }

  function say(text) {
    said = String(text);
    until = Date.now() + SHOW_MS;
    draw();
    setTimeout(draw, SHOW_MS + 50);
  }

  /* A line that stays until it is taken back with "". */
  function stand(text) {
    standing = text;
    draw();
  }

  yp.notice = {say, stand, mount(found) { node = found; draw(); }};
})();
