import type { Host } from '../host.ts';

/** A process with its security context. */
export interface LabelledProcess {
  readonly pid: string;
  readonly label: string;
}

/** The labels of all processes, as far as they may be read. */
export interface ProcessLabels {
  readonly processes: readonly LabelledProcess[];
  /** Why labels are not among them: the first error. */
  readonly problem: unknown;
}

/** Processes looked at between two questions whether to go on. */
const BATCH = 64;

/** Security contexts of the processes in `/proc`; undefined where the node's procfs is not visible. */
export async function processLabels(
  host: Host,
  signal: AbortSignal,
): Promise<ProcessLabels | undefined> {
  const pids = ((await host.list('/proc')) ?? []).filter((name) => /^[1-9]\d*$/.test(name));
  if (!pids.includes('1')) return undefined;
  const processes: LabelledProcess[] = [];
  let problem: unknown;
  for (let from = 0; from < pids.length; from += BATCH) {
    signal.throwIfAborted();
    await Promise.all(
      pids.slice(from, from + BATCH).map(async (pid) => {
        try {
          const label = await host.readText(`/proc/${pid}/attr/current`);
          // The kernel ends it with a zero byte.
          if (label !== undefined) processes.push({ pid, label: label.replace(/\0$/, '').trim() });
        } catch (error) {
          problem ??= error;
        }
      }),
    );
  }
  return { processes, problem };
}

/** The type of a context `user:role:type:level`; undefined for text that is none. */
export function typeOf(label: string): string | undefined {
  const parts = label.split(':');
  return parts.length >= 3 ? parts[2] : undefined;
}
