import {
  type Document,
  isScalar,
  type LineCounter,
  type Node,
  Scalar,
  visit,
} from '../yaml-nodes.ts';

/** What is wrong with a text, and where. */
export interface YamlFault {
  readonly offset: number;
  readonly message: string;
}

/** A span of the text in which a tab may begin a line, or behind which blanks belong to a plain scalar. */
interface Spans {
  /** Flow collections, quoted and block scalars: start and end. */
  readonly free: (readonly [number, number])[];
  /** Plain scalars: end, and the column from which a tab is only a blank. */
  readonly plain: (readonly [number, number])[];
}

/** `...` before anything but comments. */
const ENDS_FIRST = /^(?:[ \t]*(?:#.*)?\r?\n)*\.\.\.(?:\s|$)/;

/**
 * The first thing in a document that libyaml (so yaml.v3) refuses and the `yaml` package lets through. Found by
 * holding both against skopeo with damaged files.
 */
export function findLibyamlFault(
  document: Document | undefined,
  text: string,
  lines: LineCounter,
): YamlFault | undefined {
  if (ENDS_FIRST.test(text)) return { offset: 0, message: 'expected a document before its end' };
  const spans: Spans = { free: [], plain: [] };
  let fault: YamlFault | undefined;
  visit(document ?? null, {
    Pair: (_, { key, value, srcToken }) => {
      if (isEmpty(key) && !srcToken?.start.some(({ type }) => type === 'explicit-key-ind')) {
        // nodes are what the composer makes of keys and values
        const offset = ((key ?? value) as Node | null)?.range?.[0] ?? 0;
        fault ??= { offset, message: 'expected a member name before the ":"' };
      }
      if (isScalar(value) && value.type === Scalar.PLAIN && !isEmpty(value)) {
        const keyAt = (key as Node | null)?.range?.[0] ?? 0;
        spans.plain.push([value.range?.[1] ?? 0, lines.linePos(keyAt).col]);
      }
    },
    Node: (_, node) => {
      const [start = 0, end = 0] = 'range' in node ? (node.range ?? []) : [];
      const isPlain = isScalar(node) && node.type === Scalar.PLAIN;
      const isFlow = 'flow' in node && node.flow === true;
      if (isFlow || (isScalar(node) && !isPlain)) spans.free.push([start, end]);
    },
  });
  return fault ?? findTab(document, text, spans);
}

function isEmpty(key: unknown): boolean {
  if (key === null) return true;
  return isScalar(key) && key.type === Scalar.PLAIN && key.range?.[0] === key.range?.[1];
}

/** Where a document ends: at the next marker behind its content, or with the text. */
export function documentEnd(document: Document | undefined, text: string): number {
  const contentEnd = document?.contents?.range?.[1] ?? 0;
  const marker = text.slice(contentEnd).search(/^(?:---|\.\.\.)(?:\s|$)/m);
  return marker === -1 ? text.length : contentEnd + marker;
}

/** In a block a line must not begin with a tab, not even an empty one. Goes once along the text, however long it is. */
function findTab(
  document: Document | undefined,
  text: string,
  spans: Spans,
): YamlFault | undefined {
  const end = documentEnd(document, text);
  const free = spans.free.sort(([a], [b]) => a - b);
  const plain = spans.plain.sort(([a], [b]) => a - b);
  let [nextFree, freeTo, nextPlain, contentAt] = [0, 0, 0, 0];
  for (const { index, 0: blanks } of text.slice(0, end).matchAll(/^ *\t/gm)) {
    for (; (free[nextFree]?.[0] ?? index) < index; nextFree++) {
      freeTo = Math.max(freeTo, free[nextFree]?.[1] ?? 0);
    }
    if (index < freeTo) continue;
    const first = nextPlain;
    while ((plain[nextPlain]?.[0] ?? Infinity) <= index) nextPlain++;
    const before = plain[nextPlain - 1];
    if (before !== undefined && nextPlain > first) contentAt = endOfBlanks(text, before[0]);
    const isBehindPlain = before !== undefined && contentAt >= index;
    if (isBehindPlain && blanks.length - 1 >= before[1]) continue;
    return { offset: index + blanks.length - 1, message: 'expected no tab for indentation' };
  }
  return undefined;
}

function endOfBlanks(text: string, from: number): number {
  const blanks = /\s*/y;
  blanks.lastIndex = from;
  blanks.test(text);
  return blanks.lastIndex;
}
