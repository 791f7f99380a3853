import type { Io } from './io.ts';

/** How far a long operation has come: one line on the terminal that is wiped when it is done, nothing in a pipe. */
export interface Progress extends Disposable {
  /** Asked for only when it is shown: not in the first half second, then at most five times a second. */
  say(text: () => string): void;
  /** Wipes the line, before something else is written. */
  clear(): void;
}

const FIRST_MS = 500;
const EVERY_MS = 200;
const WIPE = '\r\u001b[K';
const SILENT: Progress = { say() {}, clear() {}, [Symbol.dispose]() {} };

/** Nothing is shown where stderr is no terminal, or one that cannot wipe a line. */
export function startProgress({ stderr, env, nowMs }: Io): Progress {
  if (!stderr.isTerminal || env['TERM'] === 'dumb') return SILENT;
  let nextMs = nowMs() + FIRST_MS;
  let isShown = false;
  const clear = (): void => {
    if (isShown) stderr.write(WIPE);
    isShown = false;
  };
  return {
    say(text) {
      if (nowMs() < nextMs) return;
      nextMs = nowMs() + EVERY_MS;
      const columns = (stderr.columns ?? 80) - 1;
      stderr.write(`${WIPE}${text().slice(0, columns)}`);
      isShown = true;
    },
    clear,
    [Symbol.dispose]: clear,
  };
}
