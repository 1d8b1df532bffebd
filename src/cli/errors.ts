/** What a command line tells its user in one line, without a stack. */

/** The command cannot be carried out as given: an unknown option, a bad number, a file that is not there. Exit code 2. */
export class UsageError extends Error {}
