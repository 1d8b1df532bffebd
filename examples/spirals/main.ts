/** The page: trains for a part of every frame, draws, and leaves the rest of the frame to the browser. */
import { backendInfo, fromArray } from 'cotangent';
import { drawCurve, drawPlane } from './draw.ts';
import { EDGE, Learner, makeSpirals } from './model.ts';

const SIDE = 100;
/** Of the 16 ms that a frame has. */
const TRAINING_MS = 9;
const FRAMES_PER_PLANE = 3;
const SEED = 7;
const MAX_STEPS = 6000;

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const [plane, curve] = [element<HTMLCanvasElement>('plane'), element<HTMLCanvasElement>('curve')];
const pauseButton = element<HTMLButtonElement>('pause');
const show = (id: string, text: string) => {
  element<HTMLOutputElement>(id).value = text;
};

const spirals = makeSpirals(SEED);
const points = spirals.points.data() as Float32Array;
const classes = spirals.classes.data() as Float32Array;
const grid = fromArray(
  Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) => {
    const cell = i >> 1;
    const along = i % 2 === 0 ? cell % SIDE : SIDE - 1 - Math.floor(cell / SIDE);
    return (((along + 0.5) / SIDE) * 2 - 1) * EDGE;
  }),
  [SIDE * SIDE, 2],
);

let learner = new Learner(spirals, SEED);
let losses: number[] = [];
let running = true;
let seed = SEED;
let frame = 0;
let trainedMs = 0;

function showFigures(): void {
  show('step', losses.length.toLocaleString('en'));
  show('loss', (losses.at(-1) ?? Number.NaN).toFixed(4));
  show('accuracy', `${(100 * learner.accuracy()).toFixed(1)} %`);
  show('speed', Math.round((1000 * losses.length) / trainedMs).toLocaleString('en'));
}

function draw(): void {
  drawPlane(plane, learner.probabilities(grid), SIDE, points, classes);
  drawCurve(curve, losses);
  showFigures();
}

function onFrame(): void {
  if (running) {
    const start = performance.now();
    while (performance.now() - start < TRAINING_MS && losses.length < MAX_STEPS) losses.push(learner.step());
    trainedMs += performance.now() - start;
    if (frame++ % FRAMES_PER_PLANE === 0 || losses.length === MAX_STEPS) draw();
    if (losses.length === MAX_STEPS) setRunning(false);
  }
  requestAnimationFrame(onFrame);
}

function setRunning(on: boolean): void {
  running = on;
  pauseButton.textContent = on ? 'Pause' : 'Go on';
  pauseButton.disabled = losses.length >= MAX_STEPS;
}

pauseButton.addEventListener('click', () => setRunning(!running));
element('restart').addEventListener('click', () => {
  learner = new Learner(spirals, ++seed);
  losses = [];
  trainedMs = 0;
  setRunning(true);
});
addEventListener('resize', draw);

const { backend, isa, threads, available } = backendInfo();
element('backend').textContent = [
  `backend  ${backend} (${isa}, ${threads} thread${threads === 1 ? '' : 's'})`,
  ...Object.entries(available).map(([name, { ok, reason }]) => `${name.padEnd(8)} ${ok ? 'available' : reason}`),
].join('\n');
onFrame();
