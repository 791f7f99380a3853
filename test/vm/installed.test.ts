import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { labTool } from '../support/image-lab.ts';
import { noRpm, testPackages } from '../support/rpm.ts';

/** What takes a kernel with SELinux and a memory controller: the packages installed in a machine that has both. */
const tool = labTool('selinux-vm');
const skip =
  process.env['CI_VM'] !== '1'
    ? 'MemoryMax= and SELinux need a virtual machine: run by npm run test:vm'
    : tool === undefined
      ? 'needs ../shared/tools/selinux-vm'
      : noRpm;
const folder = join(tmpdir(), 'nodeseal-vm-rpm');
const run = promisify(execFile);
t.setTimeout(900_000);

t.test('too little memory and a path that SELinux denies', { skip }, async (t) => {
  if (tool === undefined) throw new Error('no tool');
  if (!existsSync(join(folder, 'root.img'))) {
    const env = { ...process.env, NODE: process.execPath, EXTRA: 'rpm' };
    await run(tool, ['build', folder], { env });
  }
  const given = t.testdir({ rpm: {} });
  const out = join(given, 'out');
  mkdirSync(out);
  for (const file of testPackages('0.1.0')) copyFileSync(file, join(given, 'rpm', basename(file)));
  copyFileSync(join(import.meta.dirname, 'installed.sh'), join(given, 'installed.sh'));
  const options = ['--ro', given, '--out', out, '--mem', '1536', '--timeout', '600'];
  await run(tool, ['run', folder, ...options, '--', 'sh /mnt/ro/installed.sh']);

  const read = (name: string): string => readFileSync(join(out, name), 'utf8');
  /** One line as `Status:`, the same in the journal, and a slow way back. */
  const ends = (name: string, line: RegExp): void => {
    const shown = read(`${name}.show`);
    const [, status = ''] = /^StatusText=(.*)$/m.exec(shown) ?? [];
    t.match(status, line, name);
    t.comment(`${name}: ${status}`);
    const [, next = 'no next step'] = status.split('next: ');
    t.ok(read(`${name}.journal`).includes(next), 'in the journal too');
    t.match(shown, /^SubState=auto-restart$/m);
    t.match(shown, /^RestartUSec=20s$/m);
  };
  t.match(read('first.show'), /^Result=success$/m, 'it starts as it is installed');
  ends('memory', /was killed: it took more memory than MemoryMax=.*; next: .*raise MemoryMax=/);
  t.match(read('memory.show'), /^Result=oom-kill$/m);
  ends('denied', /EACCES: permission denied.*spool.*; next: .*SELinux denies: ausearch -m avc/);
  t.match(read('last.show'), /^Result=success$/m, 'put right, it starts');
  t.equal(read('spool').trim().split('\n').length, 1, 'and goes on with the spool it had');
});
