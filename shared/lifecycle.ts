/**
 * Starts one part of a daemon and resolves when it does its work. `stopping` aborts when the daemon is asked to
 * stop, also while later parts still start; disposal follows, last started first.
 */
export type Start = (stopping: AbortSignal) => Promise<AsyncDisposable>;

/** As shells say it of a process that SIGINT ended. */
const EXIT_INTERRUPTED = 130;
const EXIT_TOO_SLOW = 1;

/**
 * Starts the parts in order, waits for SIGTERM or SIGINT, stops them in reverse order and resolves. When a start
 * throws, those before it are stopped and the error is thrown. A second signal ends the process at once (130);
 * so does, with 1, stopping that takes longer than `graceMs`.
 */
export async function runUntilSignal(starts: readonly Start[], graceMs: number): Promise<void> {
  const stopping = new AbortController();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const onSignal = (): void => {
    if (stopping.signal.aborted) process.exit(EXIT_INTERRUPTED);
    stopping.abort();
    setTimeout(() => process.exit(EXIT_TOO_SLOW), graceMs).unref();
    resolve();
  };
  // A program that only waits for a signal has nothing else that keeps the event loop alive.
  const alive = setInterval(() => {}, 2 ** 30);
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    await using parts = new AsyncDisposableStack();
    for (const start of starts) {
      if (stopping.signal.aborted) break;
      parts.use(await start(stopping.signal));
    }
    await asked;
  } finally {
    clearInterval(alive);
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}
