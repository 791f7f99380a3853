import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { sharedDir } from '../support/shared.ts';

/** A whole machine with a real SELinux kernel, by software emulation: minutes, so only where it is asked for. */
const shared = sharedDir();
const tool = shared === undefined ? undefined : join(shared, 'tools/selinux-vm');
const why =
  process.env['CI_VM'] !== '1'
    ? 'boots a virtual machine: run by npm run test:vm'
    : tool === undefined || !existsSync(tool)
      ? 'needs ../shared/tools/selinux-vm'
      : false;
const checkout = join(import.meta.dirname, '../..');
const folder = join(tmpdir(), 'nodeseal-vm');
const run = promisify(execFile);
t.setTimeout(1_200_000);

interface Item {
  readonly ruleId: string;
  readonly subject?: string;
  readonly result: string;
  readonly reason?: string;
}
interface Timed {
  readonly tookMs: number;
  readonly told: Item & { readonly severity: string; readonly message: string };
}
interface Report {
  readonly mode: string;
  readonly check: { readonly status: number; readonly items: readonly Item[] };
  readonly switches: readonly (Timed & { readonly to: boolean })[];
  readonly hidden: Timed;
  readonly boolean: Timed;
  readonly booleanBack: { readonly tookMs: number };
  readonly load: { readonly loads: number; readonly hiddenSwitches: number };
}

/** Boots the guest so and gives back what the program in it wrote. */
async function boot(...options: readonly string[]): Promise<Report> {
  if (tool === undefined) throw new Error('no tool');
  if (!existsSync(join(folder, 'vmlinuz'))) {
    await run(tool, ['build', folder], { env: { ...process.env, NODE: process.execPath } });
  }
  const out = mkdtempSync(join(tmpdir(), 'nodeseal-vm-out-'));
  const command = 'node /mnt/ro/test/vm/guest.ts /mnt/ro /mnt/out';
  const args = ['run', folder, '--ro', checkout, '--out', out, '--mem', '2048', '--timeout', '600'];
  await run(tool, [...args, ...options, '--', command], { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
}

function said({ check }: Report, ruleId: string, subject?: string): Item | undefined {
  return check.items.find((item) => item.ruleId === ruleId && item.subject === subject);
}

t.test('an enforcing kernel, switched while the agent watches', { skip: why }, async (t) => {
  const report = await boot();
  t.equal(report.mode, 'enforcing');
  t.match(said(report, 'selinux.enforcing'), { result: 'pass' });
  t.match(said(report, 'selinux.config-enforcing'), { result: 'pass' });
  t.match(said(report, 'seccomp.kernel-support'), { result: 'pass' });
  t.match(said(report, 'selinux.policy-type'), { result: 'fail', reason: 'other-policy' });
  t.equal(report.check.status, 1, 'Debian’s policy is not RHEL’s');
  for (const { to, tookMs, told } of report.switches) {
    t.match(told, { result: to ? 'pass' : 'fail' }, `setenforce ${to ? 1 : 0}: ${tookMs} ms`);
  }
  const off = report.switches.find(({ to }) => !to);
  t.match(off?.told, { reason: 'permissive', severity: 'critical' });
  t.match(off?.told.message, /switched at runtime/);
  t.match(report.hidden.told, { result: 'fail', reason: 'switched-unseen' });
  t.comment(`off and on again between two looks: told after ${report.hidden.tookMs} ms`);
  t.match(report.boolean.told, { result: 'fail', reason: 'turned-on' });
  t.comment(`setsebool: told after ${report.boolean.tookMs} ms with the run of setsebool itself`);
  t.equal(report.load.loads, 1, 'the policy was loaded again');
  t.equal(report.load.hiddenSwitches, 0, 'a load is no hidden switch');
});

t.test('a permissive kernel', { skip: why }, async (t) => {
  const report = await boot('--mode', 'permissive');
  t.match(said(report, 'selinux.enforcing'), { result: 'fail', reason: 'permissive' });
  t.equal(report.switches.length, 10);
});

t.test('a kernel without SELinux', { skip: why }, async (t) => {
  const report = await boot('--mode', 'disabled');
  t.match(said(report, 'selinux.enforcing'), { result: 'fail', reason: 'disabled' });
});

t.test('a kernel with SELinux that never got a policy', { skip: why }, async (t) => {
  const report = await boot('--mode', 'nopolicy');
  t.match(said(report, 'selinux.enforcing'), { result: 'fail', reason: 'disabled' });
});

t.test('a kernel in FIPS mode under a library that is not', { skip: why }, async (t) => {
  const report = await boot('--fips');
  t.match(said(report, 'fips.kernel-enabled'), { result: 'pass' });
  t.match(said(report, 'fips.kernel-args', '/proc/cmdline'), { result: 'pass' });
});
