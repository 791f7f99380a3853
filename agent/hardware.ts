import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Of this machine; only where the host root is the machine's own. */
export interface Hardware {
  readonly memoryBytes: number;
  readonly cpus: number;
}

/** In a build the same module is JavaScript. */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './hardware-worker.ts' : './hardware-worker.js',
  import.meta.url,
);

/**
 * Asks systeminformation, in a thread that ends with its answer: loaded into the agent itself the library would stay
 * resident, 10 MB for a number that never changes. Only its call that starts no shell is used.
 */
export async function readHardware(): Promise<Hardware> {
  known ??= ask();
  return await known;
}

/** Of the machine, which is the same all our life. */
let known: Promise<Hardware> | undefined;

async function ask(): Promise<Hardware> {
  const worker = new Worker(PROGRAM, { execArgv: [] });
  try {
    const [memoryBytes] = await once(worker, 'message');
    return { memoryBytes, cpus: availableParallelism() };
  } finally {
    await worker.terminate();
  }
}
