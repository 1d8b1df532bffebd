/**
 * Finding the op at which numbers stop being numbers. While the mode is on, what recorded ops compute is looked at, and so is every
 * gradient on its way back; the first NaN is an error that names the op and the line that called it.
 */
import { callerLine } from '../compile/where.ts';
import { ArgumentError, AutogradError, describe, formatShape } from '../errors.ts';
import { ne } from '../generated/elementwise.ts';
import { NO_LEVELS, withLevels } from '../memory/lanes.ts';
import { scope } from '../memory/scope.ts';
import { amax } from '../ops/reduce.ts';
import { checkOptions } from '../tensor/options.ts';
import { numelOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { leaveLevel } from './lanes.ts';
import { duringCall, type Inspector, inspection, noGrad } from './mode.ts';
import { levelsOf } from './node.ts';

/** Options of `detectAnomaly`. */
export interface AnomalyOptions {
  /** Look at the results of ops too, not only at gradients; true by default. */
  forward?: boolean;
}

/** Whether any element, of any example, is NaN. */
function hasNaN(x: Tensor): boolean {
  if (!x.isFloatingPoint || numelOf(x) === 0) return false;
  return noGrad(() =>
    scope(() => {
      const whole = levelsOf(x).reduce<Tensor>((part, level) => leaveLevel(part, level, 0), x);
      return withLevels(NO_LEVELS, () => amax(ne(whole, whole)).item() !== 0);
    }),
  );
}

const inspectorFor = (forward: boolean): Inspector => ({
  made(name, outputs) {
    const where = callerLine();
    for (const output of outputs)
      if (forward && hasNaN(output))
        throw new AutogradError(name, `gave NaN in a result of shape ${formatShape(shapeOf(output))}${where}`);
    return where;
  },
  passed(op, { name, where }, grads) {
    for (const [i, grad] of grads.entries())
      if (grad !== null && hasNaN(grad))
        throw new AutogradError(
          op,
          `the gradient of '${name}' with respect to its input ${i}, of shape ${formatShape(shapeOf(grad))}, holds NaN; the op was called${where || ' outside detectAnomaly'}`,
        );
  },
});

/**
 * Runs `fn` while results and gradients of recorded ops are searched for NaN, which is slow and meant for finding mistakes (as
 * torch.autograd.detect_anomaly, which looks at gradients only).
 * @param fn what is to be watched, forward and backward; is done when it returns
 * @throws ArgumentError when `fn` is async or a generator; AutogradError naming the op, the shape and the line, at the first NaN. Inside `compile`, CompileError: elements are read.
 * @example
 * detectAnomaly(() => loss(model(x), y).backward());
 */
export function detectAnomaly<T>(fn: () => T, options?: AnomalyOptions): T {
  const op = 'detectAnomaly';
  const { forward = true } = checkOptions(op, options, ['forward']);
  if (typeof forward !== 'boolean') throw new ArgumentError(op, `forward is a boolean, got ${describe(forward)}`);
  return duringCall(op, inspection, inspectorFor(forward), fn);
}
