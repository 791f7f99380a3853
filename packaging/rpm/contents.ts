import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../shared/version.ts';

const LIMIT_BYTES = 1 << 26;
const COMMAND = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'];

type Manifest = Readonly<Record<string, unknown>>;

/**
 * The list of contents (CycloneDX) of `modules`, paths of package-lock.json. Of a lockfile that holds no others: told to
 * omit those for development, npm 11 leaves out what they share with the rest too.
 */
export function contentsOf(modules: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-sbom-'));
  try {
    const lock = read('package-lock.json');
    const packages = lock['packages'] as Readonly<Record<string, Manifest>>; // npm's own file
    const kept = modules.map((path) => [path, packages[path]] as const);
    const entries = { '': shipped(packages[''] ?? {}), ...Object.fromEntries(kept) };
    write(folder, 'package-lock.json', { ...lock, packages: entries });
    write(folder, 'package.json', shipped(read('package.json')));
    const options = { cwd: folder, maxBuffer: LIMIT_BYTES };
    const input = execFileSync('npm', [...COMMAND, '--package-lock-only'], options);
    const stable = join(PACKAGE_FOLDER, 'packaging/container/sbom.ts');
    return execFileSync(process.execPath, [stable], { ...options, input, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function shipped({ devDependencies: _, optionalDependencies: __, ...rest }: Manifest): Manifest {
  return rest;
}

function read(name: string): Manifest {
  return JSON.parse(readFileSync(join(PACKAGE_FOLDER, name), 'utf8')) as Manifest; // npm's own file
}

function write(folder: string, name: string, content: Manifest): void {
  writeFileSync(join(folder, name), JSON.stringify(content));
}
