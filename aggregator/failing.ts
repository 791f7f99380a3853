import type { Json } from '../shared/canonical.ts';
import type { Severity } from '../shared/results.ts';
import { toFindingItem } from './section-items.ts';
import type { ItemRow, Store } from './store/store.ts';
import type { KeyedItems } from './store/stored-node.ts';

/** A rule that fails with one severity, and where. */
export interface FailingRule {
  readonly ruleId: string;
  readonly severity: Severity;
  readonly title: string;
  /** By uid: the node's name and how many of its subjects fail. */
  readonly nodes: ReadonlyMap<string, { readonly name: string; readonly subjects: number }>;
  /** A number never used before whenever nodes joined or left. */
  readonly version: number;
}

/** What is asked of the store. */
type Questions = Pick<Store, 'items'>;

interface Rule extends FailingRule {
  readonly nodes: Map<string, { name: string; subjects: number }>;
  version: number;
}

const PAGE_ROWS = 5000;

/**
 * Which rules fail on which nodes: made from the store at the start, then moved along with what is committed, so that
 * neither metrics nor alerts go through all findings of all nodes to count the few that matter.
 */
export class Failing {
  readonly #rules = new Map<string, Rule>();
  /** By uid, then by key of the finding. */
  readonly #ofNode = new Map<string, Map<string, Rule>>();
  /** By uid; another object whenever there is something new to read. */
  readonly #unread = new Map<string, { readonly name: string }>();
  #lastVersion = 0;

  /** Reads what the store holds of nodes that are not retired; `uids` is by name. */
  async load(store: Questions, uids: ReadonlyMap<string, string>): Promise<void> {
    for await (const { node, key, item } of failuresIn(store)) {
      const uid = uids.get(node);
      if (uid !== undefined) this.#set(uid, node, key, item);
    }
  }

  /** The store holds what is not known here of a node: one that was retired, or reported to another aggregator. */
  outdated(uid: string, name: string): void {
    this.#unread.set(uid, { name });
  }

  /** Reads the nodes that are outdated; to be called every second or so. */
  async catchUp(store: Questions): Promise<void> {
    for (const [uid, unread] of [...this.#unread]) {
      const rows: ItemRow[] = [];
      for await (const row of failuresIn(store, unread.name)) rows.push(row);
      // What came meanwhile may be newer than what was read: the next call reads again.
      if (this.#unread.get(uid) !== unread) continue;
      this.drop(uid);
      for (const { key, item } of rows) this.#set(uid, unread.name, key, item);
    }
  }

  /** What was committed of a node's checks. */
  applied(
    uid: string,
    name: string,
    change: { readonly set: KeyedItems; readonly removed: KeyedItems },
  ): void {
    if (this.#unread.has(uid)) this.outdated(uid, name);
    for (const [key] of change.removed) this.#clear(uid, key);
    for (const [key, item] of change.set) {
      this.#clear(uid, key);
      this.#set(uid, name, key, item);
    }
  }

  /** Nothing of this node counts any more. */
  drop(uid: string): void {
    this.#unread.delete(uid);
    for (const key of [...(this.#ofNode.get(uid)?.keys() ?? [])]) this.#clear(uid, key);
  }

  rules(): Iterable<FailingRule> {
    return this.#rules.values();
  }

  #set(uid: string, name: string, key: string, item: Json): void {
    // Most do not fail; what is malformed counts as an error, whatever it says.
    if (!saysFail(item)) return;
    const { result, ruleId, severity, title } = toFindingItem(name, key, item);
    if (result !== 'fail') return;
    const id = `${ruleId} ${severity}`;
    const rule = this.#rules.get(id) ?? { ruleId, severity, title, nodes: new Map(), version: 0 };
    this.#rules.set(id, rule);
    const ofNode = this.#ofNode.get(uid) ?? new Map<string, Rule>();
    this.#ofNode.set(uid, ofNode);
    ofNode.set(key, rule);
    const node = rule.nodes.get(uid);
    if (node === undefined) {
      rule.nodes.set(uid, { name, subjects: 1 });
      rule.version = ++this.#lastVersion;
    } else {
      node.subjects++;
      node.name = name;
    }
  }

  #clear(uid: string, key: string): void {
    const ofNode = this.#ofNode.get(uid);
    const rule = ofNode?.get(key);
    if (rule === undefined) return;
    ofNode?.delete(key);
    if (ofNode?.size === 0) this.#ofNode.delete(uid);
    const node = rule.nodes.get(uid);
    if (node !== undefined && --node.subjects > 0) return;
    rule.nodes.delete(uid);
    rule.version = ++this.#lastVersion;
    if (rule.nodes.size === 0) this.#rules.delete(`${rule.ruleId} ${rule.severity}`);
  }
}

function saysFail(item: Json): boolean {
  return typeof item === 'object' && item !== null && 'result' in item && item['result'] === 'fail';
}

async function* failuresIn(store: Questions, node?: string): AsyncGenerator<ItemRow, void, void> {
  for (let after: string | undefined; ; ) {
    const limit = PAGE_ROWS;
    const page = await store.items({ section: 'checks', outcomes: ['fail'], limit, node, after });
    yield* page.rows;
    if (page.next === undefined) return;
    after = page.next;
  }
}
