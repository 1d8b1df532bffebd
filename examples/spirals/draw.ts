/** The two pictures: the plane with the network's answers, and the loss curve. */
import { EDGE } from './model.ts';

const CLASS_COLOURS = [
  [47, 95, 208],
  [226, 107, 26],
] as const;
const GRID_COLOUR = '#e6e9f1';
const TEXT_COLOUR = '#667089';
const LINE_COLOUR = '#2f5fd0';

/** A canvas whose unit is a CSS pixel and whose pixels are the screen's. */
function prepare(canvas: HTMLCanvasElement): { context: CanvasRenderingContext2D; width: number; height: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = globalThis.devicePixelRatio;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height };
}

/** Between a class's colour and white: the surer the network, the stronger. */
function shade(p: number, channel: 0 | 1 | 2): number {
  const colour = CLASS_COLOURS[p < 0.5 ? 0 : 1][channel];
  const strength = 0.62 * Math.abs(2 * p - 1) ** 0.8;
  return 255 + (colour - 255) * strength;
}

const image = document.createElement('canvas');

/** `answers` holds probabilities on a square grid of `side` × `side` pixels, top row first. */
export function drawPlane(
  canvas: HTMLCanvasElement,
  answers: Float32Array,
  side: number,
  points: Float32Array,
  classes: Float32Array,
): void {
  const { context, width, height } = prepare(canvas);
  [image.width, image.height] = [side, side];
  const small = image.getContext('2d') as CanvasRenderingContext2D;
  const pixels = small.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const p = answers[i] as number;
    for (const channel of [0, 1, 2] as const) pixels.data[4 * i + channel] = shade(p, channel);
    pixels.data[4 * i + 3] = 255;
  }
  small.putImageData(pixels, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, width, height);

  context.lineWidth = 1.25;
  context.strokeStyle = '#fff';
  for (let i = 0; i < classes.length; i++) {
    const x = ((points[2 * i] as number) / EDGE + 1) * (width / 2);
    const y = (1 - (points[2 * i + 1] as number) / EDGE) * (height / 2);
    context.fillStyle = `rgb(${CLASS_COLOURS[classes[i] === 1 ? 1 : 0].join(' ')})`;
    context.beginPath();
    context.arc(x, y, 4, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

/** Losses from the first step on; long histories are drawn as means of neighbours. */
export function drawCurve(canvas: HTMLCanvasElement, losses: readonly number[]): void {
  const { context, width, height } = prepare(canvas);
  const [left, right, top, bottom] = [44, width - 14, 18, height - 28];
  context.clearRect(0, 0, width, height);
  context.font = '12px system-ui, sans-serif';
  const lowest = losses.reduce((a, b) => Math.min(a, b), 0.1);
  const [low, high] = [Math.floor(Math.log10(Math.max(lowest, 1e-6))), 0];
  const span = Math.max(losses.length, 200);
  const px = (step: number) => left + (step / span) * (right - left);
  const py = (loss: number) => top + ((high - Math.log10(Math.max(loss, 1e-6))) / (high - low)) * (bottom - top);

  context.lineWidth = 1;
  context.strokeStyle = GRID_COLOUR;
  context.fillStyle = TEXT_COLOUR;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (let power = high; power >= low; power--) {
    const y = py(10 ** power);
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(right, y);
    context.stroke();
    context.fillText(power === 0 ? '1' : (10 ** power).toFixed(-power), left - 8, y);
  }
  context.textBaseline = 'top';
  context.fillText(`${span.toLocaleString('en')} steps`, right, bottom + 8);
  context.textAlign = 'left';
  context.fillText('0', left, bottom + 8);

  const size = Math.max(1, Math.floor(losses.length / (right - left)));
  context.lineWidth = 2;
  context.lineJoin = 'round';
  context.strokeStyle = LINE_COLOUR;
  context.beginPath();
  for (let i = 0; i + size <= losses.length; i += size) {
    let sum = 0;
    for (let k = i; k < i + size; k++) sum += losses[k] as number;
    context.lineTo(px(i + size), py(sum / size));
  }
  context.stroke();
}
