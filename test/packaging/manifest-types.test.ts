import t from 'tap';
import { type Resource, render, whyNoKustomize } from '../support/kustomize.ts';
import { wrongInTypes } from '../support/manifest-types.ts';

const skip = whyNoKustomize();
const OVERLAYS = ['kubernetes', 'openshift'];

for (const overlay of OVERLAYS) {
  t.test(
    `${overlay}: every field is one of its API, with a value of its type`,
    { skip },
    async (t) => {
      const resources = render(`packaging/kustomize/overlays/${overlay}`);
      t.strictSame(wrongInTypes(resources, t.testdir({})), []);
    },
  );
}

type Path = readonly (string | number)[];

/** The resource with another value at a path. */
function changed(value: unknown, [key, ...rest]: Path, to: unknown): unknown {
  if (key === undefined) return to;
  if (Array.isArray(value)) {
    return value.with(Number(key), changed(value[Number(key)], rest, to));
  }
  const object = value as Readonly<Record<string, unknown>>;
  return { ...object, [key]: changed(object[key], rest, to) };
}

const AGENT = ['spec', 'template', 'spec', 'containers', 0];
const mistakes: readonly (readonly [kind: string, path: Path, to: unknown, said: RegExp])[] = [
  [
    'DaemonSet',
    [...AGENT, 'securityContext', 'readOnlyRootFilesytem'],
    true,
    /readOnlyRootFilesytem/,
  ],
  ['DaemonSet', [...AGENT, 'volumeMounts', 0, 'mountpath'], '/host', /mountpath/],
  ['Deployment', ['spec', 'replicas'], 'two', /'string' is not assignable to type 'number'/],
  ['PodDisruptionBudget', ['spec', 'maxUnavailible'], 1, /maxUnavailible/],
  ['SecurityContextConstraints', ['requireDropCapabilities'], ['ALL'], /requireDropCapabilities/],
  ['SecurityContextConstraints', ['seLinuxContext', 'type'], 'spc_t', /"spc_t"/],
  ['Route', ['spec', 'tls', 'termination'], 'passthru', /"passthru"/],
];
t.test('a mistake in a manifest is named with the resource it is in', { skip }, async (t) => {
  const resources = render('packaging/kustomize/overlays/openshift');
  const wrong = mistakes.map(([kind, path, to]) => {
    const resource = resources.find((each) => each.kind === kind);
    t.ok(resource, kind);
    return changed(resource, path, to) as Resource;
  });
  const found = wrongInTypes(wrong, t.testdir({}));
  for (const [kind, , , said] of mistakes) {
    t.ok(
      found.some((line) => line.startsWith(`${kind}/`) && said.test(line)),
      `${kind}: ${said}`,
    );
  }
});
