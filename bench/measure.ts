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
}

export function printRows(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  const width = Math.max(...rows.map((row) => row.name.length));
  for (const { name, value, unit, ratio } of rows) {
    const number = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
    const compared = ratio ? `   ${ratio.value.toPrecision(3)} × ${ratio.to}` : '';
    console.log(`  ${name.padEnd(width)}  ${number.padStart(9)} ${unit}${compared}`);
  }
}
