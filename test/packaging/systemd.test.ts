import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '../..');
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const units = ['nodeseal-agent', 'nodeseal-aggregator'] as const;
/** Tenths, as `systemd-analyze security --threshold` takes them. */
const EXPOSURE = { 'nodeseal-agent': 22, 'nodeseal-aggregator': 13 } as const;
/** What the comments call a point of `systemd-analyze security`, where it is not its setting. */
const NAMED: Readonly<Record<string, string>> = {
  'CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)': 'CAP_DAC_READ_SEARCH',
  'DeviceAllow=': 'dev/rtc',
  'RestrictAddressFamilies=~AF_(INET|INET6)': 'internet sockets',
  'RestrictAddressFamilies=~AF_UNIX': 'AF_UNIX',
  'RootDirectory=/RootImage=': 'RootDirectory',
  'User=/DynamicUser=': 'Root',
};

/** All comments of a unit in one line. */
function commentsIn(unit: string): string {
  const lines = unit.split('\n').filter((line) => line.startsWith('# '));
  return lines.map((line) => line.slice(2)).join(' ');
}

for (const unit of units) {
  const skip = hasAnalyze ? false : 'needs systemd-analyze';
  t.test(`systemd accepts ${unit}.service without a warning`, { skip }, async (t) => {
    // The program named must exist, so the copy names the one of this checkout.
    const text = readFileSync(join(root, 'systemd', `${unit}.service`), 'utf8');
    const file = join(t.testdir(), `${unit}.service`);
    const here = (unitText: string): string =>
      unitText.replaceAll(/\/usr\/(?:lib\/nodeseal\/)?bin\//g, `${join(root, 'bin')}/`);
    writeFileSync(file, here(text));
    const verify = ['verify', '--recursive-errors=no', '--man=no', file];
    const { status, stderr } = spawnSync('systemd-analyze', verify, { encoding: 'utf8' });
    t.equal(stderr, '');
    t.equal(status, 0);
    const misspelt = text.replace('ProtectSystem=', 'ProtctSystem=');
    writeFileSync(file, here(misspelt));
    t.not(spawnSync('systemd-analyze', verify).status, 0, 'and would notice a misspelt setting');
  });

  t.test(`${unit}.service leaves little exposed`, { skip }, async (t) => {
    const file = join(root, 'systemd', `${unit}.service`);
    const args = ['security', '--offline=true', `--threshold=${EXPOSURE[unit]}`];
    const out = execFileSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
    const [figure] = /Overall exposure level .*: \d\.\d/.exec(out) ?? [];
    t.ok(figure, 'below the limit');
    t.comment(figure);
    const comments = commentsIn(readFileSync(file, 'utf8'));
    const points = [...out.matchAll(/^✗ (\S+) .* (\d\.\d) *$/gm)];
    t.ok(points.length > 5, `${points.length} points`);
    for (const [, point = '', exposure = ''] of points) {
      t.comment(`${point} ${exposure}`);
      const name = NAMED[point] ?? point.replace('=', '');
      const reason = new RegExp(`\\b${name}\\b[^(]{0,40} \\(${exposure}\\)`);
      t.match(comments, reason, `a comment says why ${point} counts ${exposure}`);
    }
  });
}

t.test('every setting of the folder is for a file that the package installs', async (t) => {
  const spec = readFileSync(join(root, 'packaging/rpm/nodeseal.spec'), 'utf8');
  for (const name of readdirSync(join(root, 'systemd'))) {
    const known = spec.includes(`systemd/${name.replace(/agent|aggregator/, '$daemon')}`);
    t.ok(known || spec.includes(`systemd/${name}`), name);
  }
});

const ENDS: readonly (readonly [result: string, status: string, said: RegExp])[] = [
  ['oom-kill', 'KILL', /more memory than MemoryMax=.*; next: .*systemctl edit x/],
  ['core-dump', 'ABRT', /heap is full.*; next: systemctl edit x, and raise MemoryMax=/],
  ['signal', 'ABRT', /heap is full/],
  ['watchdog', 'ABRT', /did not answer for WatchdogSec=/],
  ['timeout', 'TERM', /did not start or stop in time.*journalctl -u x/],
  ['core-dump', 'SYS', /SystemCallFilter=.*ausearch -m SECCOMP/],
  ['signal', 'KILL', /killed by the signal KILL/],
  ['exit-code', '7', /^$/],
  ['success', '0', /^$/],
];
for (const [result, status, said] of ENDS) {
  t.test(`what is said of an end by ${result} ${status}`, async (t) => {
    const path = t.testdir({ 'systemd-notify': '#!/bin/sh\necho "$1"\n' });
    chmodSync(join(path, 'systemd-notify'), 0o755);
    const { stdout } = spawnSync(join(root, 'bin/nodeseal-ended'), ['x'], {
      encoding: 'utf8',
      env: { PATH: `${path}:${process.env['PATH']}`, SERVICE_RESULT: result, EXIT_STATUS: status },
    });
    const [line = '', told = ''] = stdout.split('\n');
    t.match(line.replace('<3>x ', ''), said);
    t.equal(told, line === '' ? '' : line.replace('<3>x ', '--status='), 'the same as STATUS=');
  });
}
