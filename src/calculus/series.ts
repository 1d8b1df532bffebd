/**
 * @internal The limit of a sequence from its first terms, when it comes near too slowly by itself: Wynn's epsilon algorithm
 * for terms that approach in geometric steps of any ratio (P. Wynn, "On a device for computing the e_m(S_n) transformation",
 * MTAC 10, 1956), and Levin's u-transform for those that approach like a power of their number, or alternate (D. Levin,
 * "Development of non-linear transformations for improving convergence of sequences", Int. J. Comput. Math. B3, 1973, in the
 * form of E. J. Weniger, Computer Physics Reports 10, 1989, §7). Each gives a number, or NaN; whether to believe it is the caller's.
 */

/** The last even column of the epsilon table over all the terms. */
export function epsilon(terms: ArrayLike<number>): number {
  const n = terms.length;
  let before = new Float64Array(n + 1);
  let column = Float64Array.from(terms);
  let best = column[n - 1] as number;
  for (let k = 1; k < n; k++) {
    const next = new Float64Array(n - k);
    for (let i = 0; i < n - k; i++) {
      const step = (column[i + 1] as number) - (column[i] as number);
      // Neighbours that agree: this is the limit.
      if (step === 0) return k % 2 === 1 ? (column[i] as number) : best;
      next[i] = (before[i + 1] as number) + 1 / step;
    }
    before = column;
    column = next;
    if (k % 2 === 0) best = column[n - k - 1] as number;
  }
  return best;
}

/** Levin's u-transform of all the terms; `first` is the number of the first of them, at least 1. */
export function levin(terms: ArrayLike<number>, first: number): number {
  const n = terms.length - 2;
  if (n < 1) return Number.NaN;
  let [above, below] = [0, 0];
  let sign = 1;
  for (let j = 0; j <= n; j++) {
    const number = first + j;
    const step = (terms[j + 1] as number) - (terms[j] as number);
    if (step === 0) return terms[j + 1] as number;
    // The remainder after term j is taken to be like (j + first) · Δ; scaled so that powers stay in range.
    const weight = (sign * (number / (first + n)) ** (n - 1)) / (number * step);
    above += weight * (terms[j] as number);
    below += weight;
    sign *= -(n - j) / (j + 1);
  }
  return above / below;
}
