/** Running one example, and what it reported, in the order in which it did. */
import { type BackendName, CotangentError, manualSeed, setBackend } from 'cotangent';
import { Figure, type Graph } from 'cotangent/plot';
import type { Cell, Report, Tolerance, WorkedExample } from '../worked/example.ts';

/** A figure beside the expected one, or a claim. */
export interface Line {
  kind: 'line';
  label: string;
  /** Null for a claim. */
  values: { got: number; expected: number; allowed: string } | null;
  holds: boolean;
}

/** What a figure of plotly.js is, or a drawing. */
export type Picture =
  | { kind: 'plotly'; json: string; height: number; needsWebGL: boolean }
  | { kind: 'svg'; svg: string };

export type Entry =
  | Line
  | { kind: 'note'; text: string }
  | { kind: 'table'; head: readonly string[]; rows: readonly (readonly Cell[])[] }
  | { kind: 'picture'; picture: Picture; caption: string };

/** What came of an example. */
export interface Outcome {
  entries: Entry[];
  /** What it threw. */
  failure: string | null;
  passed: boolean;
  seconds: number;
}

const DEFAULT: Tolerance = { relative: 1e-6 };

/** Whether a figure is what was expected: within either of the tolerances. NaN never is. */
export function agrees(got: number, expected: number, { absolute = 0, relative = 0 }: Tolerance = DEFAULT): boolean {
  if (got === expected) return true;
  const difference = Math.abs(got - expected);
  return difference <= absolute || difference <= relative * Math.abs(expected);
}

const short = (value: number): string => (value < 0.01 ? value.toExponential() : String(value));

const allowance = ({ absolute, relative }: Tolerance = DEFAULT): string =>
  [
    ...(absolute === undefined ? [] : [`± ${short(absolute)}`]),
    ...(relative === undefined ? [] : [`${short(relative)} of it`]),
  ].join(' or ') || 'exactly';

/** A picture as it is at this moment. */
async function pictureOf(figure: Figure | Graph): Promise<Picture> {
  if (!(figure instanceof Figure)) return { kind: 'svg', svg: await figure.toSVG() };
  const json = JSON.stringify(figure);
  const { layout, data } = figure;
  const height = typeof layout.height === 'number' ? layout.height : 460;
  const needsWebGL = data.some(({ type }) => type === 'surface' || type === 'scatter3d' || type === 'mesh3d');
  return { kind: 'plotly', json, height, needsWebGL };
}

/** Runs an example from the same seed every time. What it throws is part of the outcome. */
export async function record(example: WorkedExample, backend: BackendName): Promise<Outcome> {
  const entries: Entry[] = [];
  const pending: Promise<void>[] = [];
  const report: Report = {
    backend,
    figure(label, got, expected, tolerance) {
      const values = { got, expected, allowed: allowance(tolerance) };
      entries.push({ kind: 'line', label, values, holds: agrees(got, expected, tolerance) });
    },
    check: (label, holds) => void entries.push({ kind: 'line', label, values: null, holds: holds === true }),
    note: (text) => void entries.push({ kind: 'note', text }),
    table: (head, rows) => void entries.push({ kind: 'table', head, rows: structuredClone(rows) }),
    picture(picture, caption) {
      const at = entries.push({ kind: 'note', text: caption }) - 1;
      const done = pictureOf(picture).then((drawn) => {
        entries[at] = { kind: 'picture', picture: drawn, caption };
      });
      // Looked at below; until then a failure must not count as unhandled.
      done.catch(() => {});
      pending.push(done);
    },
  };
  const start = performance.now();
  let failure: string | null = null;
  try {
    setBackend(backend);
    manualSeed(0);
    await example.run(report);
    await Promise.all(pending);
    if (!entries.some(({ kind }) => kind === 'line')) throw new Error('it reported no figure: nothing was checked');
  } catch (error) {
    const { stack, message } = error as Error;
    // Where it was thrown is for programming errors; ours say what was wrong.
    const place = stack?.split('\n').slice(0, 4).join('\n') ?? String(error);
    failure = error instanceof CotangentError ? `${error.name}: ${message}` : place;
  }
  const passed = failure === null && entries.every((entry) => entry.kind !== 'line' || entry.holds);
  return { entries, failure, passed, seconds: (performance.now() - start) / 1000 };
}
