/** How benchmarks time things: warm up, then repeat in rounds and take the median round. */

/** Median seconds of one call of `fn`, over `rounds` rounds that last about `roundMs` each. */
export function measure(fn: () => void, { rounds = 9, roundMs = 40, warmupMs = 400 } = {}): number {
  const clock = () => performance.now();
  // V8 compiles in steps; what is timed before the last of them is the compiler.
  for (const start = clock(); clock() - start < warmupMs; ) fn();
  let calls = 1;
  for (;;) {
    const start = clock();
    for (let i = 0; i < calls; i++) fn();
    const ms = clock() - start;
    if (ms > roundMs / 2) break;
    calls = Math.max(calls + 1, Math.ceil((calls * roundMs) / Math.max(ms, 0.01) / 1.5));
  }
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = clock();
    for (let i = 0; i < calls; i++) fn();
    times.push((clock() - start) / calls / 1000);
  }
  return median(times);
}

/** A function that is timed beside others. */
export interface Timed {
  /** Does `n` steps. */
  run: (n: number) => void;
}

/**
 * Median seconds of one step of each function. They take turns, so that a machine that slows down slows them all. The event
 * loop has its turn in between, for the collector to tell what it took.
 */
export async function measureInTurn(fns: readonly Timed[], rounds: number, perRound: number): Promise<number[]> {
  const times = fns.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, { run }] of fns.entries()) {
      const start = performance.now();
      run(perRound);
      times[i]?.push((performance.now() - start) / perRound / 1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  return times.map(median);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/** One line of a report, also kept for the JSON. */
export interface Row {
  name: string;
  value: number;
  unit: string;
  /** What the value is compared with in the same run. */
  ratio?: { to: string; value: number };
  /** Rows of the same name that have columns are printed as one line of a table. */
  column?: string;
}

const format = (value: number): string =>
  Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(3);

/** A line per name, a column per column; what is missing is a dash. */
function printTable(rows: readonly Row[]): void {
  const names = [...new Set(rows.map(({ name }) => name))];
  const columns = [...new Set(rows.map(({ column }) => column as string))];
  const cell = (name: string, column: string) => {
    const row = rows.find((other) => other.name === name && other.column === column);
    return row === undefined ? '–' : `${format(row.value)} ${row.unit}`;
  };
  const lines = [['', ...columns], ...names.map((name) => [name, ...columns.map((column) => cell(name, column))])];
  const widths = ['', ...columns].map((_, k) => Math.max(...lines.map((line) => (line[k] as string).length)));
  for (const line of lines)
    console.log(
      `  ${line.map((text, k) => (k === 0 ? text.padEnd(widths[k] as number) : text.padStart(widths[k] as number))).join('  ')}`,
    );
}

export function printRows(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  const inTable = rows.filter(({ column }) => column !== undefined);
  const lines = rows.filter(({ column }) => column === undefined);
  if (inTable.length > 0) printTable(inTable);
  const width = Math.max(...lines.map((row) => row.name.length));
  for (const { name, value, unit, ratio } of lines) {
    const number = format(value);
    const compared = ratio ? `   ${ratio.value.toPrecision(3)} × ${ratio.to}` : '';
    console.log(`  ${name.padEnd(width)}  ${number.padStart(9)} ${unit}${compared}`);
  }
}
