import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check } from '../../agent/check.ts';
import { type AgentConfig, configSchema } from '../../agent/config.ts';
import { type Agent, type AgentOptions, startAgent } from '../../agent/daemon.ts';
import { parseConfig } from '../../shared/config.ts';
import { keptLog } from './aggregator.ts';
import { checkOf, findingOf } from './checks.ts';

/** A check that says `fail` when the file at `path` holds "bad", as real ones do: it reads, and is told of changes. */
export function fileCheck(path: string): Check {
  return checkOf(
    'file',
    async ({ host }) => {
      const text = await host.readText(path);
      const result = text === undefined ? 'error' : text.includes('bad') ? 'fail' : 'pass';
      return [
        findingOf('file.a', { result, message: `holds ${text}`, severity: 'high' }),
        findingOf('file.b'),
      ];
    },
    { watches: [dirname(path)] },
  );
}

export interface RunningAgent extends AsyncDisposable {
  readonly agent: Agent;
  readonly log: ReturnType<typeof keptLog>;
  /** Writes a file of the agent's node. */
  write(path: string, text: string): void;
}

export const WATCHED = '/etc/test/file';

/** A real agent in this process over a node of one file, `WATCHED`. */
export async function runAgent(
  folder: string,
  link?: { readonly url: string; readonly token: string },
  options: Partial<AgentOptions> = {},
): Promise<RunningAgent> {
  const hostRoot = join(folder, 'host');
  const tokenFile = join(folder, 'token');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(hostRoot, path)), { recursive: true });
    writeFileSync(join(hostRoot, path), text);
  };
  mkdirSync(join(hostRoot, dirname(WATCHED)), { recursive: true });
  const config: AgentConfig = {
    ...parseConfig('', 'test', configSchema),
    hostRoot,
    stateDir: join(folder, 'state'),
    ...(link === undefined ? {} : { aggregator: { url: link.url, tokenFile, allowPlain: false } }),
  };
  if (link !== undefined) writeFileSync(tokenFile, `${link.token}\n`);
  const log = keptLog();
  const agent = await startAgent(config, { log, checks: [fileCheck(WATCHED)], ...options });
  return { agent, log, write, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
}
