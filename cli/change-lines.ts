import type { Coverage } from '../shared/api.ts';
import { safeText } from '../shared/safe-text.ts';
import { coverageText } from './coverage.ts';
import type { Io } from './io.ts';
import { jsonLine } from './output/jsonl.ts';
import type { Resource } from './resource.ts';
import { fieldOf } from './selector.ts';
import type { Change, View } from './view.ts';

/** Events of which it is remembered that they were told: those that came in one moment are asked for again. */
const REMEMBERED_EVENTS = 5000;

/** JSON lines: first every item there is, then each change; after a lost connection only what changed meanwhile. */
export class ChangeLines<Item> implements View<Item> {
  readonly #resource: Resource<Item>;
  readonly #io: Io;
  readonly #told = new Map<string, Item>();
  #lost: string | undefined;
  isShown = false;
  lastReceivedAt: string | undefined;

  constructor(resource: Resource<Item>, io: Io) {
    this.#resource = resource;
    this.#io = io;
  }

  start(items: readonly Item[], coverage: Coverage | undefined): void {
    this.isShown = true;
    this.#lost = undefined;
    if (this.#resource.type !== 'events') this.#tellMissing(items);
    for (const item of items) this.apply({ change: 'set', item });
    if (coverage !== undefined)
      this.#io.stderr.write(`${coverageText(coverage, this.#io.nowMs())}\n`);
  }

  apply({ change, item }: Change<Item>): void {
    const key = this.#resource.keyOf(item);
    const before = this.#told.get(key);
    // What was never told needs no word when it goes.
    if (change === 'removed' && before === undefined) return;
    if (change === 'set' && JSON.stringify(before) === JSON.stringify(item)) return;
    if (change === 'removed') this.#told.delete(key);
    else this.#told.set(key, item);
    this.#remember(item);
    this.#io.stdout.write(jsonLine({ change, item }));
  }

  /** Told once, however often it is tried. */
  lost(why: string): void {
    if (this.#lost === why) return;
    this.#lost = why;
    this.#io.stderr.write(`lost the aggregator: ${safeText(why)}\n`);
  }

  close(): void {}

  /** What was told and is not in the list any more was removed while nobody listened. */
  #tellMissing(items: readonly Item[]): void {
    const there = new Set(items.map((item) => this.#resource.keyOf(item)));
    for (const [key, item] of [...this.#told]) {
      if (!there.has(key)) this.apply({ change: 'removed', item });
    }
  }

  #remember(item: Item): void {
    if (this.#resource.type !== 'events') return;
    const at = fieldOf(item, 'receivedAt');
    if (typeof at === 'string') this.lastReceivedAt = at;
    const [oldest] = this.#told.keys();
    if (this.#told.size > REMEMBERED_EVENTS && oldest !== undefined) this.#told.delete(oldest);
  }
}
