/**
 * All elementwise ops. Their order numbers the opcodes. The rows are in `unary.ts`, `activations.ts`
 * and `binary.ts`; the limits by scalars are here.
 */
import type { ElementwiseRow } from '../formula.ts';
import { activations } from './activations.ts';
import { binary, ternary } from './binary.ts';
import { unary } from './unary.ts';

// Written with select, so that NaN stays NaN whatever the bound, and params may be called min and max.
const limits: readonly ElementwiseRow[] = [
  {
    kind: 'elementwise',
    name: 'clampMin',
    doc: 'The input, but at least `min`.',
    arity: 1,
    dtypes: 'number',
    f: 'select(lt(x, min), min, x)',
    params: { min: undefined },
    vjp: ['select(ge(x, min), g, k(0))'],
    domain: { ranges: [[-3, 3]], kinks: [0.5] },
    family: 'arithmetic',
  },
  {
    kind: 'elementwise',
    name: 'clampMax',
    doc: 'The input, but at most `max`.',
    arity: 1,
    dtypes: 'number',
    f: 'select(gt(x, max), max, x)',
    params: { max: undefined },
    vjp: ['select(le(x, max), g, k(0))'],
    domain: { ranges: [[-3, 3]], kinks: [0.5] },
    family: 'arithmetic',
  },
  {
    kind: 'elementwise',
    name: 'clamp',
    doc: 'The input limited to [`min`, `max`]; `max` wins where they cross. The bounds pass the gradient.',
    arity: 1,
    dtypes: 'number',
    f: 'low = select(lt(x, min), min, x); select(gt(low, max), max, low)',
    params: { min: undefined, max: undefined },
    vjp: ['select(both(ge(x, min), le(x, max)), g, k(0))'],
    domain: { ranges: [[-3, 3]], kinks: [0.5] },
    family: 'arithmetic',
  },
];

export const elementwise: readonly ElementwiseRow[] = [...unary, ...limits, ...activations, ...binary, ...ternary];
