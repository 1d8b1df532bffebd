/** Learning before hours of work whether results can be written. */
import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, reasonOf } from '../io/files.node.ts';
import { UsageError } from './errors.ts';

/**
 * Makes a folder, parents included, and makes sure that files can be written there.
 * @throws UsageError when not.
 */
export async function prepareFolder(folder: string): Promise<void> {
  const probe = join(folder, `.${randomUUID()}.tmp`);
  try {
    await makeFolder(folder);
    await (await open(probe, 'wx')).close();
    await rm(probe);
  } catch (error) {
    throw new UsageError(`cannot write to ${folder}: ${reasonOf(error)}`);
  }
}
