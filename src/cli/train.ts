#!/usr/bin/env node
/** The process around the main job: arguments, signals, colours, exit code. The job itself is `main.ts`. */
import { main } from './main.ts';

// npm passes on the SIGINT that the terminal has sent to the whole group already; the two come together.
const SAME_KEYSTROKE_MS = 250;
const INTERRUPTED = 130;

let interruptedAt: number | null = null;
process.on('SIGINT', () => {
  const now = performance.now();
  if (interruptedAt === null) {
    interruptedAt = now;
    process.stderr.write('\nstopping after this step; Ctrl-C again to stop at once\n');
  } else if (now - interruptedAt > SAME_KEYSTROKE_MS) process.exit(INTERRUPTED);
});
// A reader that goes away (`npm start | head`) ends the output, not the run's results.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const { NO_COLOR, TERM } = process.env;
process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  colours: process.stdout.isTTY === true && !NO_COLOR && TERM !== 'dumb',
  stop: () => interruptedAt !== null,
});
