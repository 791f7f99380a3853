import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import t from 'tap';
import {
  type Resource as AnyResource,
  render as renderAll,
  whyNoKustomize,
} from '../support/kustomize.ts';
import { wrongInTypes } from '../support/manifest-types.ts';

const root = join(import.meta.dirname, '../..');
const skip = whyNoKustomize();

interface Container {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { name: string; mountPath: string; readOnly?: boolean }[];
}
interface Resource extends AnyResource {
  readonly spec: {
    readonly template: {
      readonly spec: Readonly<Record<string, unknown>> & {
        readonly containers: readonly Container[];
        readonly volumes: readonly { name: string; hostPath?: { path: string } }[];
      };
    };
  };
}

const render = (folder: string): readonly Resource[] => renderAll(folder);

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
    'PodDisruptionBudget/nodeseal-aggregator',
    'NetworkPolicy/nodeseal-agent',
    'NetworkPolicy/nodeseal-aggregator',
  ]) {
    t.ok(kinds.includes(name), name);
  }
  t.notOk(
    kinds.some((kind) => kind.startsWith('ClusterRole/')),
    'no rights of its own',
  );
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
  [
    'node-inventory',
    [
      'ClusterRole nodes list,watch',
      'ClusterRoleBinding nodeseal-aggregator-nodes nodeseal/nodeseal-aggregator',
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
  'on OpenShift the agent runs under its own SCC, the aggregator under restricted-v2',
  { skip },
  async (t) => {
    const resources = render('packaging/kustomize/overlays/openshift');
    const byKind = (kind: string): Resource | undefined =>
      resources.find((each) => each.kind === kind);
    t.match(byKind('SecurityContextConstraints'), {
      metadata: { name: 'nodeseal-agent' },
      allowPrivilegedContainer: false,
      allowHostPID: false,
      allowHostNetwork: false,
      requiredDropCapabilities: ['ALL'],
      readOnlyRootFilesystem: true,
      seLinuxContext: { type: 'MustRunAs', seLinuxOptions: { type: 'spc_t' } },
    });
    const agent = byKind('DaemonSet');
    t.match(agent?.spec.template, {
      metadata: { annotations: { 'openshift.io/required-scc': 'nodeseal-agent' } },
    });
    t.match(JSON.stringify(agent), /"key":"service-ca.crt"/, 'it trusts the service CA');
    const aggregator = byKind('Deployment');
    t.match(aggregator?.spec.template, {
      metadata: { annotations: { 'openshift.io/required-scc': 'restricted-v2' } },
    });
    t.notMatch(JSON.stringify(aggregator), /runAsUser/, 'the namespace assigns the user');
  },
);

t.test(
  'on OpenShift Prometheus is told what to scrape, and people come by a route',
  { skip },
  async (t) => {
    const resources = render('packaging/kustomize/overlays/openshift');
    const kinds = resources.map(
      ({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`,
    );
    for (const name of ['ServiceMonitor/nodeseal/nodeseal', 'PrometheusRule/nodeseal/nodeseal']) {
      t.ok(kinds.includes(name), name);
    }
    t.match(
      resources.find(({ kind }) => kind === 'Route'),
      { spec: { to: { name: 'nodeseal-aggregator' }, tls: { termination: 'passthrough' } } },
      'certificates of hosts outside reach the aggregator',
    );
    t.match(
      resources.find(({ kind }) => kind === 'Namespace')?.metadata,
      {
        labels: {
          'pod-security.kubernetes.io/enforce': 'privileged',
          'security.openshift.io/scc.podSecurityLabelSync': 'false',
        },
        annotations: { 'openshift.io/node-selector': '' },
      },
      'the labels of the base are still there',
    );
  },
);

t.test(
  'with PostgreSQL there are two aggregators, and no volume that only one may have',
  { skip },
  async (t) => {
    const folder = t.testdir({});
    const base = join(root, 'packaging/kustomize');
    const kustomization = {
      resources: [relative(folder, join(base, 'overlays/kubernetes'))],
      components: [relative(folder, join(base, 'components/postgresql'))],
    };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    const resources = render(folder);
    t.notOk(resources.some(({ kind }) => kind === 'PersistentVolumeClaim'));
    const aggregator = resources.find(({ kind }) => kind === 'Deployment');
    t.match(aggregator?.spec, { replicas: 2, strategy: { type: 'RollingUpdate' } });
    const volumes = aggregator?.spec.template.spec.volumes ?? [];
    t.match(
      volumes.find(({ name }) => name === 'database'),
      { secret: { secretName: 'nodeseal-database' } },
    );
    t.strictSame(Object.keys(volumes.find(({ name }) => name === 'state') ?? {}).toSorted(), [
      'emptyDir',
      'name',
    ]);
    t.strictSame(wrongInTypes(resources, t.testdir({})), []);
  },
);

for (const overlay of ['kubernetes', 'openshift']) {
  t.test(`the programs take the configuration of the overlay ${overlay}`, { skip }, async (t) => {
    const configs = render(`packaging/kustomize/overlays/${overlay}`)
      .filter(({ kind }) => kind === 'ConfigMap')
      .map((each) => each as unknown as { readonly data?: Readonly<Record<string, string>> })
      .flatMap(({ data }) => Object.entries(data ?? {}));
    t.equal(configs.length, 2);
    for (const [name, text] of configs) {
      const file = join(t.testdir({ [name]: text }), name);
      const program = join(root, name.replace('.yaml', ''), 'main.ts');
      const check = spawnSync(process.execPath, [program, 'config', 'check', '--config', file], {
        encoding: 'utf8',
      });
      t.equal(check.status, 0, `${name}: ${check.stderr}`);
      if (name === 'aggregator.yaml')
        t.match(check.stdout, /nodes: true/, 'every node is expected');
    }
  });
}
