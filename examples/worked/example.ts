/** What a worked example is: a problem, its mathematics in a few sentences, and a function that reports figures and pictures. */
import type { Figure, Graph } from 'cotangent/plot';

/** How far a figure may be from what was expected. */
export interface Tolerance {
  /** Largest difference. */
  absolute?: number;
  /** Largest difference as a fraction of what was expected. */
  relative?: number;
}

/** A cell of a table. */
export type Cell = string | number;

/** What an example reports while it runs. */
export interface Report {
  /** The backend that the example runs on. */
  readonly backend: 'native' | 'wasm';
  /** A figure beside the one that was expected; relative 1e-6 unless a tolerance says otherwise. NaN never agrees. */
  figure(label: string, got: number, expected: number, tolerance?: Tolerance): void;
  /** Something that holds or does not. */
  check(label: string, holds: boolean): void;
  /** A sentence for the reader, with formulas in TeX between dollar signs. */
  note(text: string): void;
  /** A table. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void;
  /** A picture with its caption. */
  picture(picture: Figure | Graph, caption: string): void;
}

/** One problem. */
export interface WorkedExample {
  /** Its number in the collection: 'A1'. */
  id: string;
  title: string;
  /** The mathematics in a few sentences, with formulas in TeX between dollar signs; paragraphs are parted by empty lines. */
  text: string;
  run(report: Report): void | Promise<void>;
}
