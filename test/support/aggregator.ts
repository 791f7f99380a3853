import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AggregatorConfig, configSchema } from '../../aggregator/config.ts';
import { type Aggregator, startAggregator } from '../../aggregator/daemon.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { parseConfig } from '../../shared/config.ts';
import type { Logger } from '../../shared/log.ts';

/** A log that keeps its lines for tests to look at. */
export function keptLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { lines, debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}

export interface RunningAggregator extends AsyncDisposable {
  readonly aggregator: Aggregator;
  readonly url: string;
  readonly log: ReturnType<typeof keptLog>;
  readonly adminToken: string;
  /** Of the node of the bootstrap; empty where there is none. */
  readonly agentToken: string;
  /** Answer of the API, as the administrator unless another token is given; null sends none. */
  get(
    path: string,
    token?: string | null,
  ): Promise<{ status: number; body: unknown; type: string }>;
  post(path: string, body?: unknown, token?: string): Promise<{ status: number; body: unknown }>;
}

/** Empty where another aggregator on the database made the token. */
async function tokenIn(file = ''): Promise<string> {
  return existsSync(file) ? (await readFile(file, 'utf8')).trim() : '';
}

/** A real aggregator on loopback, on a free port, with one node called `node-1`. */
export async function runAggregator(
  stateDir: string,
  change: Partial<AggregatorConfig> = {},
  clock: Clock = systemClock,
): Promise<RunningAggregator> {
  const defaults = parseConfig('', 'test', configSchema);
  const log = keptLog();
  const aggregator = await startAggregator(
    {
      ...defaults,
      stateDir,
      listen: { ...defaults.listen, port: 0 },
      bootstrapAgent: 'node-1',
      ...change,
    },
    { log, clock },
  );
  const { url, tokenFiles } = aggregator;
  const adminToken = await tokenIn(tokenFiles.admin);
  const agentToken = await tokenIn(tokenFiles.agent);
  const headers = (token: string | null): Record<string, string> =>
    token === null ? {} : { authorization: `Bearer ${token}` };
  return {
    aggregator,
    url,
    log,
    adminToken,
    agentToken,
    async get(path, token = adminToken) {
      const response = await fetch(`${url}${path}`, { headers: headers(token) });
      const type = response.headers.get('content-type') ?? '';
      const text = await response.text();
      return {
        status: response.status,
        type,
        body: type.includes('json') ? JSON.parse(text) : text,
      };
    },
    async post(path, body, token = adminToken) {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: {
          ...headers(token),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    [Symbol.asyncDispose]: () => aggregator[Symbol.asyncDispose](),
  };
}
