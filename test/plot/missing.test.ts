/** Without the optional packages, figures and graphs say what to install, and what can be had without them. */
import { MissingDependencyError, tensor } from 'cotangent';
import { graph } from 'cotangent/plot';
import { expect, test, vi } from 'vitest';

vi.mock('@viz-js/viz', () => {
  throw new Error("Cannot find package '@viz-js/viz'");
});

test('plotly.js', async () => {
  vi.doMock('node:module', () => ({
    createRequire: () => ({
      resolve(name: string) {
        throw new Error(`Cannot find module '${name}'`);
      },
    }),
  }));
  // The platform that is loaded already knows the real module.
  vi.resetModules();
  try {
    const { platform } = await import('../../src/backend/platform.node.ts');
    const failure = await platform.plotlySource().then(
      () => null,
      (error: Error) => error,
    );
    expect(failure?.name).toBe('MissingDependencyError');
    expect(failure?.message).toContain(
      'toHTML: pages need the package plotly.js-dist-min: npm install plotly.js-dist-min',
    );
  } finally {
    vi.doUnmock('node:module');
    vi.resetModules();
  }
});

test('Graphviz', async () => {
  const drawing = graph(tensor(1, { requiresGrad: true }).exp());
  expect(drawing.dot).toContain('exp');
  await expect(drawing.toSVG()).rejects.toThrow(MissingDependencyError);
  await expect(drawing.toSVG()).rejects.toThrow('npm install @viz-js/viz');
});
