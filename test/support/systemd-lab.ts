import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sharedDir } from './shared.ts';

const FOLDER = join(tmpdir(), 'nodeseal-systemd-lab');
const CGROUP = FOLDER.slice(1).replaceAll('/', '-');
const PACKAGES = 'rpm,faketime,podman,runc,catatonit';
/** What an earlier run left of an installation. */
const STATE = [
  ...['var/lib/nodeseal', 'etc/nodeseal', 'etc/systemd/system-preset', 'root'],
  ...['var/lib/containers', 'var/log/journal'],
];
/**
 * In a cgroup of its own, beside which systemd-nspawn makes the container's: two laboratories would share one, and each
 * other's services. With what runc asks of the kernel and systemd-nspawn denies by default.
 */
const NSPAWN = `#!/bin/sh
for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
  [ -e $tree/cgroup.procs ] || continue
  mkdir -p $tree/${CGROUP} && echo $$ >$tree/${CGROUP}/cgroup.procs
done
exec /usr/bin/systemd-nspawn --system-call-filter='bpf keyctl add_key' --capability=CAP_BPF "$@"
`;

const shared = sharedDir();
const tool = shared === undefined ? '' : join(shared, 'tools/systemd-lab');

/** Why a test that boots a systemd is skipped; false where it can. */
export const noSystemdLab: string | false =
  process.env['CI_INSTALL'] !== '1'
    ? 'boots a systemd: run by npm run test:install'
    : !existsSync(tool)
      ? 'needs ../shared/tools/systemd-lab'
      : process.getuid?.() !== 0 && 'needs root';

/** A Debian with a systemd of RHEL 9's version as its first process, with rpm and podman. */
export class SystemdLab implements Disposable {
  readonly root: string = join(FOLDER, 'root');

  /**
   * Boots it, without anything of ours installed; made once, in the folder of temporary files. `binds`: `HOST:GUEST`,
   * read-only.
   */
  static boot(...binds: readonly string[]): SystemdLab {
    const lab = new SystemdLab();
    spawnSync(tool, ['down', FOLDER], { stdio: 'ignore' });
    if (!['rpm', 'podman'].every((name) => existsSync(join(lab.root, 'usr/bin', name)))) {
      const env = { ...process.env, EXTRA: PACKAGES, NODE: process.execPath };
      execFileSync(tool, ['build', FOLDER], { env, stdio: 'ignore' });
    }
    lab.#clear();
    const first = join(FOLDER, 'bin');
    mkdirSync(first, { recursive: true });
    writeFileSync(join(first, 'systemd-nspawn'), NSPAWN, { mode: 0o755 });
    const env = { ...process.env, PATH: `${first}:${process.env['PATH']}` };
    execFileSync(tool, ['up', FOLDER, ...binds], { env, stdio: 'ignore' });
    return lab;
  }

  [Symbol.dispose](): void {
    execFileSync(tool, ['down', FOLDER], { stdio: 'ignore' });
  }

  /** Output of a command in it. Throws when the command fails. */
  run(...command: readonly string[]): string {
    const { status, stdout, stderr } = this.try(...command);
    if (status !== 0) throw new Error(`${command.join(' ')}: ${status}\n${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  try(...command: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(tool, ['exec', FOLDER, '--', ...command], { encoding: 'utf8' });
  }

  /** Resolves as soon as a line of shell succeeds in it; throws what the last try printed after so many seconds. */
  until(line: string, seconds = 120): void {
    const loop = `end=$(($(date +%s) + ${seconds})); until out=$( { ${line}; } 2>&1); do [ $(date +%s) -lt $end ] || { echo "$out"; exit 1; }; sleep 0.1; done`;
    this.run('sh', '-c', loop);
  }

  write(path: string, text: string, mode = 0o644): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  /** A property of a unit, as `systemctl show` has it. */
  show(unit: string, property: string): string {
    return this.run('systemctl', 'show', '--value', '-p', property, unit);
  }

  #clear(): void {
    const rpm = ['--root', this.root, '--dbpath', '/var/lib/rpm'];
    const query = spawnSync('rpm', [...rpm, '-qa', 'nodeseal*'], { encoding: 'utf8' });
    const installed = query.stdout.split('\n').filter((name) => name !== '');
    if (installed.length > 0) {
      execFileSync('rpm', [...rpm, '-e', ...installed], { stdio: 'ignore' });
    }
    for (const path of STATE) this.remove(path);
    const units = join(this.root, 'etc/systemd/system');
    for (const name of readdirSync(units)) {
      if (name.startsWith('nodeseal-')) rmSync(join(units, name), { recursive: true });
    }
  }
}
