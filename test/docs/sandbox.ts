import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../../agent/config.ts';
import { type Agent, startAgent } from '../../agent/daemon.ts';
import type { NodeList } from '../../shared/api.ts';
import { systemClock } from '../../shared/clock.ts';
import { parseConfig } from '../../shared/config.ts';
import { type Outcome, runCli } from '../cli/fake-io.ts';
import { keptLog } from '../support/aggregator.ts';
import { until } from '../support/link-node.ts';
import { runTlsAggregator, type TlsAggregator } from '../support/tls-aggregator.ts';

/** Files that the documentation speaks of. */
const FILES = {
  'policy.json':
    '{"default":[{"type":"reject"}],"transports":{"docker":{"quay.io":[{"type":"signedby"}]}}}\n',
};

/** An aggregator with TLS, an agent that enrolled as `worker-1`, and a command line whose context `prod` they are. */
export class Sandbox implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: TlsAggregator;
  readonly #agent: Agent;

  private constructor(folder: string, server: TlsAggregator, agent: Agent) {
    this.#folder = folder;
    this.#server = server;
    this.#agent = agent;
  }

  static async start(folder: string): Promise<Sandbox> {
    const hostRoot = join(folder, 'host');
    mkdirSync(join(hostRoot, 'etc/containers'), { recursive: true });
    writeFileSync(join(hostRoot, 'etc/containers/policy.json'), '{"default":[{"type":"reject"}]}');
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
    const inventory = [{ name: 'worker-1', pool: 'default' }];
    const server = await runTlsAggregator(folder, { inventory, bootstrapAgent: undefined });
    const joinTokenFile = join(folder, 'join.token');
    writeFileSync(joinTokenFile, server.joinToken);
    writeFileSync(join(folder, 'admin.token'), server.running.adminToken, { mode: 0o600 });
    writeFileSync(join(folder, 'ca.crt'), server.authority.ca);
    const url = server.running.url;
    const link = { url, joinTokenFile };
    const text = JSON.stringify({
      hostRoot,
      stateDir: join(folder, 'agent'),
      nodeName: 'worker-1',
      aggregator: link,
    });
    const config = parseConfig(text, 'agent.yaml', configSchema);
    const agent = await startAgent(config, { log: keptLog(), random: () => 0 });
    const sandbox = new Sandbox(folder, server, agent);
    const login = ['login', 'prod', '--server', url, '--ca-file', join(folder, 'ca.crt')];
    await sandbox.run([...login, '--token-file', join(folder, 'admin.token')]);
    await until(async () => {
      const { body } = await server.get('/v1/nodes');
      return (body as NodeList).coverage?.reporting === 1;
    });
    return sandbox;
  }

  /** Runs a command line of nodeseal in the folder; paths of its files are written out. */
  run(words: readonly string[]): Promise<Outcome> {
    const env = {
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
      HOME: this.#folder,
      NODESEAL_CONFIG: join(this.#folder, 'config.yaml'),
    };
    const there = words.map((word) => (word in FILES ? join(this.#folder, word) : word));
    return runCli(there, { env, nowMs: systemClock.nowMs() });
  }

  /** Text as it would be if the folder were where one is. */
  shorten(text: string): string {
    return text.replaceAll(`${this.#folder}/`, '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
