// Draws one plot into an SVG element. Colours are CSS variables, so that themes need no redrawing.

const colorOf = index => index < 0 ? 'var(--text)' : `var(--c${index % 7})`;

// Past the end of the palette colours come again, broken.
const dashOf = series => series.dashed || series.color >= 7 ? '6 4' : 'none';

function add(parent, name, attributes, text) {
  const element = document.createElementNS(parent.namespaceURI, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function cutText(text, pixels) {
  const room = Math.max(4, Math.floor(pixels / 6.6));
  return text.length > room ? text.slice(0, room - 1) + '…' : text;
}

function drawPlot(svg, plot, hidden) {
  svg.replaceChildren();
  const width = svg.clientWidth || 400;
  const shown = plot.series.filter((_, i) => !hidden.has(i));
  return plot.kind === 'bar' ? drawBars(svg, plot, shown, width) : drawCurves(svg, plot, shown, width);
}

// Returns what the tooltip needs: the frame, the horizontal scale and the series drawn.
function drawCurves(svg, plot, shown, width) {
  const height = Math.round(Math.min(330, Math.max(240, width * 0.62)));
  const points = shown.flatMap(s => s.points);
  const rules = plot.rules;
  const ofRules = vertical => rules.filter(r => r.vertical === vertical).map(r => r.at);
  let [xMin, xMax] = domainOf(plot.x, points.map(p => p[0]).concat(ofRules(true)), false);
  if (shown.some(s => s.dots) && !plot.x.log) [xMin, xMax] = [xMin - (xMax - xMin) * 0.04, xMax + (xMax - xMin) * 0.02];
  const [yMin, yMax] = domainOf(plot.y, points.map(p => p[1]).concat(ofRules(false)), true);

  const scaleOf = axis => axis.log ? logScale : linearScale;
  const yTicks = scaleOf(plot.y)(yMin, yMax, 0, 1).ticks(6);
  const left = 14 + 7 * Math.max(...yTicks.map(t => figure(t, plot.y).length), 2);
  const frame = { left, right: width - 14, top: 24, bottom: height - 44, width, height };
  const x = scaleOf(plot.x)(xMin, xMax, frame.left, frame.right);
  const y = scaleOf(plot.y)(yMin, yMax, frame.bottom, frame.top);

  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.style.height = height + 'px';
  drawAxes(svg, plot, frame, x, y, yTicks);
  rules.forEach((rule, i) => drawRule(svg, rule, rules.slice(0, i), frame, x, y));
  for (const series of shown) drawSeries(svg, plot, series, x, y);
  return { frame, x, y, shown };
}

function drawAxes(svg, plot, frame, x, y, yTicks) {
  for (const tick of yTicks) {
    add(svg, 'line', { x1: frame.left, x2: frame.right, y1: y(tick), y2: y(tick), stroke: 'var(--grid)' });
    add(svg, 'text', { x: frame.left - 6, y: y(tick) + 4, 'text-anchor': 'end' }, figure(tick, plot.y));
  }
  for (const tick of x.ticks(Math.max(4, Math.floor((frame.right - frame.left) / 56)))) {
    add(svg, 'line', { x1: x(tick), x2: x(tick), y1: frame.top, y2: frame.bottom, stroke: 'var(--grid)' });
    add(svg, 'text', { x: x(tick), y: frame.bottom + 16, 'text-anchor': 'middle' }, figure(tick, plot.x));
  }
  add(svg, 'line', { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom, stroke: 'var(--soft)' });
  const middle = (frame.left + frame.right) / 2;
  const xTitle = plot.x.title + (plot.x.log ? ', log scale' : '');
  add(svg, 'text', { x: middle, y: frame.height - 8, 'text-anchor': 'middle', class: 'title' }, xTitle);
  add(svg, 'text', { x: 2, y: 12, class: 'title' }, plot.y.title + (plot.y.log ? ', log scale' : ''));
}

// Labels of vertical rules stand below one another, on the side where there is room.
function drawRule(svg, rule, earlier, frame, x, y) {
  const line = { stroke: colorOf(rule.color), 'stroke-dasharray': '3 3', 'stroke-width': 1.4 };
  if (!rule.vertical) {
    add(svg, 'line', { ...line, x1: frame.left, x2: frame.right, y1: y(rule.at), y2: y(rule.at) });
    add(svg, 'text', { x: frame.left + 4, y: y(rule.at) - 4 }, rule.label);
    return;
  }
  const at = x(rule.at);
  const isRightHalf = at > (frame.left + frame.right) / 2;
  const row = earlier.filter(r => r.vertical).length;
  add(svg, 'line', { ...line, x1: at, x2: at, y1: frame.top, y2: frame.bottom });
  add(svg, 'text', {
    x: at + (isRightHalf ? -5 : 5), y: frame.bottom - 8 - 15 * row, 'text-anchor': isRightHalf ? 'end' : 'start',
    style: `fill: ${colorOf(rule.color)}; paint-order: stroke; stroke: var(--card); stroke-width: 4px`,
  }, rule.label);
}

function drawSeries(svg, plot, series, x, y) {
  const color = colorOf(series.color);
  if (plot.kind === 'line' && series.points.length > 1) {
    const path = series.points.map((p, i) => (i ? 'L' : 'M') + x(p[0]).toFixed(1) + ' ' + y(p[1]).toFixed(1)).join('');
    add(svg, 'path', {
      d: path, fill: 'none', stroke: color, 'stroke-width': 2, 'stroke-linejoin': 'round', 'stroke-dasharray': dashOf(series),
    });
  }
  if (plot.kind === 'scatter' || series.dots || series.points.length === 1)
    for (const p of series.points)
      add(svg, 'circle', { cx: x(p[0]), cy: y(p[1]), r: 3.5, fill: color, 'fill-opacity': plot.kind === 'scatter' ? 0.7 : 1 });
  for (const mark of series.marks) {
    const dot = add(svg, 'circle', { cx: x(mark[0]), cy: y(mark[1]), r: 4.5, fill: 'var(--card)', stroke: color, 'stroke-width': 2 });
    add(dot, 'title', {}, mark[2]);
  }
}

// Bars lie on their side: names of any length read, and any number of them fits.
function drawBars(svg, plot, shown, width) {
  const thick = shown.length > 1 ? 14 : 20;
  const group = thick * shown.length + 12;
  const longest = Math.max(...plot.categories.map(c => c.length), 0);
  const left = Math.min(width * 0.36, 14 + longest * 7);
  const height = 8 + group * plot.categories.length + 44;
  const frame = { left, right: width - 62, top: 8, bottom: height - 44, width, height };
  const [min, max] = domainOf(plot.x, shown.flatMap(s => s.points.map(p => p[1])).concat(plot.rules.map(r => r.at)), true);
  const x = (plot.x.log ? logScale : linearScale)(min, max, frame.left, frame.right);
  const y = () => 0;

  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.style.height = height + 'px';
  drawAxes(svg, { x: plot.x, y: { title: '' } }, frame, x, y, []);
  plot.categories.forEach((name, i) => {
    const middle = frame.top + group * (i + 0.5);
    const label = add(svg, 'text', { x: left - 8, y: middle + 4, 'text-anchor': 'end', class: 'title' }, cutText(name, left - 10));
    add(label, 'title', {}, name);
  });
  shown.forEach((series, k) => {
    for (const [category, value] of series.points) {
      const top = frame.top + group * category + 6 + thick * k;
      const bar = add(svg, 'rect', {
        x: frame.left, y: top, width: Math.max(1, x(value) - frame.left), height: thick - 2, rx: 2, fill: colorOf(series.color),
      });
      add(bar, 'title', {}, `${plot.categories[category]}, ${series.name}: ${figure(value, plot.x)}`);
      add(svg, 'text', { x: x(value) + 5, y: top + thick / 2 + 3 }, figure(value, plot.x));
    }
  });
  plot.rules.forEach((rule, i) => drawRule(svg, { ...rule, vertical: true }, plot.rules.slice(0, i), frame, x, y));
  return null;
}
