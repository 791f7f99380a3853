import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resource } from './kustomize.ts';

/** Where the types of an API group are: those of Kubernetes 1.30, or our own. */
const GROUPS: Readonly<Record<string, string>> = {
  v1: 'kubernetes-types/core/v1.js',
  'apps/v1': 'kubernetes-types/apps/v1.js',
  'networking.k8s.io/v1': 'kubernetes-types/networking/v1.js',
  'policy/v1': 'kubernetes-types/policy/v1.js',
  'rbac.authorization.k8s.io/v1': 'kubernetes-types/rbac/v1.js',
};
const COMPILER = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
const OTHERS = join(import.meta.dirname, 'openshift-types.ts');

/** What the API's types find wrong with resources: unknown fields, wrong values, missing ones. Writes to `folder`. */
export function wrongInTypes(resources: readonly Resource[], folder: string): readonly string[] {
  const lines = resources.map(({ apiVersion, kind, ...rest }) => {
    const type = `import(${JSON.stringify(GROUPS[apiVersion] ?? OTHERS)}).${kind}`;
    return `(${JSON.stringify({ apiVersion, kind, ...rest })}) satisfies ${type};`;
  });
  const file = join(folder, 'manifests.ts');
  writeFileSync(file, `${lines.join('\n')}\nexport {};\n`);
  // Started as a user would: without the loaders of the tests' runner.
  const node = ['-u', 'NODE_OPTIONS', process.execPath, COMPILER, '--ignoreConfig', '--noEmit'];
  const flags = ['--pretty', 'false', '--strict', '--skipLibCheck', '--allowImportingTsExtensions'];
  const modules = ['--module', 'esnext', '--moduleResolution', 'bundler', '--types', ''];
  const tsc = spawnSync('env', [...node, ...flags, ...modules, file], { encoding: 'utf8' });
  if (tsc.error !== undefined) throw tsc.error;
  const found = tsc.stdout.split('\n').filter((line) => line !== '');
  if (tsc.status !== 0 && found.length === 0) throw new Error(tsc.stderr);
  return found.map((line) => {
    const at = Number(/\((\d+),/.exec(line)?.[1] ?? 0);
    const { kind, metadata } = resources[at - 1] ?? { kind: '?', metadata: { name: '?' } };
    return `${kind}/${metadata.name}: ${line.replace(/^.*?: error /, '')}`;
  });
}
