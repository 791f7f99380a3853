import { nearest } from '../../shared/nearest.ts';
import { Refusal } from '../identity/credentials.ts';

const DURATION = /^(\d{1,6})(s|m|h|d)$/;
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 5000;
const MAX_VALUE_LENGTH = 4096;

/** The query parameters of one request, checked as they are read. What is wrong is a `Refusal` 400. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;
  readonly #nowMs: number;

  /** `known` are the names this route understands; another is refused, naming the nearest. */
  constructor(parameters: URLSearchParams, known: readonly string[], nowMs: number) {
    const values = new Map<string, string>();
    for (const [name, value] of parameters) {
      if (!known.includes(name)) throw unknownName(name, known);
      if (values.has(name)) throw bad(name, 'is given twice; separate several values by commas');
      if (value.length > MAX_VALUE_LENGTH) throw bad(name, `is longer than ${MAX_VALUE_LENGTH}`);
      values.set(name, value);
    }
    this.#values = values;
    this.#nowMs = nowMs;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === '' ? undefined : value;
  }

  /** One or several of known words, separated by commas. */
  words<Word extends string>(name: string, known: readonly Word[]): readonly Word[] | undefined {
    return this.text(name)
      ?.split(',')
      .map((word) => {
        const found = known.find((candidate) => candidate === word);
        if (found !== undefined) return found;
        const near = nearest(word, known);
        const hint = near === undefined ? `one of ${known.join(', ')}` : `"${near}"`;
        throw bad(name, `${show(word)} is not known; expected ${hint}`);
      });
  }

  word<Word extends string>(name: string, known: readonly Word[]): Word | undefined {
    const words = this.words(name, known);
    if (words !== undefined && words.length > 1) throw bad(name, 'takes one value');
    return words?.[0];
  }

  limit(): number {
    const value = this.text('limit');
    if (value === undefined) return DEFAULT_LIMIT;
    const limit = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    if (limit < 1) throw bad('limit', `${show(value)}: expected a whole number from 1`);
    return Math.min(limit, MAX_LIMIT);
  }

  /** Milliseconds since 1970, given as RFC 3339 or as how long ago: `90s`, `15m`, `24h`, `7d`. */
  time(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const [, count, unit] = DURATION.exec(value) ?? [];
    if (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd') {
      return this.#nowMs - Number(count) * UNIT_MS[unit];
    }
    const ms = RFC3339.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(ms)) {
      throw bad(name, `${show(value)}: expected a time (RFC 3339) or how long ago, as 24h`);
    }
    return ms;
  }
}

function unknownName(name: string, known: readonly string[]): Refusal {
  const near = nearest(name, known);
  const hint =
    near !== undefined
      ? `did you mean "${near}"?`
      : known.length > 0
        ? `known: ${known.join(', ')}`
        : 'none is known here';
  return new Refusal(400, 'unknownParameter', `query parameter ${show(name)}: unknown, ${hint}`);
}

function bad(name: string, what: string): Refusal {
  return new Refusal(400, 'badParameter', `query parameter ${name}: ${what}`);
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
