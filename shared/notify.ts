import type { Start } from './lifecycle.ts';
import type { Logger } from './log.ts';

/** What systemd told this process, sd_notify(3). */
export interface NotifyEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
}

const PROGRAM = 'systemd-notify';

/**
 * The last part of a daemon: tells systemd READY=1 when it starts, WATCHDOG=1 at half the time the unit's
 * WatchdogSec allows, and STOPPING=1 when it stops. It is the event loop that must answer, so a hung process is
 * restarted. Does nothing when systemd did not start this process. Node has no datagram unix socket, therefore
 * systemd-notify(1) runs as a child; the unit needs NotifyAccess=all.
 */
export function startNotify(
  log: Logger,
  environment: NotifyEnvironment = process.env,
  program: string = PROGRAM,
): Start {
  return async (stopping) => {
    if (!environment.NOTIFY_SOCKET) return { [Symbol.asyncDispose]: async () => {} };
    const send = async (state: string): Promise<void> => {
      const failure = await notify(program, state, environment);
      // systemd ends the child together with the daemon: that is no failure of either.
      if (failure === undefined || stopping.aborted) return;
      log.warn({ state, failure }, 'systemd was not notified');
    };
    await send('READY=1');
    const everyMs = Number(environment.WATCHDOG_USEC ?? 0) / 2000;
    const beat = everyMs > 0 ? setInterval(() => void send('WATCHDOG=1'), everyMs) : undefined;
    return {
      [Symbol.asyncDispose]: async () => {
        clearInterval(beat);
        await send('STOPPING=1');
      },
    };
  };
}

/**
 * The line that `systemctl status` shows of a service: what it does, or what is wrong and what to do about it. It stays
 * there after the process has ended. Does nothing when systemd did not start this process.
 */
export class StatusLine {
  readonly #environment: NotifyEnvironment;
  readonly #program: string;
  #told = '';
  #wanted = '';
  #telling: Promise<void> | undefined;

  constructor(environment: NotifyEnvironment = process.env, program: string = PROGRAM) {
    this.#environment = environment;
    this.#program = program;
  }

  /** Of several before systemd was told, it is told the last. */
  set(text: string): void {
    this.#wanted = text.replaceAll(/\s*\n\s*/g, '; ');
    if (!this.#environment.NOTIFY_SOCKET || this.#wanted === this.#told) return;
    this.#telling ??= this.#tell();
  }

  /** Resolves when systemd was told the last, or cannot be: `startNotify` complains of that. */
  async settled(): Promise<void> {
    await this.#telling;
  }

  async #tell(): Promise<void> {
    while (this.#told !== this.#wanted) {
      this.#told = this.#wanted;
      await notify(this.#program, `STATUS=${this.#told}`, this.#environment);
    }
    this.#telling = undefined;
  }
}

/** Why the message was not sent; the daemon's work does not depend on it. */
async function notify(
  program: string,
  state: string,
  environment: NotifyEnvironment,
): Promise<string | undefined> {
  const { spawn } = await import('node:child_process');
  return await new Promise((resolve) => {
    const child = spawn(program, [state], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], NOTIFY_SOCKET: environment.NOTIFY_SOCKET },
      timeout: 5000,
    });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : `ended with ${signal ?? code}`);
    });
  });
}
