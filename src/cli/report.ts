/** What remains of a run: `results.json` for programs, `report.html` for people. The page needs no network and no script. */
import type { BackendInfo } from '../backend/registry.ts';
import { barChart, escapeMarkup, lineChart, type Series } from './chart.ts';
import type { TrainOptions } from './options.ts';
import { formatTime } from './progress.ts';
import type { Speed } from './speed.ts';
import type { History, Point } from './trainer.ts';

/** Everything there is to tell; `results.json` is this, as it is. */
export interface Results {
  name: string;
  options: TrainOptions;
  backend: BackendInfo;
  data: { characters: number; vocabulary: number };
  parameters: number;
  /** Steps that were done, of `options.steps`. */
  steps: number;
  interrupted: boolean;
  /** Of the training steps alone. */
  seconds: number;
  charactersPerSecond: number;
  /** Nats per character over sequences that cover the last tenth of the text; null when it is not a number. */
  validationLoss: number | null;
  sample: string;
  /** Milliseconds of training steps, eager and compiled, on each backend; empty when that was not measured. */
  speed: Speed[];
  history: Pick<History, 'train' | 'validation'>;
}

const MAX_POINTS = 400;

/** Means of neighbouring points, so that long runs stay small pages. */
function thinned(points: readonly Point[]): Series['points'] {
  const size = Math.ceil(points.length / MAX_POINTS);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const some = points.slice(i * size, (i + 1) * size);
    return [some.at(-1)?.step as number, some.reduce((sum, { loss }) => sum + loss, 0) / some.length] as const;
  });
}

const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1f2430; --soft: #68708a; --grid: #e3e6ee; --back: #fff; --panel: #f6f7fa; --train: #8aa4d6; --validation: #d9480f;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9f2; --soft: #9aa3bd; --grid: #2c3244; --back: #14171f; --panel: #1c202b; --train: #5f7fbf; --validation: #ff9d5c; }
}
body { margin: 0 auto; max-width: 50rem; padding: 2rem 1rem 4rem; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.sub { color: var(--soft); margin: .2rem 0 1.5rem; }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; }
.figures div { flex: 1 1 9rem; background: var(--panel); border-radius: .5rem; padding: .7rem 1rem; }
.figures b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: .85rem; }
svg { width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--grid); fill: none; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
path.train { stroke: var(--train); }
path.validation { stroke: var(--validation); stroke-width: 2.2; }
circle.validation, rect.compiled { fill: var(--validation); }
rect.eager { fill: var(--train); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: var(--panel); border-radius: .5rem; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-bottom: 1px solid var(--grid); font-weight: normal; overflow-wrap: anywhere; }
th { color: var(--soft); width: 12rem; }
`;

/** Name and value of everything the run was made with. */
function settings({ options, data, parameters, backend }: Results): [string, string][] {
  const given = Object.entries(options).filter(([name, value]) => value !== null && name !== 'data');
  return [
    ['data', options.data ?? 'sources and documents of cotangent'],
    ['characters', `${data.characters.toLocaleString('en')}, ${data.vocabulary} different ones`],
    ['parameters', parameters.toLocaleString('en')],
    ...given.map(([name, value]): [string, string] =>
      typeof value === 'boolean' ? [name, value ? 'yes' : 'no'] : [`--${name}`, String(value)],
    ),
    ['ran on', `${backend.backend}, ${backend.isa}, ${backend.threads} thread${backend.threads === 1 ? '' : 's'}`],
    ...Object.entries(backend.available).map(([name, { ok, reason }]): [string, string] => [
      `${name} backend`,
      ok ? 'available' : reason,
    ]),
  ];
}

/** Milliseconds with three digits. */
const formatMs = (ms: number): string => (ms < 100 ? ms.toPrecision(3) : ms.toFixed(0));

/** How long a step takes; nothing where that was not measured. */
function speedSection(speeds: readonly Speed[]): string {
  if (speeds.length === 0) return '';
  const bars = speeds.flatMap((speed) =>
    (['eager', 'compiled'] as const).map((mode) => ({
      label: `${speed.backend}, ${mode}`,
      style: mode,
      value: speed[mode],
      text: `${formatMs(speed[mode])} ms`,
    })),
  );
  const rows = speeds.map(({ backend, eager, compiled, steps }) => {
    const figures = [formatMs(eager), formatMs(compiled), `${(eager / compiled).toFixed(2)}`, String(steps)];
    return `<tr><th>${backend}</th>${figures.map((figure) => `<td class="number">${figure}</td>`).join('')}</tr>`;
  });
  const columns = ['eager, ms', 'compiled, ms', 'eager / compiled', 'steps measured'];
  return `<h2>Speed</h2>
<p class="sub">How long a training step of this model takes: op by op, and recorded once and replayed. Medians, measured after the training.</p>
${barChart(bars, 'Milliseconds per training step')}
<table>
<tr><th>backend</th>${columns.map((column) => `<th class="number">${column}</th>`).join('')}</tr>
${rows.join('\n')}
</table>
`;
}

/** The page. */
export function reportPage(results: Results): string {
  const { history, backend, options } = results;
  const loss = results.validationLoss?.toFixed(3) ?? 'not a number';
  const chart = lineChart(
    [
      { label: 'training batches', style: 'train', points: thinned(history.train) },
      { label: 'validation', style: 'validation', points: history.validation.map((p) => [p.step, p.loss]), dots: true },
    ],
    { title: 'Loss during training', xLabel: 'step', yLabel: 'loss (nats per character)' },
  );
  const figures = [
    [loss, 'validation loss, nats per character'],
    [results.steps.toLocaleString('en'), results.interrupted ? `steps, stopped before ${options.steps}` : 'steps'],
    [formatTime(results.seconds), 'training time'],
    [Math.round(results.charactersPerSecond).toLocaleString('en'), 'characters per second'],
  ];
  const rows = settings(results).map(
    ([name, value]) => `<tr><th>${escapeMarkup(name)}</th><td>${escapeMarkup(value)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeMarkup(results.name)}: validation loss ${loss}</title>
<style>${STYLE}</style>
<h1>${escapeMarkup(results.name)}</h1>
<p class="sub">A character-level transformer, trained with cotangent on the ${backend.backend} backend.</p>
<div class="figures">${figures.map(([figure, what]) => `<div><b>${figure}</b><span>${what}</span></div>`).join('')}</div>
<h2>Loss</h2>
${chart}
${speedSection(results.speed)}<h2>What it writes</h2>
<pre>${escapeMarkup(results.sample)}</pre>
<h2>Settings</h2>
<table>
${rows.join('\n')}
</table>
</html>
`;
}
