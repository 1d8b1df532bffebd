/** Line and bar charts as SVG text, coloured by CSS classes of the page it is put into. */

export interface Series {
  label: string;
  /** The CSS class of the line, its dots and its mark in the legend. */
  style: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Whether the points get a dot each. */
  dots?: boolean;
}

export interface ChartLabels {
  title: string;
  xLabel: string;
  yLabel: string;
}

const [WIDTH, HEIGHT] = [760, 400];
const [LEFT, RIGHT, TOP, BOTTOM] = [58, WIDTH - 20, 20, HEIGHT - 46];

export const escapeMarkup = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** About `count` round numbers within [low, high]: 1, 2 or 5 times a power of ten apart. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10);
  const first = Math.ceil(low / step);
  const n = Math.max(0, Math.floor(high / step) - first + 1);
  // Divided where the step is a fraction, so that 3 · 0.1 shows as 0.3.
  return Array.from({ length: n }, (_, i) => (step < 1 ? (first + i) / Math.round(1 / step) : (first + i) * step));
}

/** The extremes of finite values; never an empty interval. */
function range(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** One chart with a grid, axes and a legend. Points that are not finite interrupt their line. */
export function lineChart(series: readonly Series[], { title, xLabel, yLabel }: ChartLabels): string {
  const points = series.flatMap((s) => s.points);
  const [x0, x1] = range(points.map(([x]) => x));
  const [low, high] = range(points.map(([, y]) => y));
  const margin = (high - low) * 0.05;
  const [y0, y1] = [low - margin, high + margin];
  const px = (x: number) => (LEFT + ((x - x0) / (x1 - x0)) * (RIGHT - LEFT)).toFixed(1);
  const py = (y: number) => (BOTTOM - ((y - y0) / (y1 - y0)) * (BOTTOM - TOP)).toFixed(1);

  const horizontal = ticks(y0, y1, 6).map(
    (y) =>
      `<path class="grid" d="M${LEFT} ${py(y)}H${RIGHT}"/><text x="${LEFT - 8}" y="${py(y)}" dy="4" text-anchor="end">${y}</text>`,
  );
  const vertical = ticks(x0, x1, 8).map(
    (x) =>
      `<path class="grid" d="M${px(x)} ${TOP}V${BOTTOM}"/><text x="${px(x)}" y="${BOTTOM + 18}" text-anchor="middle">${x}</text>`,
  );
  const lines = series.map(({ points: own, style, dots = false }) => {
    let pen = 'M';
    const path = own.map(([x, y]) => {
      const part = Number.isFinite(y) ? `${pen}${px(x)} ${py(y)}` : '';
      pen = part === '' ? 'M' : 'L';
      return part;
    });
    const marked = dots ? own.filter(([, y]) => Number.isFinite(y)) : [];
    const circles = marked.map(([x, y]) => `<circle class="${style}" cx="${px(x)}" cy="${py(y)}" r="3.5"/>`);
    return `<path class="line ${style}" d="${path.join('')}"/>${circles.join('')}`;
  });
  const legend = series.map(({ label, style }, i) => {
    const y = TOP + 18 + i * 20;
    return `<path class="line ${style}" d="M${RIGHT - 170} ${y}h24"/><text x="${RIGHT - 138}" y="${y + 4}">${escapeMarkup(label)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeMarkup(title)}">
${[...horizontal, ...vertical, ...lines, ...legend].join('\n')}
<text x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeMarkup(xLabel)}</text>
<text transform="translate(16 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escapeMarkup(yLabel)}</text>
</svg>`;
}

/** A value with its name. */
export interface Bar {
  label: string;
  /** The CSS class of the bar. */
  style: string;
  value: number;
  /** The value as it is written beside the bar. */
  text: string;
}

const [BAR_HEIGHT, BAR_PITCH, BAR_LEFT, BAR_RIGHT] = [20, 30, 150, WIDTH - 90];

/** Horizontal bars from zero, one below the other. */
export function barChart(bars: readonly Bar[], title: string): string {
  const most = bars.reduce((max, { value }) => Math.max(max, value), Number.MIN_VALUE);
  const rows = bars.map(({ label, style, value, text }, i) => {
    const width = (value / most) * (BAR_RIGHT - BAR_LEFT);
    const y = i * BAR_PITCH + (BAR_PITCH - BAR_HEIGHT) / 2;
    const middle = y + BAR_HEIGHT / 2 + 4;
    return (
      `<text x="${BAR_LEFT - 8}" y="${middle}" text-anchor="end">${escapeMarkup(label)}</text>` +
      `<rect class="${style}" x="${BAR_LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}"/>` +
      `<text x="${(BAR_LEFT + width + 8).toFixed(1)}" y="${middle}">${escapeMarkup(text)}</text>`
    );
  });
  return `<svg viewBox="0 0 ${WIDTH} ${bars.length * BAR_PITCH}" role="img" aria-label="${escapeMarkup(title)}">
${rows.join('\n')}
</svg>`;
}
