import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER, VERSION } from '../../shared/version.ts';
import { NOTICES, thirdPartyNotices } from '../notices.ts';
import { productionModules } from '../production-modules.ts';
import { contentsOf } from './contents.ts';

/** Below the checkout: what goes into the source archive as it is. */
const PARTS = [
  'package.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'aggregator/web/assets',
  'docs/man',
  'packaging/completion',
  'packaging/profiles',
  'packaging/rpm/agent.yaml',
  'packaging/rpm/aggregator.yaml',
  'systemd',
];
const PROGRAMS = [
  'nodeseal',
  'nodeseal-agent',
  'nodeseal-aggregator',
  'nodeseal-ended',
  'kubectl-nodeseal',
  'kubectl_complete-nodeseal',
];
/** Of a package: what no program loads. */
const UNUSED =
  /^\/(?:tests?(?:\.js)?|bench(?:marks?)?|docs?|examples?|integration|scripts|bin(?:\.js)?)$|\/\.|\/node_modules$|\.(?:ts|mts|cts|map|md|markdown|html|yml)$/;
const OPENPGP = 'node_modules/openpgp';
/** For browsers. */
const OTHER_BUILDS = /^\/dist\/(?!node)./;
const COMPILED = ['agent', 'aggregator', 'cli', 'shared'];
export const SPEC: string = join(PACKAGE_FOLDER, 'packaging/rpm/nodeseal.spec');

export interface BuildOptions {
  /** rpmbuild's own folder, made anew. */
  readonly topDir: string;
  /** In place of the version of this checkout. */
  readonly version?: string;
  /** Further arguments of rpmbuild. */
  readonly arguments?: readonly string[];
}

/** Builds the packages from the compiled checkout (`npm run build`); their files, sorted. Throws what rpmbuild says. */
export function buildPackages({
  topDir,
  version = VERSION,
  arguments: more = [],
}: BuildOptions): readonly string[] {
  rmSync(topDir, { recursive: true, force: true });
  const name = `nodeseal-${version}`;
  const sources = join(topDir, 'SOURCES');
  const tree = join(topDir, 'TREE', name);
  mkdirSync(sources, { recursive: true });
  writeTree(tree);
  execFileSync('tar', ['-C', join(topDir, 'TREE'), '-cf', join(sources, `${name}.tar.gz`), name]);
  const spec = join(topDir, 'nodeseal.spec');
  const text = readFileSync(SPEC, 'utf8');
  writeFileSync(spec, text.replace(/^(Version:\s+)\S+$/m, `$1${version}`));
  const words = ['--define', `_topdir ${topDir}`, ...more, '-bb', spec];
  const { error, status, stderr } = spawnSync('rpmbuild', words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (error !== undefined) throw new Error(`rpmbuild: ${error.message}`);
  if (status !== 0) throw new Error(`rpmbuild ended with ${status}:\n${stderr.trim()}`);
  const folder = join(topDir, 'RPMS/noarch');
  return readdirSync(folder)
    .sort()
    .map((file) => join(folder, file));
}

/** A tree that runs as it is: compiled code, and of node_modules what the programs need. */
function writeTree(tree: string): void {
  const copy = (path: string): void => {
    const from = join(PACKAGE_FOLDER, path);
    const filter = (source: string): boolean => isWanted(path, source.slice(from.length));
    cpSync(from, join(tree, path), { recursive: true, filter });
  };
  for (const path of PARTS) copy(path);
  for (const program of PROGRAMS) copy(`bin/${program}`);
  for (const part of COMPILED) copy(`dist/${part}`);
  const modules = productionModules();
  for (const path of modules) copy(path);
  writeFileSync(join(tree, NOTICES), thirdPartyNotices(PACKAGE_FOLDER, modules));
  writeFileSync(join(tree, 'sbom.cdx.json'), contentsOf(modules));
}

/** `below`: the path in a part, from `/` on. Packages inside packages are copied as their own. */
function isWanted(part: string, below: string): boolean {
  if (part.startsWith('dist/')) return !/\.(?:d\.ts|map)$/.test(below);
  if (!part.startsWith('node_modules/')) return true;
  return !UNUSED.test(below) && !(part === OPENPGP && OTHER_BUILDS.test(below));
}
