/**
 * How many bytes of buffers that belong to the collector are still there. A registry tells when one is gone, but only while the
 * event loop has a turn, and what it has to tell takes room until then: so in a long synchronous loop more and more buffers
 * share a token, which is gone when the last of them is. The count is never too low.
 */

/** Tokens that may wait before each begins to stand for twice as many buffers. */
const TOKENS = 1024;

/** Buffers that share a token. */
interface Account {
  bytes: number;
}

export class Census {
  #bytes = 0;
  #waiting = 0;
  /** Of the next buffer, if it shares one. */
  #token: object | null = null;
  #account: Account = { bytes: 0 };
  /** How many more buffers the current token will stand for. */
  #left = 0;
  readonly #registry = new FinalizationRegistry<Account>(({ bytes }) => {
    this.#bytes -= bytes;
    this.#waiting--;
  });

  /** Bytes of all buffers that may be there. */
  count(): number {
    // Later buffers shall not keep those in the count that there are now.
    this.#token = null;
    return this.#bytes;
  }

  /** Counts a buffer in; the token is to live exactly as long as it does. */
  add(bytes: number): object {
    const token = this.#token ?? this.#begin();
    this.#bytes += bytes;
    this.#account.bytes += bytes;
    this.#token = --this.#left > 0 ? token : null;
    return token;
  }

  #begin(): object {
    // What a registry watches survives V8's young collections; so it watches a token and not the buffer, which would otherwise
    // pile up until the next full collection.
    const token = {};
    this.#account = { bytes: 0 };
    this.#left = 2 ** Math.floor(this.#waiting / TOKENS);
    this.#registry.register(token, this.#account);
    this.#waiting++;
    return token;
  }
}
