// Scales: data to pixels and back, ticks at round numbers, and how numbers are written.

function linearScale(min, max, from, to) {
  const scale = value => from + (value - min) / (max - min) * (to - from);
  scale.invert = pixel => min + (pixel - from) / (to - from) * (max - min);
  scale.ticks = count => roundTicks(min, max, count);
  return scale;
}

function logScale(min, max, from, to) {
  const [low, high] = [Math.log(min), Math.log(max)];
  const scale = value => from + (Math.log(Math.max(value, min)) - low) / (high - low) * (to - from);
  scale.invert = pixel => Math.exp(low + (pixel - from) / (to - from) * (high - low));
  scale.ticks = count => logTicks(min, max, count);
  return scale;
}

function roundTicks(min, max, count) {
  const step = roundStep((max - min) / count);
  const ticks = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) ticks.push(i * step);
  return ticks;
}

// The least of 1, 2, 5 times a power of ten that is not below the wanted step.
function roundStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map(m => m * power).find(step => step >= wanted * 0.999);
}

// Powers of ten; with 2 and 5 between them while there is room.
function logTicks(min, max, count) {
  for (const multiples of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); e++)
      for (const m of multiples) {
        const tick = m * 10 ** e;
        if (tick >= min * 0.999 && tick <= max * 1.001) ticks.push(tick);
      }
    if (ticks.length <= count || multiples.length === 1) return ticks;
  }
}

// A range over the values that begins and ends at round numbers.
function domainOf(axis, values, beginAtZero) {
  const usable = values.filter(v => Number.isFinite(v) && (!axis.log || v > 0));
  let min = axis.min ?? Math.min(...usable);
  let max = axis.max ?? Math.max(...usable);
  if (!Number.isFinite(min) || !Number.isFinite(max)) [min, max] = axis.log ? [1, 10] : [0, 1];
  if (axis.log) return min < max ? [min * 0.93, max * 1.08] : [min / 3, max * 3];

  if (axis.min === undefined && beginAtZero) min = Math.min(0, min);
  if (min === max) max = min + (Math.abs(min) || 1);
  if (axis.max === undefined && beginAtZero) {
    const step = roundStep((max - min) / 5);
    max = Math.ceil(max / step - 0.02) * step;
  }
  return [min, max];
}

function figure(value, axis) {
  if (axis && axis.share) return trim(value * 100, 3) + ' %';
  const size = Math.abs(value);
  if (size >= 1e9) return trim(value / 1e9, 3) + ' G';
  if (size >= 1e6) return trim(value / 1e6, 3) + ' M';
  if (size >= 1e5) return trim(value / 1e3, 3) + ' k';
  if (size >= 1e4) return String(Math.round(value)).replace(/(\d{3})$/, '\u2009$1');
  return trim(value, size >= 1000 ? 4 : 3);
}

function trim(value, digits) {
  if (value === 0) return '0';
  return Math.abs(value) < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(digits)));
}
