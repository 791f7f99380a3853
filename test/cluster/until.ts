import { setTimeout } from 'node:timers/promises';

/**
 * Milliseconds until it is so, asked again and again; who cannot be asked did not say yes. Rejects when it is not so after
 * so many seconds, with what the last one said in its way.
 */
export async function until(
  seconds: number,
  isSo: () => Promise<boolean>,
  pauseMs = 200,
): Promise<number> {
  const from = performance.now();
  let cause: unknown;
  const holds = (): Promise<boolean> =>
    isSo().catch((error: unknown) => {
      cause = error;
      return false;
    });
  while (!(await holds())) {
    if (performance.now() - from > seconds * 1000) {
      throw new Error(`not so after ${seconds} s`, { cause });
    }
    await setTimeout(pauseMs);
  }
  return Math.round(performance.now() - from);
}
