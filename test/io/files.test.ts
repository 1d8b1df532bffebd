/** What a failed file operation says, in words. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** The code that the disk answers writes with; null is a disk that works. */
const disk = vi.hoisted(() => ({ code: null as string | null }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const fail = (code: string) => Promise.reject(Object.assign(new Error(`${code}: in jargon`), { code }));
  return {
    ...real,
    mkdir: (path: string, options?: { recursive?: boolean }) => {
      if (disk.code === null) return real.mkdir(path, options);
      // As Node does on a disk that cannot be written to.
      return fail(options?.recursive ? 'ENOENT' : disk.code);
    },
    open: (path: string, flags: string) => (disk.code === null ? real.open(path, flags) : fail(disk.code)),
    rm: (path: string, options: object) => (disk.code === null ? real.rm(path, options) : fail('EIO')),
  };
});

// The set-up of all tests has loaded them already, with the real disk.
vi.resetModules();
const { prepareFolder } = await import('../../src/cli/files.ts');
const { makeFolder, reasonOf, writeAtomically } = await import('../../src/io/files.node.ts');

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cotangent-files-'));
});
afterEach(async () => {
  disk.code = null;
  await rm(folder, { recursive: true });
});

describe.each([
  ['EROFS', 'the file system is read-only'],
  ['EACCES', 'permission denied'],
  ['ENOSPC', 'no space left on the disk'],
  ['EMFILE', 'this process has too many files open'],
  ['EDQUOT', 'the disk quota is used up'],
])('a disk that answers %s', (code, reason) => {
  test('is named when a folder is made', async () => {
    disk.code = code;
    await expect(prepareFolder(join(folder, 'a', 'b'))).rejects.toThrow(
      `cannot write to ${join(folder, 'a', 'b')}: ${reason}`,
    );
  });

  test('is named when a file is written', async () => {
    disk.code = code;
    const failure = await writeAtomically(join(folder, 'file'), '').catch(reasonOf);
    expect(failure).toBe(reason);
  });
});

test('folders are made with those above them, and may be there already', async () => {
  const path = join(folder, 'a', 'b', 'c');
  await makeFolder(path);
  await makeFolder(path);
  await writeAtomically(join(path, 'file'), 'text');
  expect(await readdir(path)).toEqual(['file']);
});

test('what is there and no folder', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  expect(await makeFolder(file).catch(reasonOf)).toBe('it exists and is not a folder');
  expect(await makeFolder(join(file, 'a', 'b')).catch(reasonOf)).toBe('a part of the path is not a folder');
  expect(await writeAtomically(join(folder, 'none', 'file'), '').catch(reasonOf)).toBe('no such file or folder');
  expect(await writeAtomically(join(folder, 'x'.repeat(5000)), '').catch(reasonOf)).toBe('the path is too long');
  expect(await writeAtomically(join(folder, 'a\0b'), '').catch(reasonOf)).toBe(
    'the path has characters that no path may have',
  );
});

test('codes that are the names of methods, and none at all', () => {
  expect(reasonOf(Object.assign(new Error('jargon'), { code: 'toString' }))).toBe('jargon');
  expect(reasonOf(new Error('jargon'))).toBe('jargon');
});
