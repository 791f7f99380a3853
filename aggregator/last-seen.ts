import type { Store } from './store/store.ts';

/** When nodes were last heard, until it is written: a database that wrote each sign of life would do nothing else. */
export class LastSeen {
  readonly #store: Pick<Store, 'touch'>;
  readonly #unsaved = new Map<string, number>();

  constructor(store: Pick<Store, 'touch'>) {
    this.#store = store;
  }

  /** Milliseconds since 1970. */
  heard(uid: string, atMs: number): void {
    this.#unsaved.set(uid, atMs);
  }

  /** Rejects with what the store says; then it is written the next time. */
  async flush(): Promise<void> {
    if (this.#unsaved.size === 0) return;
    const seen = new Map(this.#unsaved);
    this.#unsaved.clear();
    try {
      await this.#store.touch(seen);
    } catch (error) {
      for (const [uid, atMs] of seen) this.#unsaved.set(uid, this.#unsaved.get(uid) ?? atMs);
      throw error;
    }
  }
}
