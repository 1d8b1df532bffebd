/** Outcomes as lines of a terminal. */
import type { Broken, Found } from './collect.ts';
import type { Line, Outcome } from './record.ts';

/** A number as short as it can be without losing a digit that counts here. */
export const digits = (value: number): string => {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const [short, exact] = [Number(value.toPrecision(15)), Math.abs(value)];
  return exact >= 1e-4 && exact < 1e9 ? String(short) : short.toExponential().replace(/(\.\d{9})\d*e/, '$1e');
};

/** How far a figure is off. */
export function offBy({ got, expected }: { got: number; expected: number }): string {
  if (got === expected) return 'exact';
  if (Number.isNaN(got)) return 'not a number';
  return `off by ${Math.abs(got - expected).toExponential(1)}`;
}

const SIGNS: Readonly<Record<string, string>> = {
  partial: '∂',
  nabla: '∇',
  infty: '∞',
  to: '→',
  int: '∫',
  sum: 'Σ',
  sqrt: '√',
  cdot: '·',
  times: '×',
  le: '≤',
  ge: '≥',
  alpha: 'α',
  beta: 'β',
  lambda: 'λ',
  pi: 'π',
  sigma: 'σ',
  Delta: 'Δ',
};

/** A formula in TeX as well as a terminal can show it. */
const plain = (text: string): string =>
  text.replace(/\$([^$]+)\$/g, (_, tex: string) =>
    tex
      .replace(/\\([A-Za-z]+) ?/g, (_, name: string) => SIGNS[name] ?? `${name} `)
      .replace(/\\[,;! ]/g, ' ')
      .replaceAll(/[{}]/g, ''),
  );

function lineText({ label, values, holds }: Line): string {
  const mark = holds ? '✓' : '✗';
  if (values === null) return `  ${mark} ${plain(label)}`;
  const figures = `${digits(values.got).padStart(22)}  expected ${digits(values.expected).padEnd(22)}`;
  return `  ${mark} ${plain(label).padEnd(44)} ${figures} ${offBy(values)}${holds ? '' : `, allowed ${values.allowed}`}`;
}

/** What an example reported, as text. */
export function outcomeText({ example }: Found, { entries, failure, seconds, passed }: Outcome): string {
  const lines = [`${passed ? '✓' : '✗'} ${example.id}  ${plain(example.title)}  (${seconds.toFixed(2)} s)`];
  for (const entry of entries) {
    if (entry.kind === 'line') lines.push(lineText(entry));
    if (entry.kind === 'picture') lines.push(`    picture: ${plain(entry.caption)}`);
    if (entry.kind === 'table') lines.push(...tableText(entry.head, entry.rows).map((line) => `    ${line}`));
  }
  if (failure !== null) lines.push(`  ✗ it threw: ${failure}`);
  return lines.join('\n');
}

function tableText(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? digits(cell) : plain(cell))),
  );
  const widths = head.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  return cells.map((row) => row.map((cell, i) => cell.padStart(widths[i] as number)).join('  '));
}

/** The last line. */
export function summary(outcomes: readonly Outcome[], broken: readonly Broken[]): string {
  const lines = outcomes.flatMap(({ entries }) => entries.filter((entry): entry is Line => entry.kind === 'line'));
  const wrong = lines.filter(({ holds }) => !holds).length;
  const threw = outcomes.filter(({ failure }) => failure !== null).length;
  const pictures = outcomes.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'picture')).length;
  const parts = [
    `${outcomes.length} examples`,
    `${lines.length - wrong} figures agree`,
    `${wrong} differ`,
    `${threw} failed`,
    `${pictures} pictures`,
  ];
  if (broken.length > 0) parts.push(`${broken.length} files could not be loaded`);
  return parts.join(', ');
}
