import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackages } from '../../packaging/rpm/packages.ts';
import { PACKAGE_FOLDER } from '../../shared/version.ts';

/** Why a test of packages is skipped; false where it can be. */
export const noRpm: string | false =
  spawnSync('rpmbuild', ['--version']).error !== undefined
    ? 'needs rpmbuild'
    : !existsSync(join(PACKAGE_FOLDER, 'dist/agent/main.js')) && 'needs npm run build';

/** Without macros of RHEL and its packages, and in a hurry: nothing is compressed or looked through. */
const ARGUMENTS = [
  '--nodeps',
  ...['--load', join(import.meta.dirname, 'systemd.macros')],
  ...['--define', '__os_install_post %{nil}'],
  ...['--define', '_binary_payload w0.gzdio'],
];

const folder = join(tmpdir(), `nodeseal-rpm-${process.pid}`);
const made = new Map<string, readonly string[]>();

/** Packages of this checkout under a version, made once in a process and gone with it. */
export function testPackages(version: string): readonly string[] {
  const known = made.get(version);
  if (known !== undefined) return known;
  if (made.size === 0) process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const topDir = join(folder, version);
  const files = buildPackages({ topDir, version, arguments: ARGUMENTS });
  made.set(version, files);
  return files;
}
