import type { StoreReads, StoreWrites } from './store.ts';

/** The same methods with their answers at once or later: what an engine has to bring. */
export type Answers<Methods> = {
  readonly [M in keyof Methods]: Methods[M] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer | Promise<Answer>
    : never;
};

/** What changes the store, and of how many records it is. */
const WRITES = {
  openSession: () => 1,
  append: (batch) => batch.events.length,
  apply: () => 1,
  note: () => 1,
  touch: () => 1,
  retire: () => 1,
  prune: () => 1,
  probe: () => 1,
} as const satisfies { [M in keyof StoreWrites]: (...args: Parameters<StoreWrites[M]>) => number };

const READS = {
  nodes: true,
  section: true,
  items: true,
  nodesAsOf: true,
  outcomes: true,
  events: true,
  sizeBytes: true,
} as const satisfies Record<keyof StoreReads, true>;

export type WriteMethod = keyof StoreWrites;
export type ReadMethod = keyof StoreReads;
export type StoreMethod = WriteMethod | ReadMethod;

/** One call of the store as data: it can wait in a queue and cross to a thread. */
export interface StoreCall {
  readonly method: StoreMethod;
  readonly args: readonly unknown[];
}

export function isWrite(method: StoreMethod): method is WriteMethod {
  return method in WRITES;
}

/** How many records a call is about to write. */
export function recordsOf({ method, args }: StoreCall): number {
  const count: ((...args: readonly never[]) => number) | undefined = isWrite(method)
    ? WRITES[method]
    : undefined;
  // The arguments are those of this method: `storeMethods` took them from its caller.
  return count?.(...(args as readonly never[])) ?? 0;
}

/** The store's methods, each of which hands its call over. */
export function storeMethods(
  call: (call: StoreCall) => Promise<unknown>,
): StoreWrites & StoreReads {
  const methods = [...Object.keys(WRITES), ...Object.keys(READS)] as readonly StoreMethod[];
  const entries = methods.map((method) => [
    method,
    (...args: readonly unknown[]) => call({ method, args }),
  ]);
  // One entry for each method of both interfaces: WRITES and READS name them all.
  return Object.fromEntries(entries) as StoreWrites & StoreReads;
}

/** Calls a method by its name. */
export function answer(
  engine: Partial<Answers<StoreWrites & StoreReads>>,
  { method, args }: StoreCall,
): unknown {
  // As above: the arguments are those of this method.
  const named = engine[method] as ((...args: unknown[]) => unknown) | undefined;
  if (named === undefined) throw new TypeError(`${method}: not answered here`);
  return named.call(engine, ...args);
}
