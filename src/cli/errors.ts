/** What a command line tells its user in one line, without a stack. */

/** The command cannot be carried out as given: an unknown option, a bad number, a file that is not there. Exit code 2. */
export class UsageError extends Error {}

/** The sentence of a failed file operation that people know, instead of `ENOENT: no such file or directory, open …`. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of the path is not a folder',
    EEXIST: 'it exists and is not a folder',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space left',
  };
  return known[code ?? ''] ?? message;
}
