/** A part of a daemon that does its work until it is disposed of. */
export interface Part extends AsyncDisposable {
  /** Rejects when the part finds that the daemon cannot go on. */
  readonly failed?: Promise<never>;
}

/**
 * Starts one part of a daemon and resolves when it does its work. `stopping` aborts when the daemon is asked to
 * stop, also while later parts still start; disposal follows, last started first.
 */
export type Start = (stopping: AbortSignal) => Promise<Part>;

/** As shells say it of a process that SIGINT ended. */
const EXIT_INTERRUPTED = 130;
const EXIT_TOO_SLOW = 1;

/**
 * Starts the parts in order, waits for SIGTERM or SIGINT, stops them in reverse order and resolves. When a start
 * throws, those before it are stopped and the error is thrown; so are all when one of them fails later. A second signal
 * ends the process at once (130); so does, with 1, stopping that takes longer than `graceMs`.
 */
export async function runUntilSignal(starts: readonly Start[], graceMs: number): Promise<void> {
  const stopping = new AbortController();
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => {
    stopping.abort();
    setTimeout(() => process.exit(EXIT_TOO_SLOW), graceMs).unref();
  };
  let signals = 0;
  const onSignal = (): void => {
    if (++signals > 1) process.exit(EXIT_INTERRUPTED);
    stop();
    resolve();
  };
  const onFailure = (error: unknown): void => {
    stop();
    reject(error);
  };
  // Also while later parts still start.
  over.catch(() => {});
  // A program that only waits for a signal has nothing else that keeps the event loop alive.
  const alive = setInterval(() => {}, 2 ** 30);
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    await using parts = new AsyncDisposableStack();
    for (const start of starts) {
      if (stopping.signal.aborted) break;
      const part = parts.use(await start(stopping.signal));
      part.failed?.catch(onFailure);
    }
    await over;
  } finally {
    clearInterval(alive);
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}
