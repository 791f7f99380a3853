import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import { generalName } from '../support/certificates.ts';
import { renderText } from '../support/kustomize.ts';
import { tlsAuthority } from '../support/tls-authority.ts';

const kustomize = join(import.meta.dirname, '../../packaging/kustomize');
const KUBERNETES = join(kustomize, 'overlays/kubernetes');
/** The laboratory has no names: the address of the aggregator's service is fixed. */
const ADDRESS = '10.96.0.50';
const HOST = 'nodeseal-aggregator.nodeseal.svc';

export const SERVER = 'https://10.96.0.50:8443';
/** On node1, a folder that each node has for itself. */
export const AGGREGATOR_STATE = '/var/lib/kubelet/nodeseal-aggregator';

/** One that every aggregator shares, in place of a volume. */
export interface LabDatabase {
  readonly url: string;
  readonly password: string;
  /** PEM of who signed its certificate. */
  readonly ca: string;
}

/** What an administrator adds for a cluster of Kubernetes 1.20 without names and without provisioned volumes. */
function kustomization(folder: string, image: string, hasDatabase: boolean): object {
  const [newName, newTag] = image.split(':');
  const component = (name: string): string => relative(folder, join(kustomize, 'components', name));
  return {
    resources: [relative(folder, KUBERNETES), ...(hasDatabase ? [] : ['volume.yaml'])],
    components: [component('token-review'), ...(hasDatabase ? [component('postgresql')] : [])],
    namespace: 'nodeseal',
    images: [{ name: 'localhost/nodeseal', newName, newTag }],
    generatorOptions: { disableNameSuffixHash: true },
    secretGenerator: [
      {
        name: 'nodeseal-serving-cert',
        type: 'kubernetes.io/tls',
        files: ['tls.crt', 'tls.key'],
      },
      ...(hasDatabase
        ? [{ name: 'nodeseal-database', files: ['password', 'ca.crt=database-ca.crt'] }]
        : []),
    ],
    configMapGenerator: [
      { name: 'nodeseal-ca', files: ['ca.crt'] },
      { name: 'nodeseal-aggregator', behavior: 'merge', files: ['aggregator.yaml'] },
      { name: 'nodeseal-agent', behavior: 'merge', files: ['agent.yaml'] },
    ],
    patches: [
      patch('Service', { spec: { clusterIP: ADDRESS } }),
      // Of Kubernetes 1.21.
      patch('PodDisruptionBudget', { $patch: 'delete' }, 'policy/v1'),
      ...(hasDatabase ? [] : [patch('PersistentVolumeClaim', { spec: CLAIM })]),
      pod('Deployment', 'aggregator', { ip: '10.96.0.1', hostnames: ['kubernetes.default.svc'] }),
      pod('DaemonSet', 'agent', { ip: ADDRESS, hostnames: [HOST] }),
    ],
  };
}

function pod(kind: 'DaemonSet' | 'Deployment', container: string, alias: object): object {
  const containers = [{ name: container, imagePullPolicy: 'Never' }];
  const spec = { template: { spec: { hostAliases: [alias], containers } } };
  return patch(kind, { spec }, 'apps/v1', `nodeseal-${container}`);
}

function patch(
  kind: string,
  change: object,
  apiVersion = 'v1',
  name = 'nodeseal-aggregator',
): object {
  const metadata = { name, namespace: 'nodeseal' };
  return { patch: stringify({ apiVersion, kind, metadata, ...change }) };
}

const CLAIM = { storageClassName: '', volumeName: 'nodeseal' };
const VOLUME = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'nodeseal' },
  spec: {
    capacity: { storage: '10Gi' },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: AGGREGATOR_STATE },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: 'kubernetes.io/hostname', operator: 'In', values: ['node1'] },
            ],
          },
        ],
      },
    },
  },
};

/** The manifests for the laboratory in `folder`, rendered, and the file of what clients have to trust. */
export function labManifests(
  folder: string,
  image: string,
  database?: LabDatabase,
): { manifests: string; caFile: string } {
  mkdirSync(folder, { recursive: true });
  const names = [generalName.host(HOST), generalName.address(...ADDRESS.split('.').map(Number))];
  const { ca, server } = tlsAuthority('nodeseal-lab', undefined, names);
  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, ca);
  writeFileSync(join(folder, 'tls.crt'), server.cert.toString());
  writeFileSync(join(folder, 'tls.key'), server.key.toString());
  writeFileSync(join(folder, 'volume.yaml'), stringify(VOLUME));
  const config = parse(readFileSync(join(KUBERNETES, 'config/aggregator.yaml'), 'utf8'));
  const kubernetes = { ...config.kubernetes, tokenReview: true };
  const store = database && databaseConfig(folder, database);
  writeFileSync(join(folder, 'aggregator.yaml'), stringify({ ...config, kubernetes, ...store }));
  const agent = parse(readFileSync(join(kustomize, 'base/config/agent.yaml'), 'utf8'));
  // As on a node of OpenShift, where a policy that refuses by default is asked for.
  writeFileSync(join(folder, 'agent.yaml'), stringify({ ...agent, profile: 'openshift-strict' }));
  const file = join(folder, 'kustomization.yaml');
  writeFileSync(file, stringify(kustomization(folder, image, database !== undefined)));
  const manifests = join(folder, 'rendered.yaml');
  writeFileSync(manifests, renderText(folder));
  return { manifests, caFile };
}

/** Writes what becomes the secret; answers with the keys of aggregator.yaml, as docs/postgresql.md says them. */
function databaseConfig(folder: string, { url, password, ca }: LabDatabase): object {
  writeFileSync(join(folder, 'password'), password);
  writeFileSync(join(folder, 'database-ca.crt'), ca);
  return {
    databaseUrl: url,
    databasePasswordFile: '/etc/nodeseal-database/password',
    databaseCaFile: '/etc/nodeseal-database/ca.crt',
  };
}
