/**
 * `npm run example -- NAME [options]` runs `examples/NAME.ts`; without a name it lists them. An example is a module
 * that exports `about`, one line, and `main(args)`. `npm run example -- A6` runs a worked example, which has a number instead of a name.
 */
import { readdirSync } from 'node:fs';
import { CotangentError } from 'cotangent';

interface Example {
  about: string;
  main(args: string[]): void | Promise<void>;
}

const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();
const load = async (name: string): Promise<Example> =>
  (await import(new URL(`${name}.ts`, import.meta.url).href)) as Example;

const [given, ...rest] = process.argv.slice(2);
const [name, args] = /^[abc]\d+$/i.test(given ?? '')
  ? ['gallery', ['--only', given as string, ...rest]]
  : [given, rest];
if (name === undefined) {
  console.log('npm run example -- NAME [options], where NAME is one of\n');
  for (const each of names) console.log(`  ${each.padEnd(12)}${(await load(each)).about}`);
  console.log('\nexamples/spirals is a page: npx vite examples/spirals');
} else if (!names.includes(name)) {
  console.error(`there is no example '${name}'; there are ${names.join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    await (await load(name)).main(args);
  } catch (error) {
    const { code } = error as { code?: string };
    const expected =
      error instanceof CotangentError || code === 'ENOENT' || code?.startsWith('ERR_PARSE_ARGS') === true;
    if (!expected) throw error;
    console.error(`${name}: ${(error as Error).message.split('\n')[0]}`);
    process.exitCode = 2;
  }
}
