/** What `JSON.parse` lets pass but a format may forbid, found in one pass over the text before it is parsed. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const BRACE = 0x7b;
const COLON = 0x3a;
/** Blanks of JSON. */
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** The index behind the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/**
 * Parses JSON whose objects name nothing twice, and that is nested at most `maxDepth` deep: a parser's memory for what is
 * open is many times the text.
 * @throws Error that says what is wrong with it.
 */
export function parseStrictly(text: string, maxDepth: number): unknown {
  /** The names so far of every object that is open; null for lists. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      let next = end;
      while (BLANK.has(text.charCodeAt(next))) next++;
      const names = open.at(-1);
      if (names && text.charCodeAt(next) === COLON) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (names.has(name)) throw new Error(`${JSON.stringify(name.slice(0, 40))} is there twice`);
        names.add(name);
      }
      at = next;
      continue;
    }
    if (OPEN.has(code)) {
      if (open.push(code === BRACE ? new Set() : null) > maxDepth) throw new Error(`nested deeper than ${maxDepth}`);
    } else if (CLOSE.has(code)) open.pop();
    at++;
  }
  return JSON.parse(text);
}
