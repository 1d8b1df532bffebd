/**
 * Reads the little there is to read in a formula: its bindings, the names it uses, and
 * how many verbs it calls. Everything else is pasted as it stands.
 */

export interface Formula {
  bindings: readonly { name: string; text: string }[];
  result: string;
}

/** Splits `'e = exp(x); div(e, r)'` into bindings and result. */
export function parse(text: string): Formula {
  const parts = text.split(';').map((part) => part.trim());
  const result = parts.pop() ?? '';
  const bindings = parts.map((part) => {
    const match = /^([a-zA-Z]\w*)\s*=(?!=)\s*(.+)$/s.exec(part);
    if (!match) throw new Error(`not a binding: '${part}' in '${text}'`);
    return { name: match[1] as string, text: match[2] as string };
  });
  if (result === '' || /[^\w\s(),.+-]/.test(result)) throw new Error(`not a formula: '${text}'`);
  return { bindings, result };
}

/** Names that stand for values, in other words identifiers that are not called. */
export function variables(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/\b([a-zA-Z_]\w*)\b(?!\s*\()/g)].map((m) => m[1] as string).filter((n) => n !== 'e'),
  );
}

/** Verbs that the formula calls, constants apart. */
export function verbs(text: string): string[] {
  return [...text.matchAll(/\b([a-zA-Z_]\w*)\s*\(/g)].map((m) => m[1] as string).filter((n) => n !== 'k');
}

/** The formula as statements of one of the three languages. */
export function statements(text: string, declare: (name: string) => string, indent: string): string {
  const { bindings, result } = parse(text);
  return [...bindings.map((b) => `${declare(b.name)} = ${b.text};`), `return ${result};`]
    .map((line) => indent + line)
    .join('\n');
}

export const snake = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
export const opcodeName = (name: string) => `OP_${snake(name).toUpperCase()}`;
export const pascal = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
