/** Writing files in Node, so that a reader never sees half of one. Everything else reaches it through `#platform`. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file through a temporary one beside it, which takes its place when it is safely on the disk. */
export async function writeAtomically(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // Where the first error has a reason, this may fail for the same one.
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Makes a folder and those above it. Node's own `recursive` says that a folder is missing where the disk is read-only.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const known = await stat(path).catch(() => null);
    if (known?.isDirectory()) return;
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    await makeFolder(above);
    await mkdir(path);
  }
}

/** The sentence of a failed file operation that people know, instead of `ENOENT: no such file or directory, open …`. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of the path is not a folder',
    EEXIST: 'it exists and is not a folder',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space left on the disk',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file would be too large for the file system',
    EMFILE: 'this process has too many files open',
    ENFILE: 'the system has too many files open',
    ENAMETOOLONG: 'the path is too long',
    ELOOP: 'its symbolic links go round in circles',
    EBUSY: 'it is in use',
    ETXTBSY: 'it is a program that is running',
    ENXIO: 'there is no such device',
    ENODEV: 'there is no such device',
    EIO: 'the disk failed to read or write',
    EXDEV: 'it lies on two file systems',
    ERR_INVALID_ARG_VALUE: 'the path has characters that no path may have',
    ERR_FS_FILE_TOO_LARGE: 'the file is larger than Node can read at once',
  };
  return Object.hasOwn(known, code) ? (known[code] as string) : message;
}
