/** Bars and histograms. */
import { ArgumentError, describe } from '../errors.ts';
import { Figure, type Trace } from './figure.ts';
import { type FigureOptions, figureOptions, toFlag } from './options.ts';
import { axis, baseLayout, colour, logAxis } from './template.ts';
import { expectDrawable, extent, gaps, toCount, toEntries, toNumbers, type Values } from './values.ts';

/** Options of `bars`. */
export interface BarsOptions extends FigureOptions {
  /** A logarithmic y axis: values that are not positive have no bar. */
  logY?: boolean;
}

/** Values by category. */
export type Bars = Record<string, number>;

/**
 * Bars of values by category; of several groups, side by side, with a legend.
 *
 * @throws ArgumentError for what is not a number, and when there is no finite value.
 * @example
 * bars({ sigmoid: { 'layer 1': 1e-6, 'layer 2': 1e-3 }, relu: { 'layer 1': 0.02, 'layer 2': 0.03 } }, { logY: true });
 */
export function bars(groups: Record<string, Bars> | Bars, options?: BarsOptions): Figure {
  return drawBars('bars', groups, options);
}

/** @internal `bars` under the name of whoever draws them. */
export function drawBars(op: string, groups: Record<string, Bars> | Bars, options?: BarsOptions): Figure {
  const given = figureOptions(op, options, ['logY']);
  const log = toFlag(op, given.logY, 'logY');
  const entries = toEntries<unknown>(op, groups, 'groups');
  const flat = entries.every(([, value]) => typeof value === 'number');
  const all = flat
    ? [['', entries] as const]
    : entries.map(([name, group]) => [name, toEntries(op, group, name)] as const);
  for (const [group, values] of all)
    for (const [name, value] of values)
      if (typeof value !== 'number')
        throw new ArgumentError(op, `${group === '' ? name : `${group}.${name}`} is a number, got ${describe(value)}`);
  const shown = (value: number) => (log && !(value > 0) ? Number.NaN : value);
  const lists = all.map(([name, values]) => ({
    name,
    categories: values.map(([category]) => category),
    values: values.map(([, value]) => shown(value as number)),
  }));
  expectDrawable(
    op,
    lists.flatMap(({ values }) => values),
    log ? 'groups on a logarithmic axis' : 'groups',
  );
  const categories = [...new Set(lists.flatMap((list) => list.categories))];
  const data = lists.map(
    (list, i): Trace => ({
      type: 'bar',
      name: list.name,
      x: list.categories,
      y: gaps(list.values),
      marker: { color: colour(i) },
      hovertemplate: '%{x}<br>%{y:.5g}<extra></extra>',
    }),
  );
  return new Figure(data, {
    ...baseLayout(given),
    barmode: 'group',
    bargap: 0.25,
    showlegend: data.length > 1,
    xaxis: axis(given.xLabel ?? '', { type: 'category', categoryorder: 'array', categoryarray: categories }),
    yaxis: axis(given.yLabel ?? 'value', log ? logAxis(lists.flatMap((list) => list.values)) : {}),
  });
}

/** Options of `histogram`. */
export interface HistogramOptions extends FigureOptions {
  /** How many bins; by default as many as the rule of Freedman and Diaconis (1981) gives, at most 100. */
  bins?: number;
}

/**
 * How often values fall into bins of equal width, the same for all series. The last bin holds its right end.
 *
 * @param series values of shape [n], by name.
 * @throws ArgumentError for values that are not finite: they fall into no bin.
 */
export function histogram(series: Record<string, Values>, options?: HistogramOptions): Figure {
  const op = 'histogram';
  const given = figureOptions(op, options, ['bins']);
  const all = toEntries<unknown>(op, series, 'series').map(([name, values]) => {
    const numbers = toNumbers(op, values, name);
    if (numbers.length === 0) throw new ArgumentError(op, `${name} is empty`);
    const wrong = numbers.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) throw new ArgumentError(op, `${name} has a value, ${wrong}, that falls into no bin`);
    return { name, numbers };
  });
  const [least, greatest] = extent(all.flatMap(({ numbers }) => numbers));
  const [low, high] = least < greatest ? [least, greatest] : [least - 0.5, least + 0.5];
  const lists = all.map(({ numbers }) => numbers);
  const count = given.bins === undefined ? freedmanDiaconis(lists, high - low) : toCount(op, given.bins, 'bins', 1);
  const width = (high - low) / count;
  const centres = Array.from({ length: count }, (_, i) => low + (i + 0.5) * width);
  const data = all.map(({ name, numbers }, i): Trace => {
    const counts = new Array<number>(count).fill(0);
    for (const value of numbers) {
      const bin = Math.min(count - 1, Math.floor((value - low) / width));
      counts[bin] = (counts[bin] as number) + 1;
    }
    return {
      type: 'bar',
      name,
      x: centres,
      y: counts,
      width,
      opacity: all.length > 1 ? 0.6 : 1,
      marker: { color: colour(i), line: { color: '#ffffff', width: 1 } },
      hovertemplate: 'about %{x:.4g}<br>%{y} values<extra></extra>',
    };
  });
  return new Figure(data, {
    ...baseLayout(given),
    barmode: 'overlay',
    showlegend: data.length > 1,
    xaxis: axis(given.xLabel ?? (all.length === 1 ? (all[0] as { name: string }).name : 'x')),
    yaxis: axis(given.yLabel ?? 'count'),
  });
}

/** Bins of width 2 · IQR · n^(-1/3), from the series that wants the narrowest. */
function freedmanDiaconis(series: readonly (readonly number[])[], span: number): number {
  const wanted = series.map((values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] as number;
    const width = (2 * (quantile(0.75) - quantile(0.25))) / Math.cbrt(sorted.length);
    return width > 0 ? Math.ceil(span / width) : 10;
  });
  return Math.min(100, Math.max(1, ...wanted));
}
