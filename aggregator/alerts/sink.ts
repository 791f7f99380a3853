import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import type { Target } from './delivery.ts';
import type { Notice } from './notice.ts';

/** Counts what becomes of notices, by sink. */
export interface SinkCounters {
  sent(sink: string): void;
  failed(sink: string): void;
  dropped(sink: string, reason: 'overflow' | 'refused' | 'expired'): void;
}

export interface SinkOptions {
  /** `webhook:alerts.example.com`: the address may hold a secret, its host does not. */
  readonly name: string;
  readonly target: Target;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly counters: SinkCounters;
}

export interface SinkStatus {
  readonly name: string;
  /** Notices that wait. */
  readonly queued: number;
  /** Milliseconds since 1970; null when nothing was delivered since the start. */
  readonly lastSuccessMs: number | null;
  /** Why the last attempt failed; undefined when it did not. */
  readonly reason: string | undefined;
}

/** One receiver of alerts. */
export interface Sink extends AsyncDisposable {
  accept(notice: Notice): void;
  /** Starts what is due and does not wait for it; to be called every second or so. `firing` is every alert that is on. */
  tick(firing: readonly Notice[]): void;
  /** Resolves when no attempt is under way. */
  idle(): Promise<void>;
  status(): SinkStatus;
  /** What waits, for a restart. */
  waiting(): readonly Notice[];
}
