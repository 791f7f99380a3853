import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checks } from '../agent/checks/index.ts';
import { openHost } from '../agent/host.ts';
import { DEFAULT_VALUES } from '../agent/profile-values.ts';
import { runChecks } from '../agent/runner.ts';
import { systemClock } from '../shared/clock.ts';
import { makeHostRoot, noHostRoots } from '../test/support/host-root.ts';
import { type Figure, median, round, tell } from './figure.ts';

/**
 * What one pass over all rules costs, images left out: processor time in a process that has just started and in one that
 * has looked before, then whole processes beside each other: `nodeseal check`, `aide --check` of the same /etc and `oscap`
 * with six of its SELinux and FIPS rules. Needs a build; aide and oscap (Debian's aide, openscap-scanner, ssg-nondebian)
 * where they are to be compared.
 *
 * `npm run build && node bench/checks.ts [--rounds 9] [--json]`
 */
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, json: { type: 'boolean', default: false } },
});
const ROOT = join(import.meta.dirname, '..');
const CLI = join(ROOT, 'dist/cli/main.js');
const DATASTREAM = '/usr/share/xml/scap/ssg/content/ssg-rhcos4-ds.xml';
const OSCAP_RULES = [
  'selinux_state',
  'selinux_policytype',
  'coreos_enable_selinux_kernel_argument',
  'enable_fips_mode',
  'configure_crypto_policy',
  'sysctl_crypto_fips_enabled',
];
if (noHostRoots !== false) throw new Error(noHostRoots);
if (!existsSync(CLI)) throw new Error('not built: npm run build');
const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-checks-'));
const hostRoot = makeHostRoot(join(folder, 'host'));

const asked = checks.filter(({ id }) => id !== 'images');
const context = {
  host: openHost(hostRoot),
  clock: systemClock,
  baseline: undefined,
  values: DEFAULT_VALUES,
};
const passes: number[] = [];
for (let round = 0; round <= Number(options.rounds); round++) {
  const before = process.cpuUsage();
  await runChecks(asked, context);
  const { user, system } = process.cpuUsage(before);
  passes.push((user + system) / 1000);
}
const [first = Number.NaN, ...later] = passes;
const rules = asked.flatMap((check) => check.rules).length;

interface Peer {
  readonly id: 'own' | 'aide' | 'oscap';
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly wallMs: number[];
  readonly memoryMiB: number[];
}

const peers: Peer[] = [
  peer('own', `nodeseal check (${rules} rules)`, [
    process.execPath,
    CLI,
    'check',
    '--host-root',
    hostRoot,
    '--skip',
    'images',
  ]),
  ...aide(),
  ...oscap(),
];
for (let round = 0; round <= Number(options.rounds); round++) {
  for (const one of peers) {
    const { wallMs, memoryMiB } = run(one);
    // The first round warms up.
    if (round === 0) continue;
    one.wallMs.push(wallMs);
    one.memoryMiB.push(memoryMiB);
  }
}
rmSync(folder, { recursive: true });

const [own] = peers;
const report = {
  cpuMsOfFirstPass: round(first),
  cpuMsOfLaterPass: round(median(later)),
  processes: peers.map(({ name, wallMs, memoryMiB }) => ({
    name,
    wallMs: round(median(wallMs)),
    ratio: round(median(wallMs.map((ms, index) => ms / (own?.wallMs[index] ?? ms)))),
    peakMiB: round(median(memoryMiB)),
  })),
};
const at = `${rules} rules`;
tell(
  { id: 'checks.first', at, ours: first },
  { id: 'checks.later', at, ours: median(later) },
  ...peers
    .slice(1)
    .flatMap((one): Figure[] => [
      besidePeer(`checks.time.${one.id}`, own?.wallMs ?? [], one.wallMs),
      besidePeer(`checks.memory.${one.id}`, own?.memoryMiB ?? [], one.memoryMiB),
    ]),
);
if (options.json) console.log(JSON.stringify({ node: process.version, ...report }));
else {
  console.log(`one pass over ${rules} rules, images left out, processor time of this process:`);
  console.log(`  first ${report.cpuMsOfFirstPass} ms, later ${report.cpuMsOfLaterPass} ms`);
  console.table(report.processes);
}

function besidePeer(id: string, ours: readonly number[], peers: readonly number[]): Figure {
  const ratio = median(ours.map((value, index) => value / (peers[index] ?? Number.NaN)));
  return { id, at, ours: median(ours), bare: median(peers), ratio };
}

function aide(): readonly Peer[] {
  if (spawnSync('aide', ['--version']).error !== undefined) return [];
  const config = join(folder, 'aide.conf');
  const database = join(folder, 'aide.db');
  const lines = [
    `database_in=file:${database}`,
    `database_out=file:${database}`,
    'report_url=stdout',
    'R = sha512+ftype+p+u+g+n+acl+xattrs',
    `${join(hostRoot, 'etc')} R`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  spawnSync('aide', ['--init', `--config=${config}`]);
  return [peer('aide', 'aide --check of the same /etc', ['aide', '--check', `--config=${config}`])];
}

function oscap(): readonly Peer[] {
  if (spawnSync('oscap', ['--version']).error !== undefined || !existsSync(DATASTREAM)) return [];
  const names = OSCAP_RULES.flatMap((rule) => [
    '--rule',
    `xccdf_org.ssgproject.content_rule_${rule}`,
  ]);
  const command = ['oscap', 'xccdf', 'eval', '--profile', 'moderate', ...names, DATASTREAM];
  return [
    peer('oscap', 'oscap, six SELinux and FIPS rules', command, { OSCAP_PROBE_ROOT: hostRoot }),
  ];
}

function peer(
  id: Peer['id'],
  name: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Peer {
  return { id, name, command, env, wallMs: [], memoryMiB: [] };
}

/** `time` of the shell has no peak; GNU time writes it last, after the program's own words. */
function run({ name, command, env }: Peer): {
  readonly wallMs: number;
  readonly memoryMiB: number;
} {
  const startMs = performance.now();
  const { stderr, error } = spawnSync('/usr/bin/time', ['-f', '%M', ...command], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  const wallMs = performance.now() - startMs;
  const kib = Number(stderr?.trim().split('\n').at(-1));
  if (error !== undefined || Number.isNaN(kib)) throw new Error(`${name}: ${error ?? stderr}`);
  return { wallMs, memoryMiB: kib / 1024 };
}
