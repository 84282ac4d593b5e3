/* A page whose frame never came up (a start of the server met half-way) loads itself again once the server answers. */
(function () {
  'use strict';
  const PATIENCE_MS = 20000, AGAIN_MS = 3000, KEY = 'yiping-reloads';
  const mounted = () => document.documentElement.dataset.mounted === '1';

  function reloads() {
    try { return Number(sessionStorage.getItem(KEY)) || 0; } catch (error) { return 0; }
  }

  function count(n) {
    try { sessionStorage.setItem(KEY, String(n)); } catch (error) { /* no storage: the page still reloads */ }
  }

  async function look() {
    if (mounted()) { count(0); return; }
    try {
      const response = await fetch('/healthz', {cache: 'no-store', signal: AbortSignal.timeout(3000)});
      if (response.ok) {
        count(reloads() + 1);
        location.reload();
        return;
      }
    } catch (error) {
      console.info('boot: nobody answers yet');
    }
    setTimeout(look, AGAIN_MS + Math.random() * 1000);
  }

  setTimeout(look, Math.min(PATIENCE_MS * (1 + reloads()), 120000));
  document.addEventListener('yiping:mounted', () => count(0));
})();
