/**
 * Transforms beside what they are made of: forward mode against the function and its gradient, and everything that runs over many
 * examples at once against a loop.
 */
import {
  type BackendName,
  grad,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  randn,
  scope,
  setBackend,
  stack,
  type Tensor,
  valueAndGrad,
  vmap,
} from 'cotangent';
import { measure, type Row } from './measure.ts';

const EXAMPLES = 256;

export const title = 'Transforms: milliseconds a call';

export function run(backends: readonly BackendName[]): Row[] {
  return backends.flatMap((backend) => {
    setBackend(backend);
    return scope(() => rows(backend));
  });
}

function rows(backend: BackendName): Row[] {
  const [a, b] = [randn([64, 128]).mul(0.1), randn([16, 64]).mul(0.1)];
  const net = (x: Tensor) => b.matmul(a.matmul(x).tanh()).tanh();
  const loss = (x: Tensor) => net(x).square().sum();
  const x = randn([128]);
  const tangent = randn([128]);
  const many = randn([EXAMPLES, 128]);
  const ms = (fn: () => unknown) => measure(() => scope(() => void fn())) * 1000;
  const row = (name: string, value: number, to: string, base: number): Row => ({
    name: `${backend}: ${name}`,
    value,
    unit: 'ms',
    ratio: { to, value: value / base },
  });

  const forward = ms(() => net(x));
  const reverse = ms(() => valueAndGrad(loss)(x));
  const [, push] = linearize(net, x);
  const loop = ms(() => stack(many.unbind(0).map((one) => grad(loss)(one))));
  const basis = Array.from({ length: 16 }, (_, i) => (v: Tensor) => net(v).select(0, i));
  const rowByRow = ms(() => stack(basis.map((part) => grad(part)(x))));
  return [
    row('a network of two layers, forward', forward, 'itself', forward),
    row('value and gradient', reverse, 'forward', forward),
    row(
      'jvp',
      ms(() => jvp(net, x, tangent)),
      'forward',
      forward,
    ),
    row(
      'one more tangent, linearized',
      ms(() => push(tangent)),
      'forward',
      forward,
    ),
    row(`${EXAMPLES} gradients by a loop`, loop, 'one gradient', reverse),
    row(
      `${EXAMPLES} gradients by vmap`,
      ms(() => vmap(grad(loss))(many)),
      'the loop',
      loop,
    ),
    row('16 × 128 Jacobian, row by row', rowByRow, 'one gradient', reverse),
    row(
      '16 × 128 Jacobian, jacrev',
      ms(() => jacrev(net)(x)),
      'row by row',
      rowByRow,
    ),
    row(
      '16 × 128 Jacobian, jacfwd',
      ms(() => jacfwd(net)(x)),
      'row by row',
      rowByRow,
    ),
  ];
}
