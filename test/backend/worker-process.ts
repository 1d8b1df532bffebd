/** A program of its own for worker.test.ts: its last act is to wait for a worker. */
import { instantiateWasm } from '../../src/backend/wasm.ts';
import { ABI } from '../../src/program/abi.ts';

const { backend } = instantiateWasm();
const region = backend?.reserve(64);
if (backend && region) {
  new Int32Array(backend.bufferOf(region), region.byteOffset, ABI.HEADER_WORDS).fill(0);
  const spans = [{ address: region.address, bytes: region.bytes, written: false }];
  backend.executeAsync(region, ABI.HEADER_WORDS, 1, spans).then((status) => console.log('done', status));
}
