/** The page is built against `dist`, whose modules it names as sources for the sake of their types. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('.'),
  base: './',
  resolve: { alias: [{ find: /^(?:\.\.\/)+src\/(.*)\.ts$/, replacement: at('../../../dist/$1.js') }] },
  logLevel: 'warn',
  build: { outDir: at('../../../build/worker'), emptyOutDir: true, target: 'es2022' },
});
