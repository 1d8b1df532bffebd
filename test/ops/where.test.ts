/** `where` picks every element by itself, in every item size and whatever is left over behind whole vectors. */
import { expect, test } from 'vitest';
import { tensor, where } from '../../src/index.ts';
import { backends } from '../support/backends.ts';
import { random } from '../support/samples.ts';

test.each(
  backends.flatMap((backend) =>
    (['float32', 'float64', 'int32', 'int64', 'uint8'] as const).map((dtype) => [backend, dtype] as const),
  ),
)('on %s in %s', (backend, dtype) => {
  const next = random(7);
  for (const size of [1, 2, 3, 4, 5, 7, 16, 19, 515]) {
    const pick = Array.from({ length: size }, () => next() < 0.5);
    const x = tensor(
      pick.map((_, i) => i % 100),
      { dtype, backend },
    );
    const y = tensor(
      pick.map((_, i) => 100 + (i % 100)),
      { dtype, backend },
    );
    const got = where(tensor(pick, { dtype: 'bool', backend }), x, y);
    expect(Array.from(got.data() as Iterable<number | bigint>, Number)).toEqual(
      pick.map((first, i) => (i % 100) + (first ? 0 : 100)),
    );
  }
});
