// Starts the page: draws every plot, again when its width changes, with a legend that hides series and a tooltip.

function startPlot(figureElement, plot) {
  const svg = figureElement.querySelector(':scope > svg');
  const tip = figureElement.querySelector('.tip');
  const hidden = new Set();
  let drawn = null;
  const draw = () => { drawn = drawPlot(svg, plot, hidden); };

  fillLegend(figureElement.querySelector('.legend'), svg, plot, hidden, draw);
  draw();
  let width = svg.clientWidth;
  new ResizeObserver(() => {
    if (svg.clientWidth === width) return;
    width = svg.clientWidth;
    draw();
  }).observe(figureElement);

  svg.addEventListener('pointermove', event => { if (drawn) showTip(figureElement, svg, tip, plot, drawn, event); });
  svg.addEventListener('pointerleave', () => hideTip(svg, tip));
}

function fillLegend(legend, svg, plot, hidden, draw) {
  if (plot.series.length < 2 && plot.kind === 'bar') return legend.remove();
  plot.series.forEach((series, i) => {
    const button = document.createElement('button');
    const sample = document.createElementNS(svg.namespaceURI, 'svg');
    sample.setAttribute('viewBox', '0 0 22 10');
    add(sample, 'line', {
      x1: 0, x2: 22, y1: 5, y2: 5, stroke: colorOf(series.color), 'stroke-width': plot.kind === 'line' ? 2.5 : 9,
      'stroke-dasharray': plot.kind === 'line' ? dashOf(series) : 'none',
    });
    const name = document.createElement('span');
    name.textContent = name.title = series.detail ? `${series.name}  (${series.detail})` : series.name;
    button.append(sample, name);
    button.addEventListener('click', () => {
      if (!hidden.delete(i)) hidden.add(i);
      button.classList.toggle('off', hidden.has(i));
      draw();
    });
    legend.append(button);
  });
}

function showTip(figureElement, svg, tip, plot, { frame, x, shown }, event) {
  const box = svg.getBoundingClientRect();
  const pixel = (event.clientX - box.left) * frame.width / box.width;
  if (pixel < frame.left || pixel > frame.right) return hideTip(svg, tip);

  const at = plot.kind === 'scatter' ? nearestX(shown, x, pixel) : x.invert(pixel);
  const rows = shown.map(series => [series, valueAt(series.points, at, plot.kind)]).filter(row => row[1] !== null);
  if (rows.length === 0) return hideTip(svg, tip);

  tip.replaceChildren();
  const head = document.createElement('b');
  head.textContent = `${plot.x.title}: ${figure(at, plot.x)}`;
  tip.append(head);
  for (const [series, value] of rows) {
    const row = document.createElement('div');
    const dot = document.createElement('i');
    dot.style.background = colorOf(series.color);
    row.append(dot, `${series.name}: ${figure(value, plot.y)}`);
    tip.append(row);
  }
  tip.hidden = false;
  const room = figureElement.clientWidth - tip.offsetWidth - 4;
  const besides = event.clientX - figureElement.getBoundingClientRect().left + 14;
  tip.style.left = (besides > room ? Math.max(4, besides - tip.offsetWidth - 28) : besides) + 'px';
  tip.style.top = (box.top - figureElement.getBoundingClientRect().top + frame.top + 6) + 'px';

  svg.querySelector('.cross')?.remove();
  add(svg, 'line', { class: 'cross', x1: x(at), x2: x(at), y1: frame.top, y2: frame.bottom, stroke: 'var(--soft)' });
}

function hideTip(svg, tip) {
  tip.hidden = true;
  svg.querySelector('.cross')?.remove();
}

function nearestX(shown, x, pixel) {
  const all = shown.flatMap(s => s.points.map(p => p[0]));
  return all.reduce((best, v) => Math.abs(x(v) - pixel) < Math.abs(x(best) - pixel) ? v : best, all[0]);
}

// Between two points the line is straight; outside them there is no value, but a distribution stays where it is.
function valueAt(points, at, kind) {
  if (points.length === 0) return null;
  if (kind === 'scatter') return points.find(p => p[0] === at)?.[1] ?? null;
  const last = points[points.length - 1];
  if (at < points[0][0] || at > last[0]) return null;
  let low = 0, high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= at) low = middle; else high = middle;
  }
  const [a, b] = [points[low], points[high]];
  return b[0] === a[0] ? b[1] : a[1] + (b[1] - a[1]) * (at - a[0]) / (b[0] - a[0]);
}

const plots = JSON.parse(document.getElementById('plots').textContent);
for (const element of document.querySelectorAll('figure[data-plot]')) startPlot(element, plots[element.dataset.plot]);
document.documentElement.dataset.drawn = plots.length;
