import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: '#platform', replacement: at('./src/backend/platform.node.ts') },
      { find: /^cotangent$/, replacement: at('./src/index.ts') },
      { find: /^cotangent\/(nn|optim|data|io|calculus|plot)$/, replacement: at('./src/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // One process a core; by default vitest leaves one idle, which is half of a small machine.
    maxWorkers: '100%',
    testTimeout: 60_000,
  },
});
