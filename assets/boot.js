/* Stands in the page itself. The first frame is drawn before any other script runs: the figures are read at once.
   A page whose frame never came up (a start of the server met half-way) loads itself again once the server answers. */
(function () {
  'use strict';
  const PATIENCE_MS = 20000, MOST_PATIENCE_MS = 120000, AGAIN_MS = 3000, UNSEEN_MS = 2000, KEY = 'yiping-reloads';
  const mounted = () => document.documentElement.dataset.mounted === '1';
  let running = false;

  /* The page's scripts in their order; the renderer starts when the last one has run. */
  function run() {
    if (running) return;
    running = true;
    load('later').then(() => { window.renderer = new window.DashRenderer(); },
      (error) => console.warn('boot: ' + error.message));
  }

  /* Runs the page's scripts of one kind, each once; settles when all have run. */
  function load(kind) {
    const one = (held) => new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = held.getAttribute('src');
      script.async = false;
      script.onload = resolve;
      script.onerror = () => { script.remove(); document.body.append(held); reject(new Error('no ' + script.src)); };
      held.remove();
      document.body.append(script);
    });
    return Promise.all(Array.from(document.querySelectorAll(`script[type="text/${kind}"]`), one));
  }

  /* A signal that ends a request after so long, for browsers too that have no AbortSignal.timeout of their own. */
  function limit(ms) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), ms);
    return stop.signal;
  }

  window.yiping = {load, limit};

  /* A hidden page draws no frame; one that is seen gets its first frame before the scripts take the processor. */
  if (document.hidden) run();
  requestAnimationFrame(() => setTimeout(run));
  setTimeout(run, UNSEEN_MS);

  function reloads() {
    try { return Number(sessionStorage.getItem(KEY)) || 0; } catch (error) { return 0; }
  }

  function count(n) {
    try { sessionStorage.setItem(KEY, String(n)); } catch (error) { /* no storage: the page still reloads */ }
  }

  async function look() {
    if (mounted()) { count(0); return; }
    const patience = Math.min(PATIENCE_MS * (1 + reloads()), MOST_PATIENCE_MS) - performance.now();
    if (patience > 0) { setTimeout(look, patience); return; }
    try {
      const response = await fetch('/healthz', {cache: 'no-store', signal: limit(3000)});
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

  setTimeout(look, PATIENCE_MS);
})();
