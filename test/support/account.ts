import { DatabaseSync } from 'node:sqlite';

/** What an aggregator's database says of one node's events. */
export interface Account {
  /** `id` of each event's data, in order of arrival. */
  readonly ids: readonly string[];
  /** By epoch: the numbers that a record of the node, or a note of the aggregator, speaks for. */
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
/** Kinds that count events which are not there. */
const LOST: readonly string[] = ['lost', 'epochLost', 'serverRollback'];

/** Reads the file itself, beside a running aggregator or after it. */
export function accountOf(database: string, node: string): Account {
  using file = opened(database);
  const rows = file
    .prepare(
      `SELECT spool.epoch, event.sequence, event.through, event.kind, event.data
         FROM event JOIN spool ON spool.id = event.spool JOIN node ON node.id = spool.node
         WHERE node.name = ? ORDER BY event.id`,
    )
    .all(node);
  const ids: string[] = [];
  const epochs = new Map<string, Stored[]>();
  let lost = 0;
  for (const row of rows) {
    const kind = String(row['kind']);
    const data = JSON.parse(String(row['data'])) as Record<string, unknown>;
    if (LOST.includes(kind)) lost += Number(data['count']);
    const id = kind === 'test' ? String(data['id']) : undefined;
    if (id !== undefined) ids.push(id);
    const found = storedOf(row, data);
    if (found === undefined) continue;
    const { epoch, ...range } = found;
    const records = epochs.get(epoch) ?? [];
    records.push({ ...range, kind, id });
    epochs.set(epoch, records);
  }
  return { ids, epochs, lost, ...faultsIn(epochs) };
}

/** The numbers that a row speaks for; undefined when it is about none. */
function storedOf(
  row: Readonly<Record<string, unknown>>,
  data: Readonly<Record<string, unknown>>,
): { readonly epoch: string; readonly sequence: number; readonly through: number } | undefined {
  const epoch = String(row['epoch']);
  if (epoch !== OWN) {
    return { epoch, sequence: Number(row['sequence']), through: Number(row['through']) };
  }
  if (row['kind'] !== 'serverRollback') return undefined;
  const { fromSequence, throughSequence } = data;
  return {
    epoch: String(data['epoch']),
    sequence: Number(fromSequence),
    through: Number(throughSequence),
  };
}

function faultsIn(
  epochs: ReadonlyMap<string, readonly Stored[]>,
): Pick<Account, 'duplicates' | 'holes'> {
  let duplicates = 0;
  let holes = 0;
  for (const records of epochs.values()) {
    let next = 1;
    for (const { sequence, through } of records.toSorted((a, b) => a.sequence - b.sequence)) {
      duplicates += Math.max(0, next - sequence);
      holes += Math.max(0, sequence - next);
      next = Math.max(next, through + 1);
    }
  }
  return { duplicates, holes };
}

function opened(path: string): DatabaseSync & Disposable {
  const database = new DatabaseSync(path, { readOnly: true });
  return Object.assign(database, { [Symbol.dispose]: () => database.close() });
}
