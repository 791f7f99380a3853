import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchMessages } from '../support/watch-messages.ts';

/**
 * What runs inside the guest, as root, on its real kernel: asks the command line, then starts aggregator and agent and
 * switches what only a kernel has. Arguments: the checkout (read-only), a folder for its report. Nothing is judged here.
 */
const [checkout = '', out = ''] = process.argv.slice(2);
const ENFORCE = '/sys/fs/selinux/enforce';
const BOOLEAN = 'virt_use_nfs';
const PORT = 20_443;
const ROUNDS = 10;

/** A finding as the aggregator's watch tells it, and when it came. */
interface Told {
  readonly ruleId: string;
  readonly subject?: string;
  readonly result: string;
  readonly reason?: string;
  readonly severity: string;
  readonly message: string;
  readonly atMs: number;
}

const folder = '/run/nodeseal-vm';
const program = (name: string): string => join(checkout, `dist/${name}/main.js`);
const report: Record<string, unknown> = { mode: mode() };

report['check'] = check();
if (mode() !== 'disabled') await live();
writeFileSync(join(out, 'report.json'), JSON.stringify(report, null, 1));

function mode(): string {
  return spawnSync('getenforce', { encoding: 'utf8' }).stdout.trim().toLowerCase();
}

/** The items of `check -o json`; its exit code says what they say. */
function check(): unknown {
  const args = [program('cli'), 'check', '-o', 'json', '--only', 'selinux,fips,seccomp'];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stderr, items: status === null ? [] : JSON.parse(stdout).items };
}

async function live(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const state = join(folder, 'aggregator');
  await using aggregator = await start('aggregator', 'aggregator is ready', {
    listen: { port: PORT },
    stateDir: state,
    bootstrapAgent: 'guest',
  });
  const token = (file: string): string => readFileSync(join(state, 'tokens', file), 'utf8').trim();
  await using agent = await start('agent', 'connected to the aggregator', {
    stateDir: join(folder, 'agent'),
    checks: { include: ['selinux', 'fips'] },
    aggregator: {
      url: `http://127.0.0.1:${PORT}`,
      tokenFile: join(state, 'tokens/agents/guest.token'),
    },
  });
  const findings = await follow(token('admin.token'));
  await findings.settled();
  const before = readFileSync(ENFORCE, 'utf8').trim() === '1';
  const switches: object[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const to = round % 2 === 0 ? !before : before;
    const told = findings.next(
      ({ ruleId, result }) => ruleId === 'selinux.enforcing' && (result !== 'fail') === to,
    );
    const startMs = performance.now();
    writeFileSync(ENFORCE, to ? '1' : '0');
    switches.push({ to, ...timed(await told, startMs) });
    await pause(600);
  }
  report['switches'] = switches;

  const hidden = findings.next(({ ruleId, subject }) => {
    return ruleId === 'selinux.uninterrupted' && subject !== undefined;
  });
  let startMs = performance.now();
  writeFileSync(ENFORCE, before ? '0' : '1');
  writeFileSync(ENFORCE, before ? '1' : '0');
  report['hidden'] = timed(await hidden, startMs);
  await pause(600);

  const isBoolean = ({ ruleId, subject }: Told): boolean =>
    ruleId === 'selinux.booleans' && subject?.endsWith(BOOLEAN) === true;
  const turned = findings.next((told) => isBoolean(told) && told.result === 'fail');
  startMs = performance.now();
  execFileSync('setsebool', [BOOLEAN, 'on']);
  report['boolean'] = timed(await turned, startMs);
  const back = findings.gone(isBoolean);
  startMs = performance.now();
  execFileSync('setsebool', [BOOLEAN, 'off']);
  await back;
  report['booleanBack'] = { tookMs: Math.round(performance.now() - startMs) };

  // A policy loaded again is no switch of the mode: nothing must say so.
  await pause(600);
  const loads = policyLoads();
  const unseen = ({ ruleId, result }: Told): boolean =>
    ruleId === 'selinux.uninterrupted' && result === 'fail';
  const earlier = findings.all.filter(unseen).length;
  execFileSync('load_policy');
  await pause(3000);
  const said = findings.all.filter(unseen).length - earlier;
  report['load'] = { loads: policyLoads() - loads, hiddenSwitches: said };
  void [aggregator, agent];
}

function policyLoads(): number {
  return readFileSync('/sys/fs/selinux/status').readUInt32LE(12);
}

function timed({ atMs, ...told }: Told, startMs: number): object {
  return { tookMs: Math.round(atMs - startMs), told };
}

async function pause(ms: number): Promise<void> {
  await new Promise((resume) => setTimeout(resume, ms));
}

async function start(
  name: 'agent' | 'aggregator',
  words: string,
  config: object,
): Promise<AsyncDisposable> {
  const file = join(folder, `${name}.yaml`);
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const child: ChildProcess = spawn(process.execPath, [program(name), '--config', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for (let said = ''; !said.includes(words); ) {
    const [chunk] = await once(child.stdout ?? child, 'data');
    said += chunk;
  }
  child.stdout?.resume();
  return {
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

interface Findings {
  readonly all: readonly Told[];
  next(isIt: (told: Told) => boolean): Promise<Told>;
  /** Resolves when none that is meant is left at the aggregator. */
  gone(isIt: (told: Told) => boolean): Promise<void>;
  /** Resolves when nothing came for two seconds. */
  settled(): Promise<void>;
}

async function follow(token: string): Promise<Findings> {
  const headers = { authorization: `Bearer ${token}` };
  const url = `http://127.0.0.1:${PORT}`;
  const messages = await watchMessages({ url, token }, new AbortController().signal, 'findings');
  const all: Told[] = [];
  const news = new EventTarget();
  const read = async (): Promise<void> => {
    for await (const told of messages) {
      if (told.topic !== 'findings') continue;
      all.push({ ...told.item, atMs: performance.now() });
      news.dispatchEvent(new Event('told'));
    }
  };
  read().catch(() => {});
  return {
    all,
    async next(isIt) {
      for (let from = all.length; ; ) {
        const found = all.slice(from).find(isIt);
        if (found !== undefined) return found;
        await once(news, 'told');
      }
    },
    async gone(isIt) {
      for (;;) {
        const list = await fetch(`${url}/v1/findings?limit=500`, { headers });
        const { items } = (await list.json()) as { items: readonly Told[] };
        if (!items.some((item) => isIt(item) && item.result === 'fail')) return;
        await pause(50);
      }
    },
    async settled() {
      for (let seen = -1; seen !== all.length; ) {
        seen = all.length;
        await pause(2000);
      }
    },
  };
}
