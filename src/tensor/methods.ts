/** How functions become methods: the first argument is the tensor itself. */
import { Tensor } from './tensor.ts';

/** The method that belongs to a function whose first argument is the tensor. */
export type Method<F> = F extends {
  (x: Tensor, ...rest: infer A): infer R;
  (x: Tensor, ...rest: infer B): infer S;
  (x: Tensor, ...rest: infer C): infer T;
}
  ? { (...rest: A): R; (...rest: B): S; (...rest: C): T }
  : F extends (x: never, ...rest: infer A) => infer R
    ? (...rest: A) => R
    : never;

/** @internal Puts functions on the prototype. */
export function installMethods(functions: Readonly<Record<string, (x: never, ...rest: never[]) => unknown>>): void {
  for (const [name, fn] of Object.entries(functions)) {
    const call = fn as (x: unknown, ...rest: unknown[]) => unknown;
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, ...rest: unknown[]) {
        return call(this, ...rest);
      },
      configurable: true,
      writable: true,
    });
  }
}
