import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { configSchema } from '../aggregator/config.ts';
import { startAggregator } from '../aggregator/daemon.ts';
import { TokenAuthority } from '../aggregator/identity/tokens.ts';
import { systemClock } from '../shared/clock.ts';
import { parseConfig } from '../shared/config.ts';
import { createLogger } from '../shared/log.ts';

/** An aggregator in a process of its own: `fork(SERVER, [stateDir])` sends a `Target` and ends at `stop`. */
export const SERVER: string = import.meta.filename;
/** Nodes with a token for whom agents may be played. */
export const AGENTS = 10;

export interface Target {
  readonly url: string;
  readonly admin: string;
  readonly agents: readonly string[];
}

async function serve(stateDir: string): Promise<void> {
  const log = createLogger({ program: 'bench', level: 'error', fd: 2 });
  const authority = await TokenAuthority.open(stateDir, systemClock, log);
  const files: string[] = [];
  for (let agent = 0; agent < AGENTS; agent++) {
    files.push(await authority.ensureAgent(`load-${agent}`, 'bench'));
  }
  const read = async (file: string): Promise<string> => (await readFile(file, 'utf8')).trim();
  const defaults = parseConfig('', 'bench', configSchema);
  const listen = { ...defaults.listen, port: 0 };
  const aggregator = await startAggregator({ ...defaults, listen, stateDir }, { log });
  process.send?.({
    url: aggregator.url,
    admin: await read(aggregator.tokenFiles.admin),
    agents: await Promise.all(files.map(read)),
  });
  // Whoever measures may end by an error.
  process.on('disconnect', () => process.exit());
  for (let message: unknown; message !== 'stop'; ) {
    [message] = await once(process, 'message');
    const { user, system } = process.cpuUsage();
    if (message === 'cpu') process.send?.((user + system) / 1000);
  }
  await aggregator[Symbol.asyncDispose]();
  process.exit();
}

if (process.argv[1] === SERVER) await serve(process.argv[2] ?? '');
