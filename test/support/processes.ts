import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

const root = join(import.meta.dirname, '../..');

/** One of our programs as a process of its own, run from its source. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #name: string;
  #output = '';

  /** `environment`: what it has beside that of this process. */
  constructor(
    name: 'agent' | 'aggregator',
    config: object,
    folder: string,
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#name = name;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${name}.yaml`);
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config));
    this.child = spawn(process.execPath, [join(root, name, 'main.ts'), '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += chunk;
      });
    }
  }

  /** Resolves when the log says so; rejects when the process ends first. */
  async says(words: string): Promise<void> {
    while (!this.#output.includes(words)) {
      if (this.child.exitCode !== null) throw new Error(`${this.#name}: ${this.#output}`);
      await Promise.race([once(this.child.stdout ?? this.child, 'data'), once(this.child, 'exit')]);
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGTERM');
  }
}

/** Keys of its configuration file that are to be other than by default. */
export interface AggregatorChange {
  readonly stateDir?: string;
  readonly databaseUrl?: string;
  readonly listen?: { readonly address: string; readonly allowPlain: boolean };
  readonly limits?: object;
  readonly alerts?: object;
}

/** An aggregator as a process, with one node called `node-1`. */
export class AggregatorProcess {
  readonly url: string;
  readonly #folder: string;
  readonly #stateDir: string;
  readonly #port: number;
  readonly #config: AggregatorChange;
  readonly #environment: Readonly<Record<string, string>>;
  program: Program;

  private constructor(
    folder: string,
    port: number,
    config: AggregatorChange,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#folder = folder;
    this.#port = port;
    this.#config = config;
    this.#environment = environment;
    this.#stateDir = config.stateDir ?? join(folder, 'state');
    this.url = `http://${config.listen?.address ?? '127.0.0.1'}:${port}`;
    this.program = this.#spawn();
  }

  /** `config`: what is to be other than by default. */
  static async start(
    folder: string,
    config: AggregatorChange = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<AggregatorProcess> {
    const aggregator = new AggregatorProcess(folder, await freePort(), config, environment);
    await aggregator.program.says('aggregator is ready');
    return aggregator;
  }

  async restart(): Promise<void> {
    this.program = this.#spawn();
    await this.program.says('aggregator is ready');
  }

  get agentToken(): string {
    return this.#token('agents/node-1.token');
  }

  get adminToken(): string {
    return this.#token('admin.token');
  }

  async get(
    path: string,
  ): Promise<{ items: readonly Record<string, unknown>[]; continue?: string }> {
    const headers = { authorization: `Bearer ${this.adminToken}` };
    const response = await fetch(`${this.url}${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Awaited<ReturnType<AggregatorProcess['get']>>; // a list of the API
  }

  async post(
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = {
      authorization: `Bearer ${this.adminToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${this.url}${path}`, { method: 'POST', headers, ...sent });
    return { status: response.status, body: await response.json() };
  }

  /** Makes a node and gives its token. */
  async tokenOf(name: string): Promise<string> {
    const response = await fetch(`${this.url}/v1/tokens`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.adminToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ kind: 'agent', name }),
    });
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { token: string }).token;
  }

  /** All pages of a list. */
  async all(path: string): Promise<readonly Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    for (let token: string | undefined; ; ) {
      const next = token === undefined ? '' : `&continue=${encodeURIComponent(token)}`;
      const page = await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=500${next}`);
      items.push(...page.items);
      token = page.continue;
      if (token === undefined) return items;
    }
  }

  #spawn(): Program {
    const config = {
      stateDir: this.#stateDir,
      bootstrapAgent: 'node-1',
      ...this.#config,
      listen: { port: this.#port, ...this.#config.listen },
    };
    return new Program('aggregator', config, this.#folder, this.#environment);
  }

  #token(file: string): string {
    return readFileSync(join(this.#stateDir, 'tokens', file), 'utf8').trim();
  }
}
