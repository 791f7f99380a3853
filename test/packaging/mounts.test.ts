import t from 'tap';
import { checks } from '../../agent/checks/index.ts';
import type { Host } from '../../agent/host.ts';
import { runChecks } from '../../agent/runner.ts';
import { sectionSources } from '../../agent/section-sources.ts';
import { hostRoot, noHostRoots } from '../support/host-root.ts';
import { contextAt } from '../support/host-tree.ts';
import { type Resource, render, whyNoKustomize } from '../support/kustomize.ts';

const skip = whyNoKustomize();

interface DaemonSet extends Resource {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly volumes: readonly { readonly hostPath?: { path: string } }[] };
    };
  };
}

/** Folders of the node that the DaemonSet mounts below /host. */
function mounted(folder: string): readonly string[] {
  return render<DaemonSet>(folder)
    .filter(({ kind }) => kind === 'DaemonSet')
    .flatMap(({ spec }) => spec.template.spec.volumes)
    .flatMap(({ hostPath }) => (hostPath === undefined ? [] : [hostPath.path]));
}

/** Every path that checks and sections of a report ask the node for. */
async function asked(hostRootFolder: string): Promise<ReadonlySet<string>> {
  const context = contextAt(hostRootFolder);
  const paths = new Set<string>();
  const host = new Proxy(context.host, {
    get(target, name: keyof Host) {
      const member = target[name];
      if (typeof member !== 'function') return member;
      return (path: string, ...more: readonly never[]) => {
        paths.add(path);
        return Reflect.apply(member, target, [path, ...more]);
      };
    },
  });
  await runChecks(checks, { ...context, host });
  for (const { collect } of sectionSources) {
    await collect({ ...context, host }, AbortSignal.timeout(20_000));
  }
  return paths;
}

const trees: readonly (readonly [name: string, skip: string | false, tree: () => string])[] = [
  ['an empty node', false, () => t.testdir({})],
  ['RHCOS', noHostRoots, () => hostRoot('--profile', 'rhcos')],
  ['RHEL 9', noHostRoots, () => hostRoot('--profile', 'rhel9', '--mc', 'missing')],
];
for (const [name, without, tree] of trees) {
  t.test(`every path asked for on ${name} is mounted`, { skip: skip || without }, async (t) => {
    const paths = await asked(tree());
    t.ok(paths.size > 50, `${paths.size} paths`);
    for (const overlay of ['overlays/kubernetes', 'overlays/openshift']) {
      const folders = mounted(`packaging/kustomize/${overlay}`);
      const isMounted = (path: string): boolean =>
        folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
      // Who owns the root of the node is told by the folder in which the mounts lie.
      const lacking = [...paths].filter((path) => path !== '/' && !isMounted(path));
      t.strictSame(lacking, [], overlay);
    }
  });
}
