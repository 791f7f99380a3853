import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { type AggregatorConfig, DEFAULT_POOL } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import type { Peers } from '../store/peers.ts';
import type { RecordKind, Records } from '../store/records.ts';
import { StoreError } from '../store/store.ts';
import type { NodeIdentity } from '../store/stored-node.ts';
import { Authorities } from './authorities.ts';
import { Credentials } from './credentials.ts';
import { DenyList } from './deny-list.ts';
import { EnrolledNodes } from './enrolled-nodes.ts';
import { Enrolment } from './enrolment.ts';
import { FailureLimit } from './failures.ts';
import { IssuerKeyring } from './issuer-keys.ts';
import { KubernetesAuthority } from './kubernetes.ts';
import { KubernetesApi } from './kubernetes-api.ts';
import { KubernetesPeople } from './kubernetes-people.ts';
import { NodeCa } from './node-ca.ts';
import { NodeCertificates } from './node-certificates.ts';
import { PodBinding } from './pod-binding.ts';
import type { Authority } from './principal.ts';
import { RecordFile } from './record-file.ts';
import { RecordFolder } from './record-folder.ts';
import { TokenAuthority, tokenFolder } from './tokens.ts';

/** Files of the tokens that are made at the first start. */
export interface TokenFiles {
  readonly admin: string;
  readonly join: string;
  /** Of `bootstrapAgent`, when one is configured. */
  readonly agent: string | undefined;
}

/** Everything that decides who is calling; it lives in files of the state directory, or in a database that is shared. */
export interface Identity {
  readonly tokens: TokenAuthority;
  readonly tokenFiles: TokenFiles;
  readonly ca: NodeCa;
  readonly enrolled: EnrolledNodes;
  readonly denied: DenyList;
  readonly enrolment: Enrolment;
  readonly credentials: Credentials;
  /** Nodes that were let in: they should report. */
  nodes(): readonly NodeIdentity[];
  /** Looks for changes by hand; to be called every few seconds. */
  reload(): Promise<void>;
}

interface Surroundings {
  /** Other aggregators, which let in whom this one lets in. */
  readonly peers: Peers | undefined;
  /** See `TokenOptions`. */
  readonly caPin: () => string | undefined;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

const DAY_MS = 86_400_000;
const JOIN_LIFE_MS = DAY_MS;
const JOIN_USES = 1000;

/** Makes what is missing: the authority of nodes, an administrator's token and a join token. */
export async function openIdentity(
  config: AggregatorConfig,
  { peers, caPin, metrics, clock, log }: Surroundings,
): Promise<Identity> {
  const { stateDir, bootstrapAgent, enrolment: rules } = config;
  const records = async (kind: RecordKind, files: Records): Promise<Records> =>
    peers === undefined ? files : await sharedRecords(peers, kind, files);
  const tokens = await TokenAuthority.open(stateDir, clock, log, {
    caPin,
    records: await records('token', await tokenFolder(stateDir)),
  });
  const tokenFiles = {
    admin: await tokens.ensureUser('admin', 'admin'),
    join: await tokens.ensureJoin(DEFAULT_POOL, JOIN_USES, JOIN_LIFE_MS),
    agent: bootstrapAgent && (await tokens.ensureAgent(bootstrapAgent, DEFAULT_POOL)),
  };
  const ca = await NodeCa.open(stateDir, clock);
  const authorities = await Authorities.open(ca, peers?.records('authority'), log);
  const enrolled = await EnrolledNodes.open(
    await records('node', await RecordFolder.open(join(stateDir, 'nodes'))),
    log,
  );
  const denied = await DenyList.open(
    await records('denied', new RecordFile(join(stateDir, 'denied.json'))),
    log,
  );
  const enrolment = new Enrolment(
    { tokens, nodes: enrolled, denied, ca, clock },
    { approval: rules.approval, certificateLifeMs: rules.certificateDays * DAY_MS },
  );
  const credentials = new Credentials({
    authorities: [tokens, ...kubernetesAuthorities(config, clock, log)],
    certificates: new NodeCertificates(authorities, enrolled, denied, clock),
    denied,
    failures: new FailureLimit(clock),
    metrics,
  });
  return {
    tokens,
    tokenFiles,
    ca,
    enrolled,
    denied,
    enrolment,
    credentials,
    nodes: () => [...tokens.agents(), ...enrolled.list().filter(({ isApproved }) => isApproved)],
    async reload() {
      try {
        for (const part of [tokens, authorities, enrolled, denied]) await part.reload();
      } catch (error) {
        // What was read last holds; that the database is away is said elsewhere.
        if (!(error instanceof StoreError)) throw error;
      }
    },
  };
}

/** Records in the database. One that holds none of the kind yet takes those of this state directory. */
async function sharedRecords(peers: Peers, kind: RecordKind, files: Records): Promise<Records> {
  let isEmpty = false;
  await peers.records(kind).inTurn(
    (changes) => {
      isEmpty = changes.size === 0;
    },
    async ({ keep }) => {
      if (!isEmpty) return;
      for (const [key, text] of await files.changes()) if (text !== null) await keep(key, text);
    },
  );
  return peers.records(kind);
}

function kubernetesAuthorities(
  { kubernetes, stateDir }: AggregatorConfig,
  clock: Clock,
  log: Logger,
): readonly Authority[] {
  if (kubernetes === undefined) return [];
  const { url, caFile, tokenFile, keysFile, issuer } = kubernetes;
  const server = { url, caFile, tokenFile };
  const source =
    keysFile === undefined || issuer === undefined
      ? { ...server, cacheFile: join(stateDir, 'issuer-keys.json') }
      : { keysFile, issuer };
  const api = new KubernetesApi(server);
  const binding = kubernetes.tokenReview ? new PodBinding(api, kubernetes, clock) : undefined;
  const keyring = new IssuerKeyring(source, clock);
  return [
    new KubernetesAuthority(keyring, kubernetes, clock, log, binding),
    // Last: whatever nobody else knows is shown to the API server.
    ...(kubernetes.people ? [new KubernetesPeople(api, clock, log)] : []),
  ];
}
