/**
 * `npx tsx test/examples/screenshots.ts FOLDER`: photographs every picture of the gallery that `npm run examples` built, as
 * FOLDER/A6-3.png, and the top of the page, for people to look at. Fails when a picture was not drawn, when the page complains, or when it
 * asks for anything but its own files.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('wants the folder for the pictures');
const page = fileURLToPath(new URL('../../examples/out/index.html', import.meta.url));
/** Surfaces need WebGL, which is drawn by the processor where there is no graphics card. */
const FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

const complaints: string[] = [];
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: FLAGS,
});
try {
  const view = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  view.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  view.on('pageerror', (error) => complaints.push(error.message));
  view.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(`it asks for ${request.url()}`);
  });
  await view.goto(pathToFileURL(resolve(page)).href);
  await view.screenshot({ path: join(folder, 'page.png') });
  const pictures = view.locator('figure.picture');
  const count = await pictures.count();
  let taken = 0;
  for (let i = 0; i < count; i++) {
    const picture = pictures.nth(i);
    const section = (await picture.locator('xpath=ancestor::section').getAttribute('id')) ?? '';
    if (!section.startsWith(values.only)) continue;
    const name = `${section}-${i}`;
    await picture.scrollIntoViewIfNeeded();
    const drawn = picture.locator('svg').first();
    await drawn.waitFor({ timeout: 20_000 }).catch(() => complaints.push(`${name} was not drawn`));
    if ((await picture.locator('.webgl').count()) > 0)
      await picture
        .locator('.gl-container canvas')
        .first()
        .waitFor({ timeout: 20_000 })
        .catch(() => complaints.push(`${name} has no canvas`));
    // Animations and surfaces settle.
    await view.waitForTimeout(400);
    await picture.screenshot({ path: join(folder, `${name}.png`) });
    taken++;
  }
  console.log(`${taken} pictures in ${folder}`);
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;
