/** Text as indices, one per character. */
import { ArgumentError, describe, IndexError } from '../errors.ts';
import { copyIterable } from '../tensor/lists.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';

/** The characters (Unicode code points) that occur in a text, in order, and their numbers. */
export class CharVocabulary {
  readonly characters: readonly string[];
  readonly #index: ReadonlyMap<string, number>;

  /** The characters of `text`; the same whatever their order and number there. */
  constructor(text: string) {
    if (typeof text !== 'string') throw new ArgumentError('CharVocabulary', `wants a string, got ${describe(text)}`);
    const codePoint = (character: string) => character.codePointAt(0) as number;
    this.characters = [...new Set(text)].sort((a, b) => codePoint(a) - codePoint(b));
    this.#index = new Map(this.characters.map((character, i) => [character, i]));
  }

  /** Number of characters. */
  get size(): number {
    return this.characters.length;
  }

  /**
   * One index per character.
   * @throws ArgumentError at a character that the vocabulary lacks.
   */
  encode(text: string): Int32Array<ArrayBuffer> {
    if (typeof text !== 'string') throw new ArgumentError('encode', `wants a string, got ${describe(text)}`);
    // Never more code points than UTF-16 units.
    const out = new Int32Array(text.length);
    let n = 0;
    for (const character of text) {
      const index = this.#index.get(character);
      if (index === undefined)
        throw new ArgumentError(
          'encode',
          `the character ${JSON.stringify(character)} (number ${n}) is not in the vocabulary`,
        );
      out[n++] = index;
    }
    return out.slice(0, n);
  }

  /**
   * The text that indices stand for.
   * @throws IndexError at an index outside [0, size).
   */
  decode(indices: Tensor | Iterable<number | bigint>): string {
    const list = copyIterable('decode', isTensor(indices) ? indices.data() : indices);
    if (list === null)
      throw new ArgumentError('decode', `wants a tensor or an array of indices, got ${describe(indices)}`);
    const out: string[] = [];
    for (const index of list) {
      const number = typeof index === 'number' || typeof index === 'bigint' ? Number(index) : -1;
      const character = this.characters[number];
      if (character === undefined)
        throw new IndexError('decode', `index ${describe(index)} is out of range for ${this.size} characters`);
      out.push(character);
    }
    return out.join('');
  }

  /** All characters; the constructor makes the same vocabulary from them. */
  toJSON(): string {
    return this.characters.join('');
  }
}
