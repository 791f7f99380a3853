import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from './kept.ts';
import type { Profiling } from './steps.ts';

/** As V8 writes it, as far as it is read: a `.cpuprofile` and a `.heapprofile`. */
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}
interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

const ROWS = 8;

/** The rows that weigh most in all profiles of a folder. Throws when none of them saw what was to be profiled. */
export function summarise(
  folder: string,
  { kind, of }: Profiling,
): Pick<Profile, 'total' | 'rows'> {
  const weights = new Map<string, number>();
  const add = (what: string, weight: number): void =>
    void weights.set(what, (weights.get(what) ?? 0) + weight);
  const ending = kind === 'processor' ? '.cpuprofile' : '.heapprofile';
  for (const name of readdirSync(folder).filter((one) => one.endsWith(ending))) {
    const profile: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    // V8 wrote them a moment ago.
    if (kind === 'processor') addSelfTimes(profile as CpuProfile, of, add);
    else addHeap((profile as { readonly head: HeapNode }).head, of, add);
  }
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  if (total === 0) throw new Error(`no profile of ${of.join(', ')}`);
  const rows = [...weights]
    .sort(([, a], [, b]) => b - a)
    .slice(0, ROWS)
    .map(([what, weight]) => ({ percent: Math.round((weight / total) * 1000) / 10, what }));
  const unit = kind === 'processor' ? 1000 : 2 ** 20;
  return { total: Math.round((total / unit) * 10) / 10, rows };
}

/** Time of functions that were called, near or far, by a file of `of`, and the collector's in their threads. */
function addSelfTimes(
  { nodes, samples, timeDeltas }: CpuProfile,
  of: readonly string[],
  add: (what: string, weight: number) => void,
): void {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((to) => [to, id])));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const isOurs = (id: number | undefined): boolean =>
    id !== undefined && (isOf(of, sourceOf(frames.get(id)?.url ?? '')) || isOurs(parents.get(id)));
  const ours = new Map(nodes.map(({ id }) => [id, isOurs(id)]));
  let [counted, collector] = [0, 0];
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    const weight = timeDeltas[index] ?? 0;
    if (frame?.functionName === '(garbage collector)') collector += weight;
    if (frame === undefined || ours.get(id) !== true) continue;
    counted += weight;
    add(labelOf(frame), weight);
  }
  // A process that only loads such a file has next to none of it.
  if (counted > collector) add('(garbage collector)', collector);
}

/** What a process holds at its end that loaded a file of `of`, by the file that asked for it. */
function addHeap(
  head: HeapNode,
  of: readonly string[],
  add: (what: string, weight: number) => void,
): void {
  const held = new Map<string, number>();
  const walk = ({ callFrame, selfSize, children }: HeapNode, asker: string): void => {
    const here = callFrame.url === '' ? asker : sourceOf(callFrame.url);
    held.set(here, (held.get(here) ?? 0) + selfSize);
    for (const child of children) walk(child, here);
  };
  walk(head, '(V8 itself)');
  if (![...held.keys()].some((source) => isOf(of, source))) return;
  for (const [source, bytes] of held) if (bytes > 0) add(source, bytes);
}

function isOf(of: readonly string[], source: string): boolean {
  return of.some((beginning) => source.startsWith(beginning));
}

function labelOf({ functionName, url }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} (${sourceOf(url)})`;
}

/** `agent/runner`, `ws`, `node:fs`: a file of the product without its ending, a package, or a part of Node.js. */
function sourceOf(url: string): string {
  const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1];
  if (library !== undefined) return library;
  return /^file:.*?\/((?:agent|aggregator|bench|cli|shared)\/.*)\.[a-z]+$/.exec(url)?.[1] ?? url;
}
