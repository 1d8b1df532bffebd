/** C12: what there is to compute on, and the gradient of Σ x² on it, numerically and automatically. */
import { backendInfo, CotangentError, grad, linspace, setBackend, type Tensor } from 'cotangent';
import { numericGradient } from 'cotangent/calculus';
import type { WorkedExample } from './example.ts';

const text = String.raw`
The gradient of $f(x) = \sum_i x_i^2$ is $2x$. Its numeric gradient takes two values of $f$ per variable, all in one
batched call, its automatic gradient one pass forward and one backward, whatever the number of variables.

An accelerator pays where the arithmetic outweighs the way there and back. This library computes on the processor: with C++
kernels in Node, with WebAssembly in browsers. It has no kernels for graphics processors, whether or not the machine has one,
and says so rather than pretending.`;

/** What the library answers to `setBackend(name)`; null if it accepts. */
function refusal(name: string): string | null {
  try {
    setBackend(name as 'native');
    return null;
  } catch (error) {
    if (error instanceof CotangentError) return error.message;
    throw error;
  }
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C12',
    title: 'An accelerator, where there is one',
    text,
    run(report) {
      const { backend, isa, threads, available } = backendInfo();
      const webgpu = 'gpu' in (globalThis.navigator ?? {});
      const message = refusal('webgpu');
      report.table(
        ['device', 'is it there?', 'can the library use it?'],
        [
          ...Object.entries(available).map(([name, { ok, reason }]) => [
            `processor, ${name}`,
            'yes',
            ok ? 'yes' : `no: ${reason}`,
          ]),
          ['graphics processor, WebGPU', webgpu ? 'yes' : 'not offered by this runtime', `no: ${message}`],
        ],
      );
      report.check(
        'there is no backend for an accelerator, and asking for one is an error that says so',
        message !== null,
      );
      report.note(
        `No accelerator is used. What follows was computed on the ${backend} backend (${isa}, threads: ${threads}).`,
      );

      const f = (x: Tensor) => x.square().sum();
      const x = linspace(-3, 3, 100, { dtype: 'float64' });
      const exact = x.mul(2);
      const distance = (gradient: Tensor) => gradient.sub(exact).abs().amax().item();
      report.figure('automatic gradient: largest error', distance(grad(f)(x)), 0, { absolute: 0 });
      // A central difference of a quadratic has no truncation error, so a large step does, and rounds less.
      const numeric = numericGradient(f, x, { method: 'central', step: 0.1 });
      report.figure('numeric gradient: largest error', distance(numeric), 0, { absolute: 1e-11 });
    },
  },
];
