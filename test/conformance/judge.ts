import { isDeepStrictEqual } from 'node:util';
import type { ConformanceKind } from './kind.ts';
import type { ConformanceCase, ConformanceTable } from './table.ts';

/** A case that the product answers in another way, with the members in which the answers differ. */
export interface Disagreement {
  readonly id: string;
  readonly differs: readonly string[];
  readonly expected: unknown;
  readonly actual: unknown;
  readonly note?: string;
}
/** One table held against the product. */
export interface Judgement {
  readonly kind: string;
  readonly total: number;
  readonly agreed: number;
  /** False: nothing here answers questions of this kind, so nothing was compared. */
  readonly hasRunner: boolean;
  readonly disagreements: readonly Disagreement[];
  /** Ids of cases that the runner cannot ask. */
  readonly notAsked: readonly string[];
}

/** Puts every case of a table to the product. */
export async function judge(
  table: ConformanceTable,
  kinds: readonly ConformanceKind[],
  root: string,
): Promise<Judgement> {
  const { kind, cases } = table;
  const runner = kinds.find((candidate) => candidate.kind === kind);
  if (runner === undefined) {
    return {
      kind,
      total: cases.length,
      agreed: 0,
      hasRunner: false,
      disagreements: [],
      notAsked: [],
    };
  }
  const disagreements: Disagreement[] = [];
  const notAsked: string[] = [];
  for (const item of cases) {
    if (runner.covers?.(item.input) === false) {
      notAsked.push(item.id);
      continue;
    }
    const disagreement = await judgeCase(item, runner, root);
    if (disagreement !== undefined) disagreements.push(disagreement);
  }
  const agreed = cases.length - disagreements.length - notAsked.length;
  return { kind, total: cases.length, agreed, hasRunner: true, disagreements, notAsked };
}

async function judgeCase(
  { id, input, expect, note }: ConformanceCase,
  runner: ConformanceKind,
  root: string,
): Promise<Disagreement | undefined> {
  const actual = await answerOf(runner, input, root);
  const differs = Object.keys(expect).filter(
    (name) => !isDeepStrictEqual(memberOf(actual, name), expect[name]),
  );
  if (differs.length === 0) return undefined;
  return { id, differs, expected: expect, actual, ...(note === undefined ? {} : { note }) };
}

/** What the product throws is an answer too: it agrees with nothing. */
async function answerOf(runner: ConformanceKind, input: unknown, root: string): Promise<unknown> {
  try {
    return await runner.answer(input, root);
  } catch (thrown) {
    return { thrown: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : thrown };
  }
}

/** Through JSON, so that Maps and undefined members cannot look equal to what a table cannot hold. */
function memberOf(answer: unknown, name: string): unknown {
  const plain: unknown = JSON.parse(JSON.stringify(answer) ?? 'null');
  return plain !== null && typeof plain === 'object' && Object.hasOwn(plain, name)
    ? Reflect.get(plain, name)
    : undefined;
}
