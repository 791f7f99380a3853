import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { checks } from '../../agent/checks/index.ts';
import { eventLines } from './events.ts';

/** `npm start`: an aggregator on loopback and an agent on this very machine, shown as the command line shows them. */
const root = join(import.meta.dirname, '../..');
/** Everything this leaves behind: configuration, tokens, database, spool, logs. */
const state = join(root, '.nodeseal');
const adminTokenFile = join(state, 'aggregator/tokens/admin.token');
const PREFERRED_PORT = 8443;
const PATIENCE_MS = 90_000;
const LOOK_AGAIN_MS = 200;

const USAGE = `npm start [-- --once] [-- --host-root DIR]
  --once           end after the first report; else changes are followed until Ctrl-C
  --host-root DIR  look at a node whose files lie under DIR, in place of this machine`;

class Program implements AsyncDisposable {
  readonly name: string;
  readonly #logFile: string;
  readonly #child: ChildProcess;
  #error: Error | undefined;

  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.#logFile = join(state, `${name}.log`);
    const log = openSync(this.#logFile, 'w', 0o600);
    this.#child = spawn(join(root, 'bin', name), args, { stdio: ['ignore', log, log] });
    this.#child.on('error', (error) => {
      this.#error = error;
    });
  }

  /** Throws with its last words when it has ended by itself. */
  assertRuns(): void {
    if (this.#error === undefined && !this.#hasEnded()) return;
    const words = readFileSync(this.#logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
    throw new Error(`${this.name} ended: ${this.#error?.message ?? words}`);
  }

  /** Called when it ends, by itself or not; at once when it has. */
  onEnd(told: () => void): void {
    if (this.#hasEnded()) told();
    else this.#child.once('exit', told);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#error !== undefined || this.#hasEnded()) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

try {
  await main();
} catch (error) {
  console.error(`npm start: ${error instanceof Error ? error.message : error}`);
  if (existsSync(state)) console.error(`  logs are in ${state}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      'host-root': { type: 'string', default: '/' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  refuseTaken();
  // npm changes to the checkout; what is named is seen from where it was called.
  const hostRoot = resolve(process.env['INIT_CWD'] ?? '.', values['host-root']);
  if (statSync(hostRoot, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new Error(`--host-root ${hostRoot}: expected a folder`);
  console.error(`npm start: an aggregator and an agent start, and look at ${hostRoot} …`);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  forgetOtherRoot(hostRoot);
  const url = `http://127.0.0.1:${await freePort()}`;
  await using programs = new AsyncDisposableStack();

  const aggregator = programs.use(startAggregator(url));
  await until('the aggregator answers', [aggregator], async () => {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    return answer?.ok === true;
  });
  const agent = programs.use(startAgent(url, hostRoot));
  writeContext(url);
  await until(
    'the report has arrived',
    [aggregator, agent],
    async () => hasLooked() && reportIsWhole(),
  );

  nodeseal('get', 'nodes');
  console.log();
  nodeseal('get', 'findings', '--all');
  console.log(`\nAggregator  ${url}   (logs, tokens and database: ${state})`);
  console.log(`Web page    ${url}/   sign in with the token in ${adminTokenFile}`);
  if (values.once) return;
  console.log(
    `Ask it      export NODESEAL_CONFIG=${join(state, 'config.yaml')}; bin/nodeseal --help`,
  );
  console.log('Following events until Ctrl-C\n');
  await follow([aggregator, agent]);
}

/** What an agent remembers of one machine is no news of another: its files would all be gone, and others new. */
function forgetOtherRoot(hostRoot: string): void {
  const note = join(state, 'host-root');
  const before = existsSync(note) ? readFileSync(note, 'utf8') : hostRoot;
  if (before !== hostRoot) {
    console.error(
      `npm start: what the agent kept of ${before} is deleted, baseline and unsent events too`,
    );
    rmSync(join(state, 'agent'), { recursive: true, force: true });
  }
  writeFileSync(note, hostRoot);
}

/** Without the two dashes npm keeps a flag for itself, and this would look at another machine or never end. */
function refuseTaken(): void {
  for (const flag of ['once', 'host-root']) {
    if (process.env[`npm_config_${flag.replace('-', '_')}`] === undefined) continue;
    throw new Error(`npm took --${flag} for itself: npm start -- --${flag}`);
  }
}

function startAggregator(url: string): Program {
  const { hostname: address, port } = new URL(url);
  const file = writeConfig('aggregator.yaml', {
    listen: { address, port: Number(port) },
    stateDir: join(state, 'aggregator'),
    bootstrapAgent: 'this-machine',
  });
  return new Program('nodeseal-aggregator', ['--config', file]);
}

function startAgent(url: string, hostRoot: string): Program {
  const file = writeConfig('agent.yaml', {
    hostRoot,
    stateDir: join(state, 'agent'),
    aggregator: { url, tokenFile: join(state, 'aggregator/tokens/agents/this-machine.token') },
  });
  return new Program('nodeseal-agent', ['--config', file]);
}

function writeContext(server: string): void {
  const contexts = [{ name: 'local', server, tokenFile: adminTokenFile }];
  writeConfig('config.yaml', { currentContext: 'local', contexts });
}

/** JSON is YAML. */
function writeConfig(name: string, content: object): string {
  const file = join(state, name);
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  return file;
}

/** What an earlier run left in the database is not this run's report. */
function hasLooked(): boolean {
  const { status } = spawnSync(join(root, 'bin/nodeseal'), ['rescan', 'this-machine', '--quiet'], {
    env: environment(),
  });
  return status === 0;
}

/** Asked as anybody would ask: through the command line, until every check has spoken. */
function reportIsWhole(): boolean {
  const { status, stdout } = spawnSync(
    join(root, 'bin/nodeseal'),
    ['get', 'findings', '--all', '-o', 'json'],
    {
      env: environment(),
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  if (status !== 0 && status !== 1) return false;
  const { items } = JSON.parse(stdout) as { items: readonly { checkId: string }[] };
  const spoken = new Set(items.map(({ checkId }) => checkId));
  return checks.every(({ id }) => spoken.has(id));
}

function nodeseal(...args: string[]): void {
  spawnSync(join(root, 'bin/nodeseal'), args, { env: environment(), stdio: 'inherit' });
}

/** Prints events until Ctrl-C; throws when one of the programs ended by itself. */
async function follow(programs: readonly Program[]): Promise<void> {
  const sinceMs = Date.now();
  const watch = spawn(join(root, 'bin/nodeseal'), ['watch', 'events', '-o', 'jsonl'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let isEnding = false;
  const end = (): void => void watch.kill('SIGINT');
  // Ctrl-C reaches every program of the terminal: this one stays to see the others end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isEnding = true;
      end();
    });
  }
  for (const program of programs) program.onEnd(end);
  for await (const line of eventLines(watch.stdout, sinceMs)) console.log(line);
  if (!isEnding) for (const program of programs) program.assertRuns();
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, NODESEAL_CONFIG: join(state, 'config.yaml') };
}

async function until(
  what: string,
  programs: readonly Program[],
  isSo: () => Promise<boolean>,
): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    for (const program of programs) program.assertRuns();
    if (await isSo()) return;
    await delay(LOOK_AGAIN_MS);
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s until ${what}`);
}

async function freePort(): Promise<number> {
  for (const port of [PREFERRED_PORT, 0]) {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    const address = server.address();
    await new Promise((closed) => server.close(closed));
    if (typeof address === 'object' && address !== null) return address.port;
  }
  throw new Error('no free port on loopback');
}
