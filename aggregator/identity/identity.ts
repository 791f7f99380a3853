import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { type Certificate, caPinOf } from '../certificate.ts';
import { type AggregatorConfig, DEFAULT_POOL } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import type { NodeIdentity } from '../store/store.ts';
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
import { TokenAuthority } from './tokens.ts';

/** Files of the tokens that are made at the first start. */
export interface TokenFiles {
  readonly admin: string;
  readonly join: string;
  /** Of `bootstrapAgent`, when one is configured. */
  readonly agent: string | undefined;
}

/** Everything that decides who is calling; it lives in files of the state directory. */
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
  tls: Certificate | undefined,
  { metrics, clock, log }: Surroundings,
): Promise<Identity> {
  const { stateDir, bootstrapAgent, enrolment: rules } = config;
  const caPin = tls === undefined ? undefined : caPinOf(tls);
  const tokens = await TokenAuthority.open(stateDir, clock, log, caPin);
  const tokenFiles = {
    admin: await tokens.ensureUser('admin', 'admin'),
    join: await tokens.ensureJoin(DEFAULT_POOL, JOIN_USES, JOIN_LIFE_MS),
    agent: bootstrapAgent && (await tokens.ensureAgent(bootstrapAgent, DEFAULT_POOL)),
  };
  const ca = await NodeCa.open(stateDir, clock);
  const enrolled = await EnrolledNodes.open(stateDir, log);
  const denied = await DenyList.open(stateDir, log);
  const enrolment = new Enrolment(
    { tokens, nodes: enrolled, denied, ca, clock },
    { approval: rules.approval, certificateLifeMs: rules.certificateDays * DAY_MS },
  );
  const credentials = new Credentials({
    authorities: [tokens, ...kubernetesAuthorities(config, clock, log)],
    certificates: new NodeCertificates(ca, enrolled, denied, clock),
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
      for (const part of [tokens, enrolled, denied]) await part.reload();
    },
  };
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
