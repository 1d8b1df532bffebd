/** Digits drawn from a pixel font: moved, blurred, of uneven strength, with noise. */
import { cat, fromArray, Generator, rand, randint, randn, type Tensor } from 'cotangent';

// 5 × 7 pixels a digit, '#' for ink.
const FONT = [
  ' ### #   ##   ##   ##   ##   # ### ',
  '  #   ##    #    #    #    #   ### ',
  ' ### #   #    #   #   #   #   #####',
  ' ### #   #    #  ##     ##   # ### ',
  '   #   ##  # # #  # #####   #    # ',
  '######    ####     #    ##   # ### ',
  ' ### #    #    #### #   ##   # ### ',
  '#####    #   #   #   #    #    #   ',
  ' ### #   ##   # ### #   ##   # ### ',
  ' ### #   ##   # ####    #    # ### ',
];
const [FONT_WIDTH, FONT_HEIGHT, SIDE] = [5, 7, 8];

/** Ink of digit `digit`, moved by (dx, dy), at pixel (x, y). */
function ink(digit: number, x: number, y: number, dx: number, dy: number): number {
  const [column, row] = [x - dx, y - dy];
  const inside = column >= 0 && column < FONT_WIDTH && row >= 0 && row < FONT_HEIGHT;
  return inside && (FONT[digit] as string)[row * FONT_WIDTH + column] === '#' ? 1 : 0;
}

/** `n` digits: pixels `[n, 64]` from 0 to about 1, labels `[n]`. */
export function drawDigits(n: number, seed: number): { pixels: Tensor; labels: Tensor } {
  const generator = new Generator(seed);
  const labels = randint(0, 10, [n], { generator });
  const digits = labels.data();
  const dx = randint(0, SIDE - FONT_WIDTH + 1, [n], { generator }).data();
  const dy = randint(0, SIDE - FONT_HEIGHT + 1, [n], { generator }).data();
  const drawn = new Float32Array(n * SIDE * SIDE);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < SIDE * SIDE; p++)
      drawn[i * SIDE * SIDE + p] = ink(Number(digits[i]), p % SIDE, Math.floor(p / SIDE), Number(dx[i]), Number(dy[i]));

  const sharp = fromArray(drawn, [n, SIDE, SIDE]);
  // Each pixel keeps most of its ink and lends some to its right neighbour.
  const moved = cat([sharp.narrow(2, SIDE - 1, 1).mul(0), sharp.narrow(2, 0, SIDE - 1)], 2);
  const strength = rand(n, 1, { generator }).mul(0.5).add(0.5);
  const noise = randn(n, SIDE * SIDE, { generator }).mul(0.1);
  const pixels = sharp
    .mul(0.75)
    .add(moved.mul(0.25))
    .reshape(n, SIDE * SIDE)
    .mul(strength)
    .add(noise)
    .clamp(0, 1);
  return { pixels, labels };
}
