import { DatabaseSync } from 'node:sqlite';

/** What an aggregator's database says of one node's events. */
export interface Account {
  /** `id` of each event's data, in order of arrival. */
  readonly ids: readonly string[];
  /** By epoch: the numbers that a stored record speaks for. */
  readonly epochs: ReadonlyMap<string, readonly Stored[]>;
  /** Counted by `lost` records, and by what the aggregator itself noted. */
  readonly lost: number;
  /** Numbers that more than one record speaks for. */
  readonly duplicates: number;
  /** Numbers up to the last that no record and no note speaks for. */
  readonly holes: number;
}
export interface Stored {
  readonly sequence: number;
  readonly through: number;
  readonly kind: string;
  readonly id: string | undefined;
}

const OWN = '@aggregator';

/** Reads the file itself, beside a running aggregator or after it. */
export function accountOf(database: string, node: string): Account {
  using file = opened(database);
  const rows = file
    .prepare(
      `SELECT spool.epoch, event.sequence, event.through, event.kind, event.data
         FROM event JOIN node ON node.id = event.node JOIN spool ON spool.id = event.spool
         WHERE node.name = ? ORDER BY event.id`,
    )
    .all(node);
  const ids: string[] = [];
  const epochs = new Map<string, Stored[]>();
  const noted = new Map<string, number>();
  let lost = 0;
  for (const row of rows) {
    const [kind, epoch] = [String(row['kind']), String(row['epoch'])];
    const data = JSON.parse(String(row['data'])) as Record<string, unknown>;
    const count = typeof data['count'] === 'number' ? data['count'] : 0;
    if (['lost', 'epochLost', 'serverRollback'].includes(kind)) lost += count;
    if (epoch === OWN) {
      const of = String(data['epoch']);
      if (kind === 'serverRollback') noted.set(of, (noted.get(of) ?? 0) + count);
      continue;
    }
    const id = kind === 'test' ? String(data['id']) : undefined;
    if (id !== undefined) ids.push(id);
    const [sequence, through] = [Number(row['sequence']), Number(row['through'])];
    epochs.set(epoch, [...(epochs.get(epoch) ?? []), { sequence, through, kind, id }]);
  }
  return { ids, epochs, lost, ...faultsIn(epochs, noted) };
}

function faultsIn(
  epochs: ReadonlyMap<string, readonly Stored[]>,
  noted: ReadonlyMap<string, number>,
): Pick<Account, 'duplicates' | 'holes'> {
  let duplicates = 0;
  let holes = 0;
  for (const [epoch, records] of epochs) {
    let next = 1;
    let missing = 0;
    for (const { sequence, through } of records.toSorted((a, b) => a.sequence - b.sequence)) {
      duplicates += Math.max(0, next - sequence);
      missing += Math.max(0, sequence - next);
      next = Math.max(next, through + 1);
    }
    holes += missing - (noted.get(epoch) ?? 0);
  }
  return { duplicates, holes };
}

function opened(path: string): DatabaseSync & Disposable {
  const database = new DatabaseSync(path, { readOnly: true });
  return Object.assign(database, { [Symbol.dispose]: () => database.close() });
}
