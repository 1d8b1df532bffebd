/**
 * What a run shows while it goes on: one line that renews itself on a terminal, a plain line now and then
 * in a file or a pipe.
 */
import type { History } from './trainer.ts';

/** Where it is written to. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const PLAIN_LINES = 20;
const MIN_REDRAW_MS = 100;
/** Losses of single batches jump; what is shown is their running mean over about this many steps. */
const SMOOTHING_STEPS = 20;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `1:02`, or `2:03:04` from an hour on. */
export function formatTime(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return ('█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]).padEnd(width);
}

export class Progress {
  readonly #screen: Screen;
  readonly #steps: number;
  readonly #charactersPerStep: number;
  readonly #colours: boolean;
  readonly #started = performance.now();
  #drawn = Number.NEGATIVE_INFINITY;
  #loss = Number.NaN;

  constructor(screen: Screen, steps: number, charactersPerStep: number, colours: boolean) {
    this.#screen = screen;
    this.#steps = steps;
    this.#charactersPerStep = charactersPerStep;
    this.#colours = colours;
  }

  /** Shows the state after a step. */
  update(history: History): void {
    const { step, loss } = history.train.at(-1) as { step: number; loss: number };
    this.#loss = step === 1 ? loss : this.#loss + (loss - this.#loss) / Math.min(step, SMOOTHING_STEPS);
    const last = step === this.#steps;
    if (this.#screen.isTTY === true) {
      if (!last && performance.now() - this.#drawn < MIN_REDRAW_MS) return;
      this.#drawn = performance.now();
      this.#draw(step, history);
    } else {
      const every = Math.max(1, Math.round(this.#steps / PLAIN_LINES));
      if (step === 1 || last || step % every === 0) this.#screen.write(`${this.#facts(step, history).join('  ')}\n`);
    }
  }

  /** Leaves the line as it is and goes on below it. */
  finish(): void {
    if (this.#screen.isTTY === true) this.#screen.write('\n');
  }

  #facts(step: number, history: History): string[] {
    const validation = history.validation.at(-1);
    const elapsed = (performance.now() - this.#started) / 1000;
    return [
      `step ${String(step).padStart(String(this.#steps).length)}/${this.#steps}`,
      `loss ${this.#loss.toFixed(3)}`,
      ...(validation === undefined ? [] : [`val ${validation.loss.toFixed(3)}`]),
      `${Math.round((step * this.#charactersPerStep) / history.seconds).toLocaleString('en')} chars/s`,
      `${formatTime((elapsed * (this.#steps - step)) / step)} left`,
    ];
  }

  #draw(step: number, history: History): void {
    // A line that wraps could not be drawn over.
    const columns = (this.#screen.columns ?? 80) - 1;
    const text = this.#facts(step, history).join('  ').slice(0, columns);
    const width = Math.min(30, columns - text.length - 3);
    let drawn = '';
    if (width >= 5) {
      const blocks = bar(step / this.#steps, width);
      drawn = `▕${this.#colours ? `\x1b[36m${blocks}\x1b[0m` : blocks}▏ `;
    }
    this.#screen.write(`\r\x1b[K${drawn}${text}`);
  }
}
