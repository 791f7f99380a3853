import type { Random } from '../support/random.ts';

/** No input grows beyond what the limit on time is promised for. */
export const MAX_INPUT_BYTES = 1_000_000;

type Mutation = (input: Buffer, random: Random, corpus: readonly Uint8Array[]) => Buffer;

const TEXTS = [
  ...['{', '}', '[', ']', '"', ',', ':', 'null', '0', '-1', '1e999', 'true', '\\u0000', '\\ud800'],
  ...['\n', '\r\n', ' ', '\t', '\0', '\ufeff', '\u00e9', '=', '==', '@', '/', '//', '..', '*', '-'],
  ...['sha256:', '-----BEGIN X-----\n', '\n-----END X-----\n', '&a', '*a', '<<:', '!!', '|', '- '],
  ...['__proto__', 'constructor', '9007199254740993', '123456789012345678901234567890'],
] as const;
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x30, 0x84, 0xa0, 0xc2, 0xcb, 0xd4] as const;

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  (input, random) => {
    const at = random.below(input.length);
    const copy = Buffer.from(input);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  (input, random) => {
    const copy = Buffer.from(input);
    copy[random.below(input.length)] = random.chance(0.5) ? random.below(256) : random.pick(BYTES);
    return copy;
  },
  (input, random) => {
    const [from, to] = range(input, random);
    return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
  },
  (input, random) => {
    const [from, to] = range(input, random);
    const at = random.below(input.length + 1);
    return insert(input, at, input.subarray(from, to));
  },
  (input, random) => insert(input, random.below(input.length + 1), Buffer.from(random.pick(TEXTS))),
  (input, random) => input.subarray(0, random.below(input.length + 1)),
  (input, random, corpus) => {
    const other = Buffer.from(corpus[random.below(corpus.length)] ?? input);
    const [from, to] = range(other, random);
    return insert(input, random.below(input.length + 1), other.subarray(from, to));
  },
  (input, random) => {
    const [from, to] = range(input, random);
    const times = Math.min(1 + random.below(2000), Math.floor(MAX_INPUT_BYTES / (to - from + 1)));
    return insert(input, to, Buffer.concat(Array<Buffer>(times).fill(input.subarray(from, to))));
  },
];

/** The input with one to four changes; parts of other inputs may come in. */
export function mutateBytes(
  input: Uint8Array,
  random: Random,
  corpus: readonly Uint8Array[] = [input],
  maxBytes: number = MAX_INPUT_BYTES,
): Uint8Array {
  let changed: Buffer = Buffer.from(input);
  const times = 1 + random.below(4);
  for (let time = 0; time < times; time++) {
    if (changed.length === 0) changed = Buffer.from(random.pick(TEXTS));
    changed = random.pick(MUTATIONS)(changed, random, corpus);
  }
  return changed.subarray(0, maxBytes);
}

function range(input: Buffer, random: Random): readonly [number, number] {
  const from = random.below(input.length + 1);
  const length = random.below(random.chance(0.8) ? 32 : input.length + 1);
  return [from, Math.min(input.length, from + length)];
}

function insert(input: Buffer, at: number, what: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), what, input.subarray(at)]);
}
