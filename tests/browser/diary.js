/* Writes down, twice a second and at every change, what a reader sees: window.diary (moments) and window.blanks. */
() => {
  const text = (node) => (node ? node.innerText.replace(/\s+/g, ' ').trim() : '');
  const figures = () => Array.from(document.querySelectorAll('#r-figures .fig')).map(text);
  const panels = () => Array.from(document.querySelectorAll('.panel')).filter((node) => node.checkVisibility());
  const filled = (node) => text(node.querySelector('.body')).length > 0 || node.querySelector('.body svg') !== null;
  const count = (kind) => document.querySelectorAll('.panel .fr-' + kind).length;
  const least = panels().length;

  /* Nothing of what stood there may ever be missing: sentence, six figures, every panel with something in it. */
  const blank = () => !text(document.querySelector('#r-lead h1')) || figures().length !== 6 || figures().some((word) => !word) ||
    panels().length < least || panels().some((node) => !filled(node));

  const map = () => {
    const sheet = document.querySelector('canvas.sheet');
    if (!sheet || !sheet.width) return 0;
    const data = sheet.getContext('2d').getImageData(0, sheet.height >> 1, sheet.width, 1).data;
    let n = 0;
    for (let k = 3; k < data.length; k += 4) if (data[k]) n += 1;
    return n;
  };

  if (window.diaryEnds) window.diaryEnds();                  // a second outage on the same page begins a new diary
  window.diary = [];
  window.blanks = [];
  const note = () => window.diary.push({at: Date.now(), lead: text(document.querySelector('#r-lead h1')), figures: figures(),
    panels: panels().filter(filled).length, map: map() > 0, notice: text(document.querySelector('#notice')),
    live: count('live'), late: count('late'), down: count('down'), clock: text(document.querySelector('[data-clock=time]'))});
  const look = () => { if (blank()) window.blanks.push({at: Date.now(), figures: figures(), panels: panels().filter(filled).length}); };
  const watcher = new MutationObserver(look);
  watcher.observe(document.getElementById('page'), {childList: true, subtree: true});
  note();
  const timer = setInterval(() => { look(); note(); }, 500);
  window.diaryEnds = () => { watcher.disconnect(); clearInterval(timer); };
}
