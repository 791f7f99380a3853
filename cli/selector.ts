import { fieldOf } from '../shared/field-of.ts';
import { nearest } from '../shared/nearest.ts';
import { usageError } from './errors.ts';

export { fieldOf } from '../shared/field-of.ts';

/** One condition of `-l` or `--field-selector`, on a field of dotted name. */
export interface Condition {
  readonly field: string;
  /** Any of these; absent: that the field is there at all. */
  readonly values?: readonly string[];
  readonly negated: boolean;
}

const SET = /^([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)$/;
const EQUAL = /^([\w./-]+)\s*(==|=|!=)\s*(.*)$/;
const EXISTS = /^(!?)([\w./-]+)$/;

/** Reads the selectors of kubectl: `a=b,c!=d,e in (f,g),h,!i`. Anything else is a usage error that names the flag. */
export function parseSelector(text: string, flag: string): readonly Condition[] {
  // Commas inside of parentheses belong to the set.
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => parseCondition(part, flag));
}

function parseCondition(part: string, flag: string): Condition {
  const [, setField, operator, list = ''] = SET.exec(part) ?? [];
  if (setField !== undefined) {
    const values = list.split(',').map((value) => value.trim());
    return { field: setField, values, negated: operator === 'notin' };
  }
  const [, field, sign, value = ''] = EQUAL.exec(part) ?? [];
  if (field !== undefined) return { field, values: [value.trim()], negated: sign === '!=' };
  const [, bang, name] = EXISTS.exec(part) ?? [];
  if (name !== undefined) return { field: name, negated: bang === '!' };
  throw usageError(`${flag} '${part}' is no condition`, {
    next: "write it as field=value, field!=value, or 'field in (a,b)', separated by commas",
  });
}

/** Every field must be one of `known`, or below one that is an object. */
export function assertFields(
  conditions: readonly Condition[],
  known: readonly string[],
  flag: string,
): void {
  for (const { field } of conditions) {
    if (known.includes(field.split('.')[0] ?? '')) continue;
    const close = nearest(field, known);
    throw usageError(`${flag}: there is no field '${field}' here`, {
      next: close === undefined ? `known: ${known.join(', ')}` : `did you mean '${close}'?`,
    });
  }
}

export function selects(conditions: readonly Condition[], item: unknown): boolean {
  return conditions.every(({ field, values, negated }) => {
    const found = fieldOf(item, field);
    const holds = values === undefined ? found !== undefined : values.includes(textOf(found));
    return holds !== negated;
  });
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Orders by the member of dotted name: numbers as numbers, what has none last. `-` in front turns it round. */
export function sortedBy<Item>(items: readonly Item[], field: string): readonly Item[] {
  const isReversed = field.startsWith('-');
  const name = field.replace(/^-/, '').replace(/^\./, '');
  const sorted = items.toSorted((a, b) => compare(fieldOf(a, name), fieldOf(b, name)));
  return isReversed ? sorted.reverse() : sorted;
}

function compare(a: unknown, b: unknown): number {
  const [isMissingA, isMissingB] = [a === undefined || a === null, b === undefined || b === null];
  if (isMissingA || isMissingB) return Number(isMissingA) - Number(isMissingB);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [textOf(a), textOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
