/** What every function refuses: results that are no float64 tensors of the right shape, NaN, detached results, integer points, empty ranges. */
import {
  ArgumentError,
  AutogradError,
  type CotangentError,
  DTypeError,
  ShapeError,
  type Tensor,
  tensor,
} from 'cotangent';
import * as calculus from 'cotangent/calculus';
import { describe, expect, test } from 'vitest';

type Any = (...args: never[]) => Tensor;
const of = (f: Any) => f as (...args: Tensor[]) => Tensor;
const square = (v: Tensor) => v.square().sum();

/** Functions of calculus that take an elementwise function. */
const elementwise: Record<string, (f: Any) => unknown> = {
  limit: (f) => calculus.limit(of(f), 1),
  derivative: (f) => calculus.derivative(of(f))(2),
  taylor: (f) => calculus.taylor(of(f), 2, 2),
  integrate: (f) => calculus.integrate(of(f), 0, 1),
  difference: (f) => calculus.difference(of(f), 2),
  findRoots: (f) => calculus.findRoots(of(f), [0, 1]),
  monotonicity: (f) => calculus.monotonicity(of(f), [0, 1]),
  convexity: (f) => calculus.convexity(of(f), [0, 1]),
  stationaryPoints: (f) => calculus.stationaryPoints(of(f), [0, 1]),
};
/** Functions of calculus that take a function of two variables with one value. */
const scalar: Record<string, (f: Any) => unknown> = {
  gradient: (f) => calculus.gradient(of(f), [1, 2]),
  partial: (f) => calculus.partial(of(f), 0)(1, 2),
  directionalDerivative: (f) => calculus.directionalDerivative(of(f), [1, 2], [1, 0]),
  hessian: (f) => calculus.hessian(of(f), [1, 2]),
  laplacian: (f) => calculus.laplacian(of(f), [1, 2]),
  totalDifferential: (f) => calculus.totalDifferential(of(f), [1, 2], [0.1, 0.1]),
  lagrange: (f) => calculus.lagrange(of(f), (x, y) => x.add(y as Tensor).sub(1), [1, 2]),
  stationaryPoints: (f) =>
    calculus.stationaryPoints(of(f), [
      [0, 1],
      [0, 1],
    ]),
  limit: (f) => calculus.limit(of(f), [1, 2]),
};
const all = [
  ...Object.entries(elementwise),
  ...Object.entries(scalar),
  ['jacobian', (f: Any) => calculus.jacobian(of(f), [1, 2])] as const,
];
/** Those that need derivatives. */
const differentiating = all.filter(([name]) => !['limit', 'integrate', 'difference'].includes(name));

function expectError(
  run: () => unknown,
  name: string,
  type: new (...args: never[]) => CotangentError,
  says: RegExp,
): void {
  let caught: unknown;
  try {
    run();
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(type);
  expect((caught as CotangentError).message).toMatch(new RegExp(`^${name}: `));
  expect((caught as CotangentError).message).toMatch(says);
}

describe.each(all)('%s refuses', (name, run) => {
  test('what is no function', () => {
    expectError(() => run(3 as unknown as Any), name, ArgumentError, /wants a function of tensors, got 3/);
  });
  test('a function that returns no tensor', () => {
    expectError(() => run((() => 3) as unknown as Any), name, ArgumentError, /returned 3; it has to return a tensor/);
  });
  test('a function that returns integers', () => {
    const f = (x: Tensor) => x.to({ dtype: 'int64' });
    expectError(() => run(f as Any), name, DTypeError, /returned int64, wants float64/);
  });
  test('a function that falls back to float32', () => {
    const f = (x: Tensor) => x.to({ dtype: 'float32' });
    expectError(() => run(f as Any), name, DTypeError, /returned float32: it was called with float64/);
  });
  test('NaN', () => {
    const f = (x: Tensor) => x.mul(Number.NaN);
    expectError(() => run(f as Any), name, ArgumentError, /NaN/);
  });
});

test.each(Object.entries(elementwise))('%s refuses a function that is not elementwise', (name, run) => {
  const f = (x: Tensor) => x.add(tensor([1, 2, 3], { dtype: 'float64' }).reshape(3, 1));
  expectError(() => run(f as Any), name, ShapeError, /works elementwise/);
});

test.each(Object.entries(scalar))('%s refuses a function with several values', (name, run) => {
  const f = (x: Tensor) => x.mul(tensor([1, 2, 3], { dtype: 'float64' }));
  expectError(() => run(f as Any), name, ShapeError, /one value/);
});

describe.each(differentiating)('%s refuses to differentiate', (name, run) => {
  test('a detached result', () => {
    const f = (x: Tensor) => x.detach().square().add(x.detach());
    expectError(() => run(f as Any), name, AutogradError, /cut off from its input/);
  });
});

test('a result made of a number that was read', () => {
  const f = (x: Tensor, y: Tensor) => tensor(x.item() * y.item(), { dtype: 'float64' });
  expectError(() => calculus.gradient(of(f as Any), [1, 2]), 'gradient', AutogradError, /cut off/);
  expectError(() => calculus.lagrange(of(f as Any), (x) => x, [1, 2]), 'lagrange', AutogradError, /cut off/);
  const half = (x: Tensor, y: Tensor) => x.mul(y.item());
  expectError(() => calculus.gradient(of(half as Any), [1, 2]), 'gradient', AutogradError, /cut off/);
});

test('a derivative that is NaN where the function is not', () => {
  expectError(
    () => calculus.derivative((x) => x.square().sqrt())(0),
    'derivative',
    ArgumentError,
    /derivative 1 .* NaN at 0/,
  );
  expectError(
    () => calculus.gradient((v) => v.square().sum().sqrt(), tensor([0, 0], { dtype: 'float64' })),
    'gradient',
    ArgumentError,
    /the gradient is NaN at \(0, 0\)/,
  );
});

test('integer points', () => {
  const whole = tensor([1, 2], { dtype: 'int64' });
  expectError(() => calculus.gradient(square, whole), 'gradient', DTypeError, /wants floats, got a tensor of int64/);
  expectError(() => calculus.hessian(square, whole), 'hessian', DTypeError, /int64/);
  expectError(() => calculus.derivative((x) => x)(whole), 'derivative', DTypeError, /int64/);
  expectError(() => calculus.numericGradient(square, whole), 'numericGradient', DTypeError, /int64/);
  expectError(() => calculus.lagrange(square, square, whole), 'lagrange', DTypeError, /int64/);
});

test('points that are none', () => {
  expectError(
    () => calculus.gradient(square, [1, Number.NaN]),
    'gradient',
    ArgumentError,
    /the point is a finite number, got NaN/,
  );
  expectError(() => calculus.gradient(square, []), 'gradient', ShapeError, /the point is empty/);
  expectError(() => calculus.gradient(square, 'here' as unknown as number), 'gradient', ArgumentError, /got "here"/);
  expectError(() => calculus.gradient(square, tensor([[1, 2]])), 'gradient', ShapeError, /wants a vector/);
  expectError(() => calculus.totalDifferential(square, [1, 2], [1]), 'totalDifferential', ShapeError, /1 components/);
});

test.each(['findRoots', 'monotonicity', 'convexity', 'stationaryPoints'] as const)(
  '%s refuses empty ranges',
  (name) => {
    const run = calculus[name] as (f: (x: Tensor) => Tensor, range: [number, number]) => unknown;
    const f = (x: Tensor) => x.square();
    expectError(() => run(f, [1, 1]), name, ArgumentError, /the range \[1, 1\] is empty/);
    expectError(() => run(f, [2, 1]), name, ArgumentError, /empty/);
    expectError(() => run(f, [0, Number.NaN]), name, ArgumentError, /finite number, got NaN/);
    expectError(() => run(f, 3 as unknown as [number, number]), name, ArgumentError, /range|region/);
  },
);

test('ranges of integrals', () => {
  const f = (x: Tensor) => x;
  const oo = Number.POSITIVE_INFINITY;
  expectError(() => calculus.integrate(f, 0, Number.NaN), 'integrate', ArgumentError, /upper bound .* got NaN/);
  expectError(() => calculus.integrate(f, '0' as unknown as number, 1), 'integrate', ArgumentError, /lower bound/);
  expectError(() => calculus.integrate(f, oo, oo), 'integrate', ArgumentError, /empty/);
  expectError(() => calculus.integrate2(f, [0, Number.NaN], [0, 1]), 'integrate2', ArgumentError, /got NaN/);
  expectError(
    () => calculus.integrate2(f, [0, 1], [0] as unknown as [number, number]),
    'integrate2',
    ArgumentError,
    /range of y/,
  );
  expectError(() => calculus.integrate(f, 0, 1, { tol: 0 }), 'integrate', ArgumentError, /tol is a positive number/);
});

test('constraints that are none', () => {
  expectError(() => calculus.lagrange(square, [], [1, 2]), 'lagrange', ArgumentError, /a constraint or a list/);
  expectError(
    () => calculus.lagrange(square, [3 as unknown as typeof square], [1, 2]),
    'lagrange',
    ArgumentError,
    /wants a function/,
  );
});

test.each<[name: string, call: (options: never) => unknown]>([
  ['difference', (options) => calculus.difference((x) => x, 1, options)],
  ['numericGradient', (options) => calculus.numericGradient((x) => x.sum(), tensor([1]), options)],
  ['findRoots', (options) => calculus.findRoots((x) => x, [-1, 1], options)],
  ['limit', (options) => calculus.limit((x) => x, 0, options)],
  ['stationaryPoints', (options) => calculus.stationaryPoints((x) => x.square(), [-1, 1], options)],
  [
    'lagrange',
    (options) =>
      calculus.lagrange(
        (x) => square(x),
        (x) => x.sub(1),
        [1],
        options,
      ),
  ],
  ['integrate', (options) => calculus.integrate((x) => x, 0, 1, options)],
])('options of %s that are none', (name, call) => {
  const junk = [null, 1, [], new Float32Array(1), tensor(1), Object.create(Object.getPrototypeOf(tensor(1))), { x: 1 }];
  for (const options of junk) expectError(() => call(options as never), name, ArgumentError, /option/);
  // Each option is read once.
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expectError(() => call(proxy as never), name, ArgumentError, /option/);
});
