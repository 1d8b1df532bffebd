/** What users see of a program: they can look at it, and nothing they do to it reaches what runs. */
import type { Cost } from './cost.ts';

/** What `stats()` counts. */
export interface ProgramStats extends Cost {
  /** Instructions that were recorded, and that are left. */
  recorded: number;
  instructions: number;
  /** Records of the program: groups and updates count as one. */
  records: number;
  /** Groups of elementwise instructions among them. */
  groups: number;
  arenaBytes: number;
  /** What the temporaries would take without sharing memory. */
  temporaryBytes: number;
}

/** One event of a trace. */
export interface TraceEvent {
  name: string;
  cat: string;
  ph: 'X';
  /** Microseconds. */
  ts: number;
  dur: number;
  pid: number;
  tid: number;
  args: Record<string, string | number>;
}

/** A look at the program of a compiled function. */
export interface Program {
  stats(): ProgramStats;
  /** The records of the last timed run in the format of Chrome's tracing. */
  trace(): { traceEvents: TraceEvent[]; displayTimeUnit: 'ns' };
  /**
   * The disassembled program.
   * @throws DisposedError once the program is freed: by the function's `dispose`, or because newer ones took its place.
   */
  toString(): string;
}
