/* The search box: what is typed is asked at once, the list follows the arrows, a choice becomes a patch of the view. */
(function () {
  'use strict';
  const yp = window.yiping = window.yiping || {};
  const MOST = 12, WAIT_MS = 15, PATIENCE_MS = 20000, REST_MS = 600;
  const KINDS = {division: '区划', asset: '设施', event: '事件', point: '坐标'};
  const MARKS = {division: 'g-box', asset: 'm-circle', point: 'g-pin'};
  let box = null, input = null, list = null, said = null, root = '', timer = 0, token = 0, stop = null;
  let rows = [], at = -1, asked = '';

  function make(tag, css, text) {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text) node.textContent = text;
    return node;
  }

  function sign(key, css) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    svg.setAttribute('class', 'i ' + (css || ''));
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', '#' + key);
    svg.append(use);
    return svg;
  }

  function mount(node, code) {
    box = node;
    root = code;
    const lens = make('button', 'find-lens');
    lens.type = 'button';
    lens.title = '查找（按 /）';
    lens.setAttribute('aria-label', '查找');
    lens.append(sign('g-lens'));
    input = make('input', 'find-text');
    const told = {type: 'text', role: 'combobox', placeholder: '查找区划、设施、事件', autocomplete: 'off', spellcheck: 'false',
      maxlength: '60', enterkeyhint: 'search', 'aria-label': '查找区划、设施、事件、坐标', 'aria-autocomplete': 'list',
      'aria-expanded': 'false', 'aria-controls': 'find-list', 'aria-keyshortcuts': '/'};
    for (const [name, value] of Object.entries(told)) input.setAttribute(name, value);
    list = make('div', 'find-list');
    list.id = 'find-list';
    list.setAttribute('role', 'listbox');
    list.setAttribute('aria-label', '查找结果');
    said = make('div', 'find-said');
    said.setAttribute('role', 'status');
    const sheet = make('div', 'find-sheet');
    sheet.hidden = true;
    sheet.append(list, said);
    box.append(lens, input, sheet);
    lens.addEventListener('click', () => input.focus());
    input.addEventListener('input', typed);
    input.addEventListener('compositionend', typed);
    input.addEventListener('keydown', keydown);
    input.addEventListener('focus', () => { box.classList.add('on'); if (input.value.trim() && input.value !== asked) ask(); else show(); });
    box.addEventListener('focusout', (event) => { if (!box.contains(event.relatedTarget)) close(); });
    list.addEventListener('mousedown', (event) => event.preventDefault());      // the text keeps the focus
    list.addEventListener('click', (event) => {
      const one = event.target.closest('[role="option"]');
      if (one) choose(Number(one.dataset.at));
    });
  }

  function show() {
    const open = document.activeElement === input && Boolean(input.value.trim()) && Boolean(rows.length || said.textContent);
    if (open && at < 0 && rows.length) mark(0);        // whoever comes back to the list can choose with Enter
    list.parentNode.hidden = !open;
    input.setAttribute('aria-expanded', String(open && rows.length > 0));
  }

  function close() {
    box.classList.remove('on');
    list.parentNode.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    mark(-1);
  }

  /* A syllable that an input method is still making is no question. */
  function typed(event) {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  }

  /* What may be the number of an event that ended long ago: no name, no coordinates. */
  const numbered = (text) => text.length > 3 && /\d/.test(text) && !/[\s,，\u2e80-\u9fff]/.test(text);

  /* Nothing was found under what may be a number: once the hand rests, history is asked, which takes a moment. */
  function older(text) {
    said.textContent = '近期没有“' + text + '”，在历史里查这个编号…';
    clearTimeout(timer);
    timer = setTimeout(() => ask(true), REST_MS);
    show();
  }

  async function ask(ended) {
    const text = input.value.trim(), mine = ++token;
    if (stop) stop.abort();
    if (!text) { draw([], '', text); return; }
    const held = stop = new AbortController(), late = setTimeout(() => held.abort(), PATIENCE_MS);
    const state = yp.state.at || {}, query = new URLSearchParams({q: text, limit: String(MOST)});
    for (const name of ['division', 'at', 'known']) if (state[name]) query.set(name, state[name]);
    if (ended === true) query.set('ended', '1');
    try {
      const response = await fetch('/api/v1/search?' + query, {signal: held.signal});
      const found = await response.json();
      if (mine !== token) return;
      if (!response.ok) draw([], found.detail || '查找没有成功，请再试一次', text);
      else draw(found.results, '', text, found.total);
      if (response.ok && !found.results.length && ended !== true && numbered(text)) older(text);
    } catch (error) {
      const why = error.name === 'AbortError' ? '服务器没有按时回答，请再试一次' : '查找没有连上服务器，恢复后请再试一次';
      if (mine === token) draw([], why, text);
    } finally {
      clearTimeout(late);
    }
  }

  function draw(found, trouble, text, total) {
    rows = found;
    asked = text;
    list.replaceChildren();
    let group = null, kind = '';
    for (const [k, row] of rows.entries()) {
      if (row.kind !== kind) {
        kind = row.kind;
        group = make('div', 'find-group');
        group.setAttribute('role', 'group');
        group.setAttribute('aria-label', KINDS[kind]);
        const head = make('div', 'find-kind', KINDS[kind]);
        head.setAttribute('aria-hidden', 'true');
        group.append(head);
        list.append(group);
      }
      group.append(option(row, k));
    }
    said.textContent = trouble || (!rows.length && text ? '没有找到“' + text + '”，可换拼音、首字母、编码或坐标再试' :
      total > rows.length ? '共 ' + total + ' 项，列出最相近的 ' + rows.length + ' 项' : '');
    mark(rows.length ? 0 : -1);
    show();
  }

  function option(row, k) {
    const one = make('div', 'find-row');
    one.id = 'find-' + k;
    one.dataset.at = String(k);
    one.setAttribute('role', 'option');
    one.setAttribute('aria-selected', 'false');
    const bad = row.kind === 'event' ? 's-' + (row.state || 'ok') : '';
    const about = [row.what, row.division];
    const words = make('span', 'find-words');
    words.append(make('b', '', row.name), make('small', '', about.filter(Boolean).join('·')));
    const mark = make('span', bad ? 'st st-' + (row.state || 'ok') : 'find-mark');
    mark.append(sign(bad || MARKS[row.kind]));
    one.append(mark, words, make('small', 'find-id', row.kind === 'point' ? '' : row.id));
    return one;
  }

  function mark(next) {
    const was = list.querySelector('[aria-selected="true"]'), one = list.querySelector('[data-at="' + next + '"]');
    if (was) was.setAttribute('aria-selected', 'false');
    at = one ? next : -1;
    if (!one) { input.removeAttribute('aria-activedescendant'); return; }
    one.setAttribute('aria-selected', 'true');
    input.setAttribute('aria-activedescendant', one.id);
    one.scrollIntoView({block: 'nearest'});
  }

  function keydown(event) {
    if (event.isComposing) return;
    const open = !list.parentNode.hidden, step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step && rows.length) {
      event.preventDefault();
      if (!open) show();
      mark((at + step + rows.length) % rows.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      enter();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      if (input.value) { input.value = ''; ask(); } else input.blur();
    }
  }

  /* Whoever is quicker than the answer waits for it: what is chosen is what was typed. */
  async function enter() {
    clearTimeout(timer);
    if (input.value.trim() !== asked) await ask();
    clearTimeout(timer);
    if (!rows.length && numbered(asked)) await ask(true);
    if (input.value.trim() === asked && at >= 0) choose(at);
  }

  function choose(k) {
    const row = rows[k];
    if (!row) return;
    const division = row.division_code === root ? null : row.division_code;
    const pin = row.kind === 'division' ? null : row.kind === 'point' ? row.id : row.kind + ':' + row.feed + ':' + row.id;
    const patch = {division, pin, level: null, tool: pin ? 'find' : 'profile'};
    input.value = '';
    draw([], '', '');
    input.blur();
    yp.view.set(patch);
  }

  /* What is here: the map was asked by the right button, a long press or the menu key. */
  function what(event) {
    const {lon, lat} = event.detail;
    yp.view.set({pin: lon.toFixed(6) + ',' + lat.toFixed(6), tool: 'find'});
  }

  function slash(event) {
    const node = event.target, typing = /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) || node.isContentEditable;
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || typing || !input || !input.offsetParent) return;
    if (document.querySelector('dialog[open]')) return;
    event.preventDefault();
    input.focus();
  }

  function copy(event) {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const done = () => yp.notice.say((button.dataset.copies || '坐标') + '已复制');
    if (navigator.clipboard) navigator.clipboard.writeText(button.dataset.copy).then(done, () => yp.notice.say(button.dataset.copy));
    else yp.notice.say(button.dataset.copy);
  }

  document.addEventListener('keydown', slash, true);
  document.addEventListener('click', copy);
  document.addEventListener('yiping:what', what);
  yp.find = {mount};
})();
