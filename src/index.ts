/**
 * cotangent: tensors and automatic differentiation for Node.js and browsers.
 * Everything public is re-exported here; `nn`, `optim`, `data` and `io` are sub-paths.
 */
import './generated/methods.ts';
import './autograd/methods.ts';
import './tensor/print.ts';

export { type AnomalyOptions, detectAnomaly } from './autograd/anomaly.ts';
export type { BackwardOptions, GradOptions } from './autograd/backward.ts';
export { backward } from './autograd/backward.ts';
export { type CustomFunction, customFunction, type FunctionContext } from './autograd/custom.ts';
export { grad, hvp, jvp, linearize, type TensorFunction, valueAndGrad, vjp } from './autograd/functional.ts';
export { type CheckedFunction, type GradcheckOptions, gradcheck, gradgradcheck } from './autograd/gradcheck.ts';
export { hessian, jacfwd, jacobian, jacrev } from './autograd/jacobians.ts';
export { enableGrad, isGradEnabled, noGrad } from './autograd/mode.ts';
export type { GradHook } from './autograd/node.ts';
export { type VmapOptions, vmap } from './autograd/vmap.ts';
export {
  type BackendInfo,
  type BackendName,
  backendInfo,
  emptyCache,
  getBackend,
  type InitOptions,
  init,
  type MemoryInfo,
  memory,
  setBackend,
  setNumThreads,
} from './backend/registry.ts';
export { type Compiled, type CompileOptions, compile } from './compile/compile.ts';
export type { AsyncOptions } from './compile/compiled.ts';
export type { Program, ProgramStats, TraceEvent } from './compile/view.ts';
export {
  ArgumentError,
  AutogradError,
  BackendError,
  CompileError,
  ConvergenceError,
  CotangentError,
  DisposedError,
  DTypeError,
  IndexError,
  MissingDependencyError,
  OutOfMemoryError,
  ShapeError,
  StateError,
} from './errors.ts';
export * from './generated/functions.ts';
export { keep, scope } from './memory/scope.ts';
export * from './ops/creation.ts';
export * from './random/index.ts';
export { type DType, isFloating, promoteTypes, type TypedArray } from './tensor/dtype.ts';
export { type NestedArray, Tensor, type TensorLike } from './tensor/tensor.ts';
