/** A figure: traces, layout and frames as Plotly's JSON has them, and the ways out of the program. */
import { platform } from '#platform';
import { ArgumentError, describe } from '../errors.ts';
import { figurePage } from './page.ts';
import { saveFile } from './save.ts';
import type { Layout } from './template.ts';

/** A trace of a figure, as in Plotly's schema. */
export type Trace = Record<string, unknown>;

/** A frame of an animation, as in Plotly's schema. */
export interface Frame {
  name: string;
  data: Trace[];
  /** The traces that the frame's data take the place of; all of them by default. */
  traces?: number[];
  layout?: Layout;
}

/** The part of the Plotly library that `show` needs. */
export interface PlotlyLibrary {
  newPlot(element: unknown, figure: unknown): Promise<unknown>;
}

/** Options of `toHTML`. */
export interface HTMLOptions {
  /** The text of plotly.js, where the package plotly.js-dist-min cannot be read: in browsers. */
  plotly?: string;
}

/**
 * A figure in Plotly's JSON. What makes one (`curves`, `contour`, …) returns it; `data`, `layout` and `frames` may be changed before it is
 * saved.
 */
export class Figure {
  readonly data: Trace[];
  readonly layout: Layout;
  readonly frames: Frame[];

  constructor(data: Trace[], layout: Layout, frames: Frame[] = []) {
    this.data = data;
    this.layout = layout;
    this.frames = frames;
  }

  /** The figure as Plotly's JSON: `{ data, layout, frames }`, and how it behaves on a page as `config`. */
  toJSON(): { data: Trace[]; layout: Layout; frames: Frame[]; config: Record<string, unknown> } {
    const { data, layout, frames } = this;
    return { data, layout, frames, config: { responsive: layout.width === undefined, displaylogo: false } };
  }

  /**
   * A page that holds the figure and the Plotly library, and loads nothing.
   * @throws MissingDependencyError when the package plotly.js-dist-min is not there and `plotly` was not given.
   */
  async toHTML(options: HTMLOptions = {}): Promise<string> {
    return figurePage(this, options.plotly ?? (await platform.plotlySource()));
  }

  /**
   * Writes the figure: `.html` for a page that opens offline, `.json` for Plotly's JSON. The file appears whole or not at all. A browser
   * offers it for download.
   * @throws ArgumentError for any other ending, and when the file cannot be written.
   * @throws MissingDependencyError when a page is wanted and the package plotly.js-dist-min is not there.
   */
  async save(path: string): Promise<void> {
    await saveFile('save', path, { html: () => this.toHTML(), json: async () => `${JSON.stringify(this)}\n` });
  }

  /**
   * Draws the figure in an element of a page, with the Plotly library that was given or is loaded as `Plotly`.
   * @throws ArgumentError when there is none.
   */
  async show(element: unknown, library?: PlotlyLibrary): Promise<void> {
    const plotly = library ?? (globalThis as { Plotly?: PlotlyLibrary }).Plotly;
    if (typeof plotly?.newPlot !== 'function')
      throw new ArgumentError(
        'show',
        `wants the Plotly library as its second argument or as the global Plotly, got ${describe(plotly)}`,
      );
    await plotly.newPlot(element, JSON.parse(JSON.stringify(this)));
  }

  /** What Deno's Jupyter kernel shows: https://docs.deno.com/runtime/reference/cli/jupyter/ */
  [Symbol.for('Jupyter.display')](): Record<string, unknown> {
    return { 'application/vnd.plotly.v1+json': JSON.parse(JSON.stringify(this)) };
  }
}
