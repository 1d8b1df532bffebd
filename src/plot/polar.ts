/** Polar plots. */
import { ArgumentError, describe } from '../errors.ts';
import { Figure, type Trace } from './figure.ts';
import { type FigureOptions, figureOptions, toChoice } from './options.ts';
import { axis, baseLayout, colour, dash, symbol } from './template.ts';
import {
  expectDrawable,
  expectSameLength,
  extent,
  gaps,
  toDrawable,
  toEntries,
  toNumbers,
  type Values,
} from './values.ts';

/** Radii over angles. */
export interface PolarValues {
  /** Radians, counted from the right against the clock. */
  angle: Values;
  radius: Values;
  /** How they are drawn: 'lines' by default. */
  mode?: 'lines' | 'markers' | 'lines+markers';
}

/** Names of the angles that mathematicians like. */
const ANGLES = ['0', 'π/4', 'π/2', '3π/4', 'π', '5π/4', '3π/2', '7π/4'] as const;

/**
 * Radii over angles. The centre is 0, or the lowest radius where there are negative ones; a line then shows where 0 is.
 *
 * @param series `{ angle, radius }` of shapes [n] each, by name; angles in radians.
 * @throws ArgumentError for series without a finite value.
 * @throws ShapeError when angles and radii differ in number.
 */
export function polar(series: Record<string, PolarValues>, options?: FigureOptions): Figure {
  const op = 'polar';
  const given = figureOptions(op, options, []);
  const all = toEntries<unknown>(op, series, 'series').map(([name, one]) => {
    if (typeof one !== 'object' || one === null || !('angle' in one) || !('radius' in one))
      throw new ArgumentError(op, `${name} is { angle, radius }, got ${describe(one)}`);
    const angle = toNumbers(op, one.angle, `angle of ${name}`);
    const radius = toDrawable(op, one.radius, `radius of ${name}`);
    expectSameLength(op, angle, radius, `angle and radius of ${name}`);
    expectDrawable(op, angle, `angle of ${name}`);
    const { mode } = one as PolarValues;
    return { name, angle, radius, mode: toChoice(op, mode, `mode of ${name}`, ['lines', 'markers', 'lines+markers']) };
  });
  const [low, high] = extent(all.flatMap(({ radius }) => radius));
  const data = all.map(
    ({ name, angle, radius, mode }, i): Trace => ({
      type: 'scatterpolar',
      mode,
      name,
      thetaunit: 'radians',
      theta: gaps(angle),
      r: gaps(radius),
      line: { color: colour(i), width: 2.5, dash: dash(i) },
      marker: { color: colour(i), size: 8, symbol: symbol(i) },
      hovertemplate: 'radius %{r:.5g}<br>angle %{theta:.4g}<extra></extra>',
    }),
  );
  if (low < 0) data.push(zero());
  return new Figure(data, {
    ...baseLayout(given, 520),
    showlegend: data.length > 1,
    margin: { l: 60, r: 60, t: given.title === undefined ? 50 : 90, b: 80 },
    // Along its axis the name would stand on the numbers.
    annotations: [
      {
        text: `angle: ${given.xLabel ?? 'radians'}; radius: ${given.yLabel ?? 'as numbered'}`,
        showarrow: false,
        xref: 'paper',
        yref: 'paper',
        x: 0.5,
        y: -0.1,
        yanchor: 'top',
      },
    ],
    polar: {
      radialaxis: axis('', {
        angle: 22.5,
        tickangle: 22.5,
        showline: false,
        // Plotly cuts lines at the edge in half.
        range: [Math.min(low, 0), high > Math.min(low, 0) ? high + 0.04 * (high - Math.min(low, 0)) : high + 1],
      }),
      angularaxis: {
        tickmode: 'array',
        tickvals: ANGLES.map((_, i) => i * 45),
        ticktext: [...ANGLES],
        gridcolor: '#e3e3e3',
        linecolor: '#222222',
      },
      bgcolor: '#ffffff',
    },
  });
}

/** The circle of radius 0. */
const zero = (): Trace => ({
  type: 'scatterpolar',
  mode: 'lines',
  name: '0',
  theta: Array.from({ length: 73 }, (_, i) => 5 * i),
  r: new Array<number>(73).fill(0),
  line: { color: '#777777', width: 1.2, dash: 'dot' },
  hoverinfo: 'skip',
});
