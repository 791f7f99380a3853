import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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

/** Packages of this checkout under a version, made once in a process. */
export function testPackages(version: string): readonly string[] {
  const known = made.get(version);
  if (known !== undefined) return known;
  const topDir = join(tmpdir(), `nodeseal-rpm-${process.pid}`, version);
  const files = buildPackages({ topDir, version, arguments: ARGUMENTS });
  made.set(version, files);
  return files;
}

const made = new Map<string, readonly string[]>();
