import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '../..');
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const units = ['nodeseal-agent', 'nodeseal-aggregator'] as const;

for (const unit of units) {
  const skip = hasAnalyze ? false : 'needs systemd-analyze';
  t.test(`systemd accepts ${unit}.service without a warning`, { skip }, async (t) => {
    // The program named must exist, so the copy names the one of this checkout.
    const text = readFileSync(join(root, 'systemd', `${unit}.service`), 'utf8');
    const file = join(t.testdir(), `${unit}.service`);
    writeFileSync(file, text.replace(`/usr/bin/${unit}`, join(root, 'bin', unit)));
    const verify = ['verify', '--recursive-errors=no', '--man=no', file];
    const { status, stderr } = spawnSync('systemd-analyze', verify, { encoding: 'utf8' });
    t.equal(stderr, '');
    t.equal(status, 0);
    const misspelt = text.replace('ProtectSystem=', 'ProtctSystem=');
    writeFileSync(file, misspelt.replace(`/usr/bin/${unit}`, join(root, 'bin', unit)));
    t.not(spawnSync('systemd-analyze', verify).status, 0, 'and would notice a misspelt setting');
  });

  t.test(`${unit}.service leaves little exposed`, { skip }, async (t) => {
    const limit = unit === 'nodeseal-agent' ? 30 : 20;
    const args = ['security', '--offline=true', `--threshold=${limit}`];
    const out = execFileSync(
      'systemd-analyze',
      [...args, join(root, 'systemd', `${unit}.service`)],
      {
        encoding: 'utf8',
      },
    );
    t.match(out, /Overall exposure level .*: \d\.\d OK/);
  });
}
