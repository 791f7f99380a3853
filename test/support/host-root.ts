import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sharedDir } from './shared.ts';
import { fixture } from './trust-fixtures.ts';

const RELEASE_KEY = 'etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release';
/** What every kernel of RHCOS and RHEL shows and the maker of trees leaves out. */
const KERNEL: Readonly<Record<string, string>> = {
  'proc/sys/kernel/modules_disabled': '0\n',
  'sys/kernel/security/lsm': 'lockdown,capability,landlock,yama,selinux,bpf',
  'sys/kernel/security/lockdown': '[none] integrity confidentiality\n',
};

/** Why a test over whole node trees is skipped; false where the maker of trees is there. */
export const noHostRoots: string | false =
  sharedDir() === undefined ? 'needs make-host-root of the laboratory' : false;

const made = new Map<string, string>();

process.once('exit', () => {
  for (const root of made.values()) rmSync(root, { recursive: true, force: true });
});

/** A node's tree made with these options of make-host-root; made once a process, so tests only read it. */
export function hostRoot(...options: readonly string[]): string {
  const key = options.join(' ');
  const known = made.get(key);
  if (known !== undefined) return known;
  const root = makeHostRoot(mkdtempSync(join(tmpdir(), 'nodeseal-root-')), ...options);
  made.set(key, root);
  return root;
}

/** The same in a folder of the test's own, which it may change. */
export function makeHostRoot(root: string, ...options: readonly string[]): string {
  const maker = join(sharedDir() ?? '', 'tools', 'make-host-root');
  execFileSync(process.execPath, [maker, root, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // The maker leaves a note where a key should be.
  if (existsSync(join(root, RELEASE_KEY)))
    writeFileSync(join(root, RELEASE_KEY), fixture('keys/rsa.asc'));
  for (const [path, content] of Object.entries(KERNEL)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return root;
}
