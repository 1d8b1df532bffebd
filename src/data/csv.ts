/** Tables of numbers as text. Quoted fields and text columns are left to CSV libraries. */
import { ArgumentError, describe } from '../errors.ts';
import { checkOptions } from '../tensor/options.ts';

/** What `parseCsv` returns. */
export interface CsvTable {
  /** Names of the columns, if the first line was a header. */
  header: string[] | null;
  rows: number;
  columns: number;
  /** The numbers row by row, `rows × columns` of them. */
  values: Float64Array<ArrayBuffer>;
}

/** Options of `parseCsv`. */
export interface CsvOptions {
  /** Between two fields; a comma unless given. Any run of blanks when it is a space. */
  separator?: string;
  /** Whether the first line has names; found out by whether it has anything but numbers unless given. */
  header?: boolean;
}

/**
 * `Number` also takes '' and '0x10'; a table of numbers has neither. No two of its repetitions can share a stretch of
 * digits: backtracking over them would take quadratic time.
 */
const NUMBER = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/i;
/** Looking for a separator may take time in proportion to its length, for every character of the text. */
const MAX_SEPARATOR = 16;

function toNumber(field: string): number | null {
  if (!NUMBER.test(field)) return null;
  const value = Number(field);
  if (!Number.isNaN(value)) return value;
  if (/nan/i.test(field)) return Number.NaN;
  return field.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * Parses numbers in rows and columns. Empty lines are skipped; line ends may be those of any system.
 * @throws ArgumentError that names line and column of a field that is no number, or the line that is too short or long.
 * @example
 * const { values, rows, columns } = parseCsv('1,2\n3,4');
 * const table = fromArray(values, [rows, columns]);
 */
export function parseCsv(text: string, options: CsvOptions = {}): CsvTable {
  if (typeof text !== 'string') throw new ArgumentError('parseCsv', `wants a string, got ${describe(text)}`);
  const { separator = ',', header }: CsvOptions = checkOptions('parseCsv', options, ['separator', 'header']);
  if (typeof separator !== 'string' || separator === '' || separator.length > MAX_SEPARATOR)
    throw new ArgumentError(
      'parseCsv',
      `separator is a string of 1 to ${MAX_SEPARATOR} characters, got ${describe(separator)}`,
    );
  if (header !== undefined && typeof header !== 'boolean')
    throw new ArgumentError('parseCsv', `header is true or false, got ${describe(header)}`);
  const fieldsOf = (line: string) =>
    (separator === ' ' ? line.trim().split(/\s+/) : line.split(separator)).map((field) => field.trim());
  // A byte order mark is not part of the first field.
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);

  let names: string[] | null = null;
  let columns = 0;
  let rows = 0;
  const values: number[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const fields = fieldsOf(line);
    if (columns === 0) {
      columns = fields.length;
      if (header ?? fields.some((field) => toNumber(field) === null)) {
        names = fields;
        continue;
      }
    }
    if (fields.length !== columns)
      throw new ArgumentError('parseCsv', `line ${i + 1} has ${fields.length} fields, the first one has ${columns}`);
    for (const [c, field] of fields.entries()) {
      const value = toNumber(field);
      if (value === null)
        throw new ArgumentError('parseCsv', `line ${i + 1}, column ${c + 1}: ${describe(field)} is not a number`);
      values.push(value);
    }
    rows++;
  }
  return { header: names, rows, columns, values: Float64Array.from(values) };
}
