/** How late timers are while compiled steps run on another thread. */
import { type BackendName, compile, setBackend } from 'cotangent';
import type { Row } from '../measure.ts';
import { gpt } from '../tasks.ts';

const INTERVAL_MS = 5;
const MEASURE_MS = 1500;

/** The largest lateness of an interval timer while `work` goes on, in milliseconds, and how often it came. */
async function lateness(work: () => Promise<void>): Promise<{ late: number; ticks: number }> {
  let [late, ticks, due] = [0, 0, performance.now() + INTERVAL_MS];
  const timer = setInterval(() => {
    const now = performance.now();
    late = Math.max(late, now - due);
    due = now + INTERVAL_MS;
    ticks++;
  }, INTERVAL_MS);
  await work();
  clearInterval(timer);
  // A timer that did not come at all is late, too.
  return { late: Math.max(late, performance.now() - due), ticks };
}

export async function timerRows(backend: BackendName): Promise<Row[]> {
  setBackend(backend);
  const { step, args } = gpt();
  const program = compile(step, { reuseOutputs: true });
  program(...args);
  await program.runAsync(...args);
  const idle = await lateness(() => new Promise((resolve) => setTimeout(resolve, MEASURE_MS)));
  let steps = 0;
  let stepMs = 0;
  const busy = await lateness(async () => {
    const start = performance.now();
    while (performance.now() - start < MEASURE_MS || steps < 3) {
      await program.runAsync(...args);
      steps++;
    }
    stepMs = (performance.now() - start) / steps;
  });
  program.dispose();
  return [
    {
      name: `${backend}: largest lateness of a ${INTERVAL_MS} ms timer during ${steps} GPT steps by runAsync (${busy.ticks} ticks)`,
      value: busy.late,
      unit: 'ms',
      ratio: { to: `a step of ${stepMs.toFixed(0)} ms`, value: busy.late / stepMs },
    },
    { name: `${backend}: the same while nothing runs (${idle.ticks} ticks)`, value: idle.late, unit: 'ms' },
  ];
}
