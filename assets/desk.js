/* Correct, replay, dismiss: the form of a refused record and the buttons of its group; the server decides who may. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const ADDRESS = '/api/v1/quarantine';
  let busy = false;

  /* A typed-in value: text stays text where text stood, else what JSON reads in it, else text. */
  function typed(text, before) {
    if (typeof before === 'string') return text;
    try { return JSON.parse(text); } catch (error) { return text; }
  }

  /* The record as the form says it now: only what was changed differs from what came. */
  function corrected(form) {
    const whole = form.querySelector('textarea[name="raw"]');
    if (whole) return whole.value;
    const record = JSON.parse(form.dataset.raw);
    for (const input of form.querySelectorAll('input[data-was]')) {
      if (input.value !== input.dataset.was) record[input.name] = typed(input.value, record[input.name]);
    }
    return JSON.stringify(record);
  }

  function words(done) {
    const parts = [];
    if (done.replayed) parts.push('已送回 ' + done.replayed + ' 条');
    if (done.dismissed) parts.push('已作废 ' + done.dismissed + ' 条');
    if (done.waiting) parts.push(done.waiting + ' 条仍待处理：' + done.reason);
    return parts.join('，') || '没有要处理的记录';
  }

  async function ask(wish) {
    if (busy) return;
    busy = true;
    for (const form of document.querySelectorAll('form.fix')) form.classList.add('busy');
    try {
      const response = await fetch(ADDRESS, {
        method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(wish)});
      const said = await response.json();
      if (response.ok) settled(said);
      else yp.notice.say(said.detail || '没有执行，请稍后再试');
    } catch (error) {
      yp.notice.say('服务器没有回答，请刷新页面查看是否已经送回');
    } finally {
      busy = false;
      for (const form of document.querySelectorAll('form.fix')) form.classList.remove('busy');
    }
  }

  function settled(done) {
    yp.notice.say(words(done));
    if (!done.waiting) for (const form of document.querySelectorAll('form.fix')) delete form.dataset.dirty;
    if (!done.waiting && yp.state.at['f.item']) yp.view.set({'f.item': null});
    yp.view.refresh();
  }

  function click(event) {
    const button = event.target.closest('button[data-deed]');
    if (!button || button.disabled) return;
    event.preventDefault();
    const {deed, feed, kind, item} = button.dataset;
    ask(item ? {deed, ids: [Number(item)]} : {deed, feed, kind});
  }

  function submit(event) {
    const form = event.target.closest('form.fix');
    if (!form) return;
    event.preventDefault();
    ask({deed: 'correct', ids: [Number(form.dataset.item)], raw: corrected(form)});
  }

  function input(event) {
    const form = event.target.closest('form.fix');
    if (!form) return;
    form.dataset.dirty = '1';
    event.target.classList.toggle('changed', event.target.value !== event.target.dataset.was);
  }

  /* What somebody has typed stays when the region around it is drawn anew for the same record. */
  function keep(node) {
    const form = node.querySelector('form.fix[data-dirty]');
    if (!form) return () => {};
    const held = Array.from(form.elements, (one) => [one.name, one.value]);
    return () => {
      const next = node.querySelector('form.fix[data-item="' + form.dataset.item + '"]');
      if (!next) return;
      next.dataset.dirty = '1';
      for (const [name, value] of held) {
        const one = name && next.elements.namedItem(name);
        if (one && one.value !== value) { one.value = value; one.classList.add('changed'); }
      }
    };
  }

  document.addEventListener('click', click);
  document.addEventListener('submit', submit);
  document.addEventListener('input', input);
  yp.desk = {keep, typed};
})();
