/** Figures of functions and tensors as Plotly JSON, and graphs of computations by Graphviz. */

export { type AnimationOptions, animation, type PathAnimationOptions, pathAnimation } from './animation.ts';
export { type Bars, type BarsOptions, bars, type HistogramOptions, histogram } from './bars.ts';
export { type ContourOptions, contour, gradientField } from './contour.ts';
export { type CurvesOptions, type CurveValues, curves } from './curves.ts';
export type { Function1, Function2 } from './evaluate.ts';
export { Figure, type Frame, type HTMLOptions, type PlotlyLibrary, type Trace } from './figure.ts';
export { type Gradients, gradientFlow } from './flow.ts';
export { Graph, type GraphOptions, graph } from './graph.ts';
export type { PlaneOptions } from './grid.ts';
export type { FigureOptions } from './options.ts';
export type { Overlay } from './overlay.ts';
export { type PolarValues, polar } from './polar.ts';
export { decisionRegions, type RegionsOptions } from './regions.ts';
export { type SurfaceOptions, surface } from './surface.ts';
export type { Points, Range, Values } from './values.ts';
