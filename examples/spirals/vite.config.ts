/** The page is built against the package as it is published: its own name resolves to `dist`, under browser conditions. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  resolve: {
    alias: [
      { find: /^cotangent$/, replacement: fromRoot('dist/index.js') },
      { find: /^cotangent\/(nn|optim|data|io)$/, replacement: fromRoot('dist/$1/index.js') },
    ],
  },
  build: { outDir: fromRoot('build/spirals'), emptyOutDir: true, target: 'es2022' },
  logLevel: 'warn',
});
