/**
 * C's pow for one pair of numbers. AssemblyScript's follows ECMAScript, where 1 to the power of
 * NaN and ±1 to the power of an infinity are NaN; C, PyTorch and our native backend say 1.
 */
export function powC(x: f64, y: f64): f64 {
  if (x == 1 || (x == -1 && abs<f64>(y) == Infinity)) return 1;
  return NativeMath.pow(x, y);
}
