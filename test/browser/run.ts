/**
 * `npm run test:browser`: builds pages from the built package, serves them under a strict content security policy, and
 * watches them in a real browser: spirals trains in the page, worker runs a program on a worker, scripts are a classic and a
 * service worker. A saved figure opens offline. Leaves a picture in `build/browser/spirals.png`.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { contour } from 'cotangent/plot';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { serve } from './server.ts';

const EXECUTABLE = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Chance is ln 2 ≈ 0.69; the network separates the spirals when it is far below. */
const LOSS_BOUND = 0.1;
const PATIENCE_MS = 90_000;

let passed = 0;
let failed = 0;
function check(what: string, holds: boolean, detail = ''): void {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? '✓' : '✗'} ${what}${detail === '' ? '' : `: ${detail}`}`);
}

const figure = async (page: Page, id: string): Promise<number> =>
  Number((await page.locator(`#${id}`).textContent())?.replaceAll(/[, %]/g, ''));

/** How many colours a canvas shows: an empty one has one. */
const colours = (page: Page, id: string): Promise<number> =>
  page.locator(`#${id}`).evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const context = (canvas as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D;
    return new Set(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)).size;
  });

/** Everything that a page has to complain about, as it comes. */
async function listen(page: Page): Promise<string[]> {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return complaints;
}

async function watchSpirals(page: Page, url: string): Promise<void> {
  const response = await page.goto(url);
  const policy = response?.headers()['content-security-policy'] ?? '';
  check('the page is served under the policy', policy.includes("default-src 'none'"));

  await page.waitForFunction(() => Number(document.getElementById('loss')?.textContent) > 0);
  const first = await figure(page, 'loss');
  const below = (bound: number) => Number(document.getElementById('loss')?.textContent) < bound;
  await page.waitForFunction(below, LOSS_BOUND, { timeout: PATIENCE_MS }).catch(() => {});
  const loss = await figure(page, 'loss');
  check(`the loss falls below ${LOSS_BOUND}`, loss < LOSS_BOUND, `from ${first} to ${loss}`);
  const accuracy = await figure(page, 'accuracy');
  const progress = `${await figure(page, 'step')} steps, ${await figure(page, 'speed')} steps/s`;
  check('the spirals are told apart', accuracy > 95, `${accuracy} % correct after ${progress}`);

  const info = (await page.locator('#backend').textContent()) ?? '';
  check('it runs on WebAssembly', info.startsWith('backend  wasm (simd128'), info.split('\n')[0]);
  for (const id of ['plane', 'curve']) check(`the ${id} is drawn`, (await colours(page, id)) > 10);

  await page.locator('#pause').click();
  await page.screenshot({ path: fromRoot('build/browser/spirals.png'), fullPage: true });
  const step = await figure(page, 'step');
  await page.waitForTimeout(300);
  check('Pause holds the training', (await figure(page, 'step')) === step);
  await page.locator('#restart').click();
  const restarted = (before: number) =>
    Number(document.getElementById('step')?.textContent?.replaceAll(',', '')) < before;
  await page.waitForFunction(restarted, step);
  check('Start over starts over', true);
}

async function watchWorker(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(() => document.getElementById('result')?.textContent !== '', undefined, {
    timeout: PATIENCE_MS,
  });
  const result = (await page.locator('#result').textContent()) ?? '';
  check('a worker computes what the page computes, which goes on meanwhile', result === 'correct, responsive', result);
}

async function watchScripts(page: Page, url: string): Promise<void> {
  await page.goto(url);
  const answer = async (id: string): Promise<string> => {
    const locator = page.locator(`#${id}`);
    await page.waitForFunction((name) => document.getElementById(name)?.textContent !== '', id, {
      timeout: PATIENCE_MS,
    });
    return (await locator.textContent()) ?? '';
  };
  const classic = await answer('classic');
  check('a classic worker trains, and starts a worker of its own', classic === 'wasm, learned, true', classic);
  const service = await answer('service');
  const refusal = /^wasm, learned, BackendError: runAsync: .*there are no workers here/;
  check('a service worker trains, and says that it has no workers', refusal.test(service), service);
}

/** Bundles without modules, in which `import.meta` does not exist. */
async function buildScripts(): Promise<void> {
  const [from, to] = [fromRoot('test/browser/scripts'), fromRoot('build/scripts')];
  await mkdir(to, { recursive: true });
  // Without the paths of the repository's own tsconfig, so that the built package is what is bundled.
  const options = ['--bundle', '--format=iife', '--platform=browser', '--tsconfig-raw={}', `--outdir=${to}`];
  const entries = ['page', 'task'].map((name) => `${name}=${from}/${name}.ts`);
  await promisify(execFile)(
    fromRoot('node_modules/.bin/esbuild'),
    [...options, ...entries, 'worker=cotangent/worker'],
    {
      cwd: from,
    },
  );
  await copyFile(`${from}/index.html`, `${to}/index.html`);
}

const buildPage = (config: string) => async (): Promise<void> => {
  await build({ configFile: fromRoot(config) });
};

/** A saved figure draws itself with the network cut off. */
async function watchFigure(browser: Browser): Promise<void> {
  const path = fromRoot('build/browser/figure.html');
  const range = { x: [-5, 5], y: [-5, 5] } as const;
  await contour((x: number, y: number) => x * x + y, { ...range, marks: { origin: [0, 0] } }).save(path);
  const page = await browser.newPage({ viewport: { width: 800, height: 700 } });
  await page.context().setOffline(true);
  const complaints = await listen(page);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const url = pathToFileURL(path).href;
  await page.goto(url);
  const drawn = page.locator('.contourlayer path, .scatterlayer path');
  await drawn.first().waitFor({ timeout: PATIENCE_MS });
  check('a saved figure draws its lines and marks', (await drawn.count()) > 10, `${await drawn.count()} paths`);
  check(
    'it asks for nothing but itself',
    asked.every((each) => each === url || each.startsWith('data:')),
    asked.join(', '),
  );
  check('the figure has no complaints', complaints.length === 0, complaints.join('; '));
  await page.close();
}

/** Builds a page and watches it; whatever it complains about is a failure. */
async function visit(
  browser: Browser,
  name: string,
  make: () => Promise<void>,
  watch: (page: Page, url: string) => Promise<void>,
): Promise<void> {
  await make();
  const { server, url } = await serve(fromRoot(`build/${name}`));
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 }, deviceScaleFactor: 2 });
  const complaints = await listen(page);
  try {
    await watch(page, url);
  } catch (error) {
    check(`the page ${name} was watched to the end`, false, (error as Error).message);
  } finally {
    await page.close();
    server.close();
  }
  check(`${name}: no errors, warnings or violations of the policy`, complaints.length === 0, complaints.join('; '));
}

await mkdir(fromRoot('build/browser'), { recursive: true });
const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
try {
  await visit(browser, 'spirals', buildPage('examples/spirals/vite.config.ts'), watchSpirals);
  await watchFigure(browser);
  await visit(browser, 'worker', buildPage('test/browser/worker/vite.config.ts'), watchWorker);
  await visit(browser, 'scripts', buildScripts, watchScripts);
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
