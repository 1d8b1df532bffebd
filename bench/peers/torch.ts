/** Runs trainings in PyTorch beside ours, where there is a Python that has it: $PYTHON, `python3`, `/usr/bin/python3`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { backendInfo } from 'cotangent';
import type { Found } from '../accuracy/errors.ts';
import type { Task } from '../tasks.ts';

const STEPS = 'torch_steps.py';
const CONV = 'torch_conv.py';
const ACCURACY = 'torch_accuracy.py';

/** What a script prints when it runs to its end. */
function call(python: string, script: string, args: readonly string[], errors: 'inherit' | 'ignore'): string | null {
  const threads = String(backendInfo().threads);
  const { status, stdout } = spawnSync(python, [join(import.meta.dirname, script), ...args, `--threads=${threads}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', errors],
    env: { ...process.env, OMP_NUM_THREADS: threads },
  });
  return status === 0 ? stdout : null;
}

/** A Python that has PyTorch, and what to know of the figures it will give. */
export interface Torch {
  python: string;
  version: string;
  /** Of a 512×512 matrix product. Builds with a reference BLAS are many times slower than others. */
  gflops: number;
}

/** The first Python that has PyTorch; null where there is none. */
export function findTorch(): Torch | null {
  for (const python of process.env.PYTHON ? [process.env.PYTHON] : ['python3', '/usr/bin/python3']) {
    const out = call(python, STEPS, ['probe'], 'ignore');
    if (out !== null) return { python, ...(JSON.parse(out) as Omit<Torch, 'python'>) };
  }
  return null;
}

/** The figures of a training. */
export interface PeerFigures {
  /** Of one step. */
  ms: number;
  first: number;
  last: number;
}

/** Trains in PyTorch, with as many threads as the current backend uses. @throws Error when that fails. */
export function runTorch(python: string, task: Task): PeerFigures {
  const { id, warmUp, rounds, perRound } = task;
  const counts = { 'warm-up': warmUp, rounds, 'per-round': perRound };
  const out = call(
    python,
    STEPS,
    [id, ...Object.entries(counts).map(([name, value]) => `--${name}=${value}`)],
    'inherit',
  );
  if (out === null) throw new Error(`bench: PyTorch could not run ${id}`);
  return JSON.parse(out) as PeerFigures;
}

/**
 * Milliseconds of a convolution in PyTorch: forward, gradient of the images, gradient of the filters.
 * @param settings N, C, H, W, filters, kernel, stride, padding, groups
 * @throws Error when that fails.
 */
export function runTorchConv(python: string, settings: readonly number[]): number[] {
  const out = call(python, CONV, settings.map(String), 'inherit');
  if (out === null) throw new Error(`bench: PyTorch could not run a convolution of ${settings.join(', ')}`);
  return JSON.parse(out) as number[];
}

/**
 * The largest errors of PyTorch's float32 kernels, over the numbers that ours are measured on.
 * @throws Error when that fails.
 */
export function torchErrors(python: string, step: number): Found[] {
  const out = call(python, ACCURACY, [String(step)], 'inherit');
  if (out === null) throw new Error('bench: PyTorch could not measure its errors');
  return JSON.parse(out, (_, value) => (value === 'inf' ? Number.POSITIVE_INFINITY : value)) as Found[];
}
