import type { WatchMessage } from '../../shared/api.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Fleet } from '../fleet.ts';
import type { Store } from '../store/store.ts';
import { ChangeHistory } from './change-history.ts';
import { type FleetOverview, overviewOf } from './fleet-overview.ts';

/** Made anew at most so often, however much changes. */
const LEAST_MS = 1000;
/** What no message tells (a list of expected nodes that got old) is seen after this time. */
const MOST_MS = 5000;
/** Kept so long after the last time somebody asked. */
const IDLE_MS = 60_000;

/**
 * What several pages need of the whole fleet, kept while somebody looks: changes outdate it, and it is made again when
 * it is asked for. Nobody looking costs nothing.
 */
export class FleetViews {
  readonly #fleet: Fleet;
  readonly #store: Pick<Store, 'events'>;
  readonly #clock: Clock;
  #overview: { readonly value: FleetOverview; readonly madeMs: number } | undefined;
  #isOutdated = false;
  #history: Promise<ChangeHistory> | undefined;
  #askedMs = 0;
  #unwatch: (() => void) | undefined;

  constructor(fleet: Fleet, store: Pick<Store, 'events'>, clock: Clock) {
    this.#fleet = fleet;
    this.#store = store;
    this.#clock = clock;
  }

  overview(): FleetOverview {
    this.#watch();
    const nowMs = this.#clock.monotonicMs();
    const ageMs = nowMs - (this.#overview?.madeMs ?? Number.NEGATIVE_INFINITY);
    if (this.#overview === undefined || ageMs >= (this.#isOutdated ? LEAST_MS : MOST_MS)) {
      this.#overview = { value: overviewOf(this.#fleet), madeMs: nowMs };
      this.#isOutdated = false;
    }
    return this.#overview.value;
  }

  /** Rejects as the store does; the next call tries again. */
  async history(): Promise<ChangeHistory> {
    this.#watch();
    if (this.#history === undefined) {
      const loading = ChangeHistory.load(this.#store, this.#clock.nowMs());
      this.#history = loading;
      loading.catch(() => {
        this.#history = undefined;
      });
    }
    return await this.#history;
  }

  #watch(): void {
    this.#askedMs = this.#clock.monotonicMs();
    this.#unwatch ??= this.#fleet.watch((message) => this.#told(message));
  }

  #told(message: WatchMessage): void {
    if (this.#clock.monotonicMs() - this.#askedMs >= IDLE_MS) {
      this.#unwatch?.();
      this.#unwatch = undefined;
      this.#overview = undefined;
      this.#history = undefined;
      return;
    }
    this.#isOutdated = true;
    if (message.topic !== 'events') return;
    // That it could not be loaded is told to who asked for it.
    void this.#history?.then(
      (history) => history.add(message.item),
      () => {},
    );
  }
}
