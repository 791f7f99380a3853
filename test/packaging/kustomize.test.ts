import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../..');
const skip = spawnSync('kubectl', ['kustomize', '--help']).status === 0 ? false : 'needs kubectl';

interface Container {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { name: string; mountPath: string; readOnly?: boolean }[];
}
interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly template: {
      readonly spec: Readonly<Record<string, unknown>> & {
        readonly containers: readonly Container[];
        readonly volumes: readonly { name: string; hostPath?: { path: string } }[];
      };
    };
  };
}

function render(folder: string): readonly Resource[] {
  const kubectl = spawnSync('kubectl', ['kustomize', join(root, folder)], { encoding: 'utf8' });
  if (kubectl.status !== 0) throw new Error(kubectl.stderr);
  return parseAllDocuments(kubectl.stdout).map((document) => document.toJS() as Resource);
}

t.test('the base renders agent, aggregator and what they need', { skip }, async (t) => {
  const resources = render('packaging/kustomize/base');
  const kinds = resources.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  for (const name of [
    'Namespace/nodeseal',
    'DaemonSet/nodeseal-agent',
    'Deployment/nodeseal-aggregator',
    'Service/nodeseal-aggregator',
    'PersistentVolumeClaim/nodeseal-aggregator',
    'ServiceAccount/nodeseal-agent',
    'ServiceAccount/nodeseal-aggregator',
    'ClusterRoleBinding/nodeseal-aggregator-issuer-discovery',
    'ClusterRoleBinding/nodeseal-aggregator-nodes',
  ]) {
    t.ok(kinds.includes(name), name);
  }
  const role = resources.find(({ kind }) => kind === 'ClusterRole');
  t.match(role, { rules: [{ resources: ['nodes'], verbs: ['list', 'watch'] }] }, 'no more');
});

interface Granted {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef?: { readonly name: string };
  readonly rules?: readonly {
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly subjects?: readonly { readonly name: string; readonly namespace: string }[];
}

const components: readonly (readonly [string, readonly string[]])[] = [
  [
    'token-review',
    [
      'ClusterRole tokenreviews create',
      'ClusterRole nodes get',
      'Role/nodeseal pods get',
      'ClusterRoleBinding nodeseal-aggregator-token-review nodeseal/nodeseal-aggregator',
      'RoleBinding nodeseal-aggregator-pods nodeseal/nodeseal-aggregator',
    ],
  ],
  ['people', ['ClusterRoleBinding system:auth-delegator nodeseal/nodeseal-aggregator']],
];
for (const [name, expected] of components) {
  t.test(
    `the component ${name} grants what its feature asks for, and no more`,
    { skip },
    async (t) => {
      const folder = t.testdir({});
      const base = join(root, 'packaging/kustomize');
      const kustomization = {
        resources: [relative(folder, join(base, 'base'))],
        components: [relative(folder, join(base, 'components', name))],
      };
      writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
      const without = new Set(
        render('packaging/kustomize/base').map((each) => JSON.stringify(each)),
      );
      const added = render(relative(root, folder))
        .filter((each) => !without.has(JSON.stringify(each)))
        .map((each) => each as unknown as Granted);
      const granted = added.flatMap(
        ({ kind, metadata: { namespace }, roleRef, rules, subjects }) => {
          const place = namespace === undefined ? kind : `${kind}/${namespace}`;
          const who = (subjects ?? []).map(
            (each) => `${kind} ${roleRef?.name} ${each.namespace}/${each.name}`,
          );
          return [
            ...(rules ?? []).map((rule) => `${place} ${rule.resources} ${rule.verbs}`),
            ...who,
          ];
        },
      );
      t.same(granted.toSorted(), expected.toSorted());
    },
  );
}

t.test('the agent pod can only read the node', { skip }, async (t) => {
  const agent = render('packaging/kustomize/base').find(({ kind }) => kind === 'DaemonSet');
  const pod = agent?.spec.template.spec;
  const [container] = pod?.containers ?? [];
  t.ok(pod && container, 'there is a DaemonSet with a container');
  if (!pod || !container) return;
  t.match(container.securityContext, {
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
  for (const right of ['hostPID', 'hostIPC', 'hostNetwork']) t.notOk(pod[right], right);
  const hostPaths = new Map(
    pod.volumes.flatMap((v) => (v.hostPath ? [[v.name, v.hostPath.path]] : [])),
  );
  t.ok(hostPaths.size > 0, 'it mounts folders of the node');
  for (const mount of container.volumeMounts) {
    const path = hostPaths.get(mount.name);
    if (path === undefined) continue;
    t.not(path, '/', 'never the whole node');
    t.notMatch(path, /\.sock$/, 'no runtime socket');
    if (path === '/var/lib/nodeseal/agent') continue;
    t.equal(mount.readOnly, true, `${path} is read-only`);
    t.equal(mount.mountPath, `/host${path}`, `${path} lies where the agent looks for it`);
  }
});

t.test(
  'on OpenShift the agent runs under its own SCC and trusts the service CA',
  { skip },
  async (t) => {
    const resources = render('packaging/kustomize/overlays/openshift');
    const scc = resources.find(({ kind }) => kind === 'SecurityContextConstraints');
    t.match(scc, {
      metadata: { name: 'nodeseal-agent' },
      allowPrivilegedContainer: false,
      allowHostPID: false,
      allowHostNetwork: false,
      requiredDropCapabilities: ['ALL'],
      readOnlyRootFilesystem: true,
      seLinuxContext: { type: 'MustRunAs', seLinuxOptions: { type: 'spc_t' } },
    });
    const agent = resources.find(({ kind }) => kind === 'DaemonSet');
    t.match(agent?.spec.template, {
      metadata: { annotations: { 'openshift.io/required-scc': 'nodeseal-agent' } },
    });
    t.match(JSON.stringify(agent), /"key":"service-ca.crt"/);
    const aggregator = resources.find(({ kind }) => kind === 'Deployment');
    t.notMatch(JSON.stringify(aggregator), /runAsUser/, 'the namespace assigns the user');
  },
);

t.test('the programs take the configuration of the manifests', { skip }, async (t) => {
  const configs = parseAllDocuments(
    spawnSync('kubectl', ['kustomize', join(root, 'packaging/kustomize/base')], {
      encoding: 'utf8',
    }).stdout,
  )
    .map((document) => document.toJS() as { kind: string; data: Record<string, string> })
    .filter(({ kind }) => kind === 'ConfigMap')
    .flatMap(({ data }) => Object.entries(data));
  t.equal(configs.length, 2);
  for (const [name, text] of configs) {
    const file = join(t.testdir({ [name]: text }), name);
    const program = join(root, name.replace('.yaml', ''), 'main.ts');
    const check = spawnSync(process.execPath, [program, 'config', 'check', '--config', file], {
      encoding: 'utf8',
    });
    t.equal(check.status, 0, `${name}: ${check.stderr}`);
  }
});
