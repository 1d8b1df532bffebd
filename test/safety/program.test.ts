/** What a compiled function gives out of its programs is a look at them: no handle frees, binds or runs one. */
import { compile, DisposedError, ones, setBackend, type Tensor } from 'cotangent';
import { beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  const made = () => {
    const step = compile((x: Tensor) => x.mul(2).add(1), { profile: true });
    step(ones([3])).dispose();
    return step;
  };

  test('a program offers three looks and nothing else', () => {
    const step = made();
    for (const program of [step.program, ...step.programs]) {
      expect(Reflect.ownKeys(program).sort()).toEqual(['stats', 'toString', 'trace']);
      expect(Object.getPrototypeOf(program)).toBe(Object.prototype);
      expect(Object.isFrozen(program)).toBe(true);
    }
    expect(() => Object.assign(step, { program: null })).toThrow(TypeError);
    expect(() => Object.assign(step, { programs: [] })).toThrow(TypeError);
    step.dispose();
  });

  test('whatever is called by way of it, the next step is right', () => {
    const step = made();
    const { program } = step;
    step(ones([3])).dispose();
    for (const name of ['dispose', 'bind', 'run', 'runTimed', 'runAsync', 'constructor', 'heap', 'written', 'bound'])
      expect(Object.hasOwn(program, name)).toBe(false);
    expect(() => (program as unknown as Disposable & { dispose(): void }).dispose()).toThrow(TypeError);
    (step.programs as unknown[]).length = 0;
    const { traceEvents } = program.trace();
    traceEvents.length = 0;
    expect(program.trace().traceEvents.length).toBeGreaterThan(0);
    expect([...step(ones([3])).data()]).toEqual([3, 3, 3]);
    expect(step.recordings).toBe(1);
    step.dispose();
  });

  test('a look at a program that was freed is an error or what it was', () => {
    const step = made();
    const { program } = step;
    const text = program.toString();
    expect(text).toContain('add');
    step.dispose();
    expect(() => program.toString()).toThrow(DisposedError);
    expect(program.stats().recorded).toBeGreaterThan(0);
    expect([...step(ones([3])).data()]).toEqual([3, 3, 3]);
    step.dispose();
  });
});
