/** Lets signals and timers have their turn between two steps. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
