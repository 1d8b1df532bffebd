/** `tensor.backward()`, the one method that is not an op. */
import { installMethods, type Method } from '../tensor/methods.ts';
import { backward } from './backward.ts';

declare module '../tensor/tensor.ts' {
  interface Tensor {
    /** Computes the gradients of this tensor with respect to all leaves it depends on, and adds them to their `.grad`. */
    backward: Method<typeof backward>;
  }
}

installMethods({ backward });
