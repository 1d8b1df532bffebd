/** Tensors to bytes and back. Runs anywhere; reading and writing files is left to the caller. */
export { decodeSafetensors, encodeSafetensors, readSafetensors, type Safetensors } from './safetensors.ts';
