/* Where the window is narrow the drawer stands below the map: whoever opens a tool is taken to it. A screen that can be
   touched has larger targets on the map. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  let open = '';

  async function opened() {
    const tool = (yp.state.at && yp.state.at.tool) || '', before = open;
    open = tool;
    if (!tool || tool === before) return;
    await yp.view.painted();
    await yp.view.painted();                  // the drawer comes one frame after the figures
    const box = document.querySelector('.toolbox');
    if (!box || !['static', 'relative'].includes(getComputedStyle(box).position)) return;
    const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    box.scrollIntoView({block: 'nearest', behavior: calm ? 'auto' : 'smooth'});
  }

  if (navigator.maxTouchPoints > 0) document.documentElement.dataset.touch = '1';
  document.addEventListener('yiping:answer', opened);
})();
