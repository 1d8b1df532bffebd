/** 16-bit floating point formats as they occur in files, widened to float32 without loss. */

/** Bit patterns to numbers. */
export type HalfFormat = (bits: Uint16Array) => Float32Array<ArrayBuffer>;

/** bfloat16 is the upper half of a float32. */
const bfloat16: HalfFormat = (bits) => new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits, exponent bias 15. */
const binary16: HalfFormat = (bits) =>
  Float32Array.from(bits, (b) => {
    const exponent = (b >> 10) & 31;
    const fraction = b & 1023;
    const sign = b >> 15 ? -1 : 1;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });

/** By their names in safetensors files. */
export const HALF_FORMATS: ReadonlyMap<string, HalfFormat> = new Map([
  ['BF16', bfloat16],
  ['F16', binary16],
]);
