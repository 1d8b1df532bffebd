/**
 * The worker thread where the library runs from its sources, in tests and benchmarks: a thread does not inherit what
 * compiles TypeScript in the others.
 */
import { register } from 'tsx/esm/api';

register();
await import('../src/backend/worker.node.ts');
