'use strict';
// Asks for the state once a second and draws it. No library, no build step; everything from outside goes in as text, never as markup.

const $ = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
let paused = false;
let state = null;
const open = new Set(); // ids of the requests that are shown in full

function make(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (key === 'style') for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (key === 'class') node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter(c => c !== null && c !== undefined));
  return node;
}

// Draws a box anew; whoever had the focus in it has it afterwards.
function refill(box, ...nodes) {
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  box.replaceChildren(...nodes);
  if (focused !== undefined) [...box.querySelectorAll('[data-key]')].find(n => n.dataset.key === focused)?.focus({ preventScroll: true });
}

function time(seconds) {
  const s = Math.abs(seconds);
  const text = s < 0.0995 ? `${Math.round(s * 1000)} ms` : s < 99.95 ? `${+s.toFixed(1)} s`
    : s < 5999 ? `${+(s / 60).toFixed(1)} min` : `${+(s / 3600).toFixed(1)} h`;
  return seconds < 0 ? `−${text}` : text;
}

const count = n => n >= 1e6 ? `${(n / 1e6).toFixed(2)} M` : n.toLocaleString('en');
const share = x => Number.isFinite(x) ? `${(100 * x).toFixed(x > 0.995 && x < 1 ? 2 : 1).replace(/\.0$/, '')} %` : '–';

function colorOf(name) {
  const i = state.classes.findIndex(c => c.name === name);
  return `var(--c${i < 0 ? 6 : i % 7})`;
}

function drawTiles() {
  const done = state.classes.reduce((a, c) => ({ met: a.met + c.met, ended: a.ended + c.ended, ev: a.ev + c.evictions }), { met: 0, ended: 0, ev: 0 });
  const there = state.engines.filter(e => e.state !== 'gone');
  const rate = there.reduce((a, e) => a + e.tokens_per_s, 0);
  const tiles = [
    [count(state.queued), 'waiting'], [count(state.live - state.queued), 'on engines'],
    [`${there.length} / ${state.engines.length}`, 'engines there'], [count(Math.round(rate)), 'output tokens/s'],
    [done.ended ? share(done.met / done.ended) : '–', `promises kept of ${count(done.ended)}`],
    [count(done.ev), 'evictions'], [count(state.model_loads), 'model loads'], [time(state.uptime_s), 'up'],
  ];
  $('tiles').replaceChildren(...tiles.map(([value, name]) => make('div', { class: 'tile' }, make('b', {}, value), make('span', {}, name))));
}

function groupChip(group, home) {
  const late = group.due_in_s !== undefined && group.due_in_s < 0;
  const swap = group.model !== home ? ` · ${group.model}` : '';
  const due = group.due_in_s === undefined ? '' : ` · ${late ? 'late' : 'due'} ${time(Math.abs(group.due_in_s))}`;
  return make('div', {
    class: `group${late ? ' late' : ''}`, style: { '--c': colorOf(group.class) }, tabindex: 0, role: 'button',
    'data-key': `group ${group.group}`, 'data-find': `${group.class} ${group.model} queued`,
    title: `group ${group.group}: ${group.waiting} waiting, ${group.running} running; ${group.class || 'ended'}; ${group.model}${due}`,
  }, make('b', {}, count(group.waiting)), ` ${group.class}${swap}${due}`);
}

function drawLanes() {
  const lanes = state.engines.map(engine => {
    const gone = engine.state === 'gone';
    const kv = engine.kv_used >= 0 ? `, KV ${share(engine.kv_used)}` : '';
    const running = make('div', { class: 'running', title: `${engine.outstanding} of ${engine.places} places taken` },
      make('i', { style: { width: `${Math.min(100, 100 * engine.outstanding / Math.max(1, engine.places))}%` } }),
      make('span', {}, `${engine.outstanding} / ${engine.places} running`), make('span', {}, `${count(Math.round(engine.tokens_per_s))} tok/s`));
    const groups = engine.queue.map(g => groupChip(g, engine.model));
    return make('div', { class: `lane${gone ? ' gone' : ''}` },
      make('div', {},
        make('div', { class: 'name' }, engine.name),
        make('div', { class: 'about' }, `${engine.kind} · ${engine.model}`),
        make('div', { class: 'about' }, make('span', { class: engine.state === 'ready' ? 'ok' : 'bad' }, `${engine.state === 'ready' ? '●' : '▲'} ${engine.state}`),
          `${kv}${engine.failures_in_row ? `, ${engine.failures_in_row} failures in a row` : ''}`)),
      make('div', { class: 'track' }, running, ...(groups.length ? groups : [make('span', { class: 'empty' }, 'nothing waits')])));
  });
  if (state.limbo.queue.length) {
    lanes.push(make('div', { class: 'lane' },
      make('div', {}, make('div', { class: 'name' }, 'no engine'), make('div', { class: 'about' }, 'held until one can serve it')),
      make('div', { class: 'track' }, ...state.limbo.queue.map(g => groupChip(g, '')))));
  }
  refill($('lanes'), ...lanes);
  $('legend').replaceChildren(
    ...state.classes.map(c => make('span', {}, make('i', { style: { '--c': colorOf(c.name) } }), c.name)),
    make('span', {}, 'dashed: past its deadline'));
}

function drawClasses() {
  $('classes').replaceChildren(...state.classes.map(c => {
    const kept = c.ended ? c.met / c.ended : NaN;
    return make('div', { class: 'class' },
      make('strong', {}, c.name), make('strong', {}, share(kept)),
      make('div', { class: 'bar', role: 'img', 'aria-label': `${c.name}: ${share(kept)} kept` },
        make('i', { style: { width: c.ended ? `${100 * kept}%` : '0', '--c': colorOf(c.name) } })),
      make('small', {}, `promised: ${c.promise}. ${count(c.waiting)} waiting, ${count(c.running)} running, ${count(c.finished)} finished`
        + (c.rejected ? `, ${count(c.rejected)} refused` : '') + (c.failed ? `, ${count(c.failed)} failed` : '')
        + (c.evictions ? `, ${count(c.evictions)} evictions` : '')));
  }));
}

function drawWaits() {
  const points = state.waits.points;
  const box = $('waits');
  if (!points.length) {
    box.replaceChildren(make('p', { class: 'soft' }, 'No request has waited yet.'));
    return;
  }
  const [w, h, left, bottom] = [420, 230, 44, 28];
  const max = Math.max(0.1, ...points.map(p => Math.max(p[0], p[1]))) * 1.05;
  const x = v => left + (w - left - 8) * v / max;
  const y = v => h - bottom - (h - bottom - 8) * v / max;
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${w} ${h}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'Actual wait against predicted wait, the newest requests');
  const add = (tag, attributes, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
    if (text) node.textContent = text;
    svg.append(node);
  };
  add('line', { x1: x(0), y1: y(0), x2: x(max), y2: y(max), stroke: 'var(--soft)', 'stroke-dasharray': '4 4' });
  add('path', { d: `M${left} 8V${h - bottom}H${w - 8}`, fill: 'none', stroke: 'var(--faint)' });
  for (const p of points) add('circle', { cx: x(p[0]), cy: y(p[1]), r: 2.6, fill: 'var(--accent)', 'fill-opacity': .55 });
  add('text', { x: w - 8, y: h - 8, 'text-anchor': 'end' }, `predicted, up to ${time(max)}`);
  add('text', { x: left - 6, y: 16, 'text-anchor': 'end' }, time(max));
  add('text', { x: left - 6, y: y(0), 'text-anchor': 'end' }, '0');
  const facts = [];
  if (state.waits.p90_coverage !== undefined) facts.push(`p90 covered ${share(state.waits.p90_coverage)} of ${count(state.waits.count)} waits`);
  if (state.waits.relative_error !== undefined) facts.push(`mean error ${share(state.waits.relative_error)} of the wait`);
  box.replaceChildren(svg, make('p', { class: 'soft' }, facts.join(', ') + (facts.length ? '. ' : '') + 'On the dashed line a prediction was exact.'));
}

function drawEvents() {
  const items = state.events.slice(0, 60).map(e => make('li', {},
    make('time', {}, time(e.ago_s)), make('strong', {}, e.what), make('span', {}, [e.engine, e.subject].filter(Boolean).join(' · '))));
  $('events').replaceChildren(...(items.length ? items : [make('li', {}, make('span', {}), make('span', {}), make('span', { class: 'soft' }, 'Nothing yet: no eviction, load, loss or refusal.'))]));
}

function drawRequests() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = state.requests.filter(r => {
    const text = `${r.id} ${r.model} ${r.class} ${r.engine} ${r.state}`.toLowerCase();
    return words.every(word => text.includes(word));
  });
  $('shown').textContent = `${count(rows.length)} of ${count(state.live)} live`;
  for (const id of open) if (!state.requests.some(r => r.id === id)) open.delete(id);
  refill($('requests').tBodies[0], ...rows.slice(0, 200).flatMap(r => {
    const late = r.due_in_s !== undefined && r.due_in_s < 0;
    const isOpen = open.has(r.id);
    const button = make('button', {
      type: 'button', class: 'id', 'aria-expanded': String(isOpen), 'data-key': `request ${r.id}`, 'data-open': r.id,
      title: isOpen ? 'Close' : 'Why is it where it is?',
    }, `${isOpen ? '▾' : '▸'} ${r.id}`);
    const row = make('tr', { class: 'request' },
      make('td', {}, button), make('td', {}, r.class), make('td', {}, r.model), make('td', {}, r.engine ? `${r.state} · ${r.engine}` : r.state),
      make('td', { class: 'n' }, time(r.age_s)),
      make('td', { class: `n${late ? ' late-text' : ''}` }, r.due_in_s === undefined ? '–' : late ? `late ${time(-r.due_in_s)}` : time(r.due_in_s)),
      make('td', { class: 'n' }, `${count(r.prompt_tokens)} + ${count(r.output_tokens)}`), make('td', {}, isOpen ? '' : r.why));
    return isOpen ? [row, make('tr', { class: 'why' }, make('td', { colspan: 8 }, ...details(r, late)))] : [row];
  }));
}

function details(r, late) {
  const facts = [
    ['why', r.why],
    ['class', `${r.class}: promised ${(state.classes.find(c => c.name === r.class) || { promise: 'none' }).promise}`],
    r.due_in_s === undefined ? null : ['due', late ? `${time(-r.due_in_s)} ago` : `in ${time(r.due_in_s)}`],
    r.wait_s === undefined ? null : ['expected', `${count(r.ahead)} ahead of it, ${time(r.wait_s)} to go`],
    ['evictions', count(r.evictions)],
  ].filter(Boolean);
  return [make('dl', {}, ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]))];
}

function find(words) {
  $('filter').value = words;
  if (state) drawRequests();
  $('requests').scrollIntoView({ block: 'nearest' });
}

function draw() {
  $('system').textContent = state.system;
  drawTiles();
  drawLanes();
  drawClasses();
  drawWaits();
  drawEvents();
  drawRequests();
}

async function tick() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch('/dashboard/state');
      if (!answer.ok) throw new Error(`the gateway answers ${answer.status}`);
      state = await answer.json();
      draw();
      $('health').textContent = state.stopping ? '▲ stopping' : '● live';
      $('health').className = state.stopping ? 'bad' : 'ok';
    } catch (e) {
      $('health').textContent = `▲ no answer (${e.message})`;
      $('health').className = 'bad';
    }
  }
  setTimeout(tick, 1000);
}

function setPaused(value) {
  paused = value;
  $('pause').textContent = paused ? 'Go on' : 'Pause';
  $('pause').setAttribute('aria-pressed', String(paused));
  if (paused) {
    $('health').textContent = '❚❚ paused';
    $('health').className = 'soft';
  }
}

$('pause').addEventListener('click', () => setPaused(!paused));
$('filter').addEventListener('input', () => state && drawRequests());
document.addEventListener('click', e => {
  const { find: words, open: id } = e.target.closest('[data-find], [data-open]')?.dataset || {};
  if (words !== undefined) find(words);
  if (id === undefined) return;
  if (!open.delete(id)) open.add(id);
  drawRequests();
});
document.addEventListener('keydown', e => {
  const typing = e.target instanceof HTMLInputElement;
  if (e.key === '/' && !typing) {
    e.preventDefault();
    $('filter').focus();
  } else if (e.key === 'Escape' && typing) {
    $('filter').value = '';
    $('filter').blur();
    if (state) drawRequests();
  } else if (e.key === 'Enter' && e.target.dataset?.find !== undefined) {
    find(e.target.dataset.find);
  } else if (e.key === 'Escape' && $('filter').value) {
    find('');
  } else if (e.key === ' ' && !typing && !(e.target instanceof HTMLButtonElement)) {
    e.preventDefault();
    setPaused(!paused);
  }
});
tick();
