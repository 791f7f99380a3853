import * as v from 'valibot';
import { ConfigError } from '../shared/config.ts';
import { LOG_LEVELS, type LogLevel } from '../shared/log.ts';
import { LIMITS } from '../shared/protocol.ts';
import { type AlertsConfig, alertsSchema } from './alerts/config.ts';
import { NAME } from './identity/token-file.ts';
import { whyNoDatabase } from './store/postgres-url.ts';

/** `/etc/nodeseal/aggregator.yaml`. Files are paths of this machine; secrets stand in files of their own. */
export interface AggregatorConfig {
  readonly listen: {
    /** Address to listen on; the default is loopback. */
    readonly address: string;
    /** 0 takes any free port. */
    readonly port: number;
    /** Speak HTTP without TLS on other addresses than loopback, behind a proxy that speaks TLS. */
    readonly allowPlain: boolean;
  };
  /** PEM files; without them the server speaks plain HTTP, by default on loopback only. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Database and tokens. */
  readonly stateDir: string;
  /** Path of a unix socket for administrators of this machine; whoever may open it is one. */
  readonly socket?: string | undefined;
  /** How nodes with a key of their own are let in. */
  readonly enrolment: {
    /** They wait until an administrator approves them. */
    readonly approval: boolean;
    /** Their certificates hold so long, in days; agents renew them at two thirds of it. */
    readonly certificateDays: number;
  };
  /** Nodes that should report, whether or not they ever did. */
  readonly inventory: readonly { readonly name: string; readonly pool: string }[];
  /** More of them: a list (.yaml, .json) or one name a line, read again when it changes. */
  readonly inventoryFile?: string | undefined;
  /** A node that gets a token of its own at the first start, for an agent on this machine. */
  readonly bootstrapAgent?: string | undefined;
  /** PostgreSQL in place of the embedded database. */
  readonly databaseUrl?: string | undefined;
  readonly databasePasswordFile?: string | undefined;
  /** PEM certificates to trust for it in place of the system's. */
  readonly databaseCaFile?: string | undefined;
  /** Events and superseded states are kept so long: `90d`, `12h`. */
  readonly retention: { readonly events: string; readonly history: string };
  /** Lets the agents of a cluster's DaemonSet in by their projected ServiceAccount tokens. */
  readonly kubernetes?: KubernetesConfig | undefined;
  /** Tells receivers of changes, beside what Prometheus makes of the metrics. */
  readonly alerts?: AlertsConfig | undefined;
  readonly logLevel: LogLevel;
  readonly limits: {
    /** Agents between connecting and saying who they are, in all. */
    readonly handshakes: number;
    /** And from one address. A router or NAT gives many agents one: no less than 150 a second for their time to hello. */
    readonly handshakesPerSource: number;
    /** Both sides say so often that they are there, in seconds. */
    readonly heartbeatSeconds: number;
    /** A connection is given up after so long without a byte, in seconds. */
    readonly silentSeconds: number;
    /** `hello` is due so long after connecting, in seconds. */
    readonly helloSeconds: number;
  };
}

export interface KubernetesConfig {
  /** Of the agents' projected tokens; private to this aggregator. */
  readonly audience: string;
  /** `namespace/name` of the account the agents run under. */
  readonly serviceAccount: string;
  /** Pool of the nodes that come this way. */
  readonly pool: string;
  /** Asks the API server which node a token is of that does not say so itself, before Kubernetes 1.30. */
  readonly tokenReview: boolean;
  /** Lets people of the cluster in, as its RBAC allows them on the group nodeseal.dev. */
  readonly people: boolean;
  /** The cluster's token-signing keys in a file (JWKS), in place of asking for them; `issuer` is what tokens say. */
  readonly keysFile?: string | undefined;
  readonly issuer?: string | undefined;
  /** Expect the nodes that the cluster has: Linux nodes are listed and watched. */
  readonly nodes: boolean;
  /** The cluster's API server, its certificate's CA, and the credential for it. */
  readonly url: string;
  readonly caFile: string;
  readonly tokenFile: string;
}

export const DEFAULT_CONFIG_FILE = '/etc/nodeseal/aggregator.yaml';
/** Pool of nodes of which nothing else is known. */
export const DEFAULT_POOL = 'default';
const DEFAULT_STATE_DIR = '/var/lib/nodeseal/aggregator';
const DEFAULT_PORT = 8443;
const DEFAULT_RETENTION = '90d';
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000 };
/** Where a pod finds the API server and its own credential for it. */
const API_SERVER = 'https://kubernetes.default.svc';
const POD_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const text = v.pipe(v.string(), v.minLength(1));
const nodeName = v.pipe(v.string(), v.regex(NAME, 'expected a node name'));
const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

const duration = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,4}[hd]$/, 'expected a duration as 12h or 90d'),
);
const databaseUrl = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const why = dataset.typed ? whyNoDatabase(dataset.value) : undefined;
    if (why !== undefined) addIssue({ message: why });
  }),
);

/** Defaults filled in. */
export const configSchema: v.GenericSchema<unknown, AggregatorConfig> = v.strictObject({
  listen: v.optional(
    v.strictObject({
      address: v.optional(text, '127.0.0.1'),
      port: v.optional(whole(0, 65_535), DEFAULT_PORT),
      allowPlain: v.optional(v.boolean(), false),
    }),
    {},
  ),
  tls: v.optional(v.strictObject({ certFile: text, keyFile: text })),
  stateDir: v.optional(text, DEFAULT_STATE_DIR),
  socket: v.optional(v.pipe(v.string(), v.startsWith('/', 'expected an absolute path'))),
  enrolment: v.optional(
    v.strictObject({
      approval: v.optional(v.boolean(), false),
      certificateDays: v.optional(whole(1, 397), 14),
    }),
    {},
  ),
  inventory: v.optional(
    v.array(v.strictObject({ name: nodeName, pool: v.optional(nodeName, DEFAULT_POOL) })),
    [],
  ),
  inventoryFile: v.optional(text),
  bootstrapAgent: v.optional(nodeName),
  databaseUrl: v.optional(databaseUrl),
  databasePasswordFile: v.optional(text),
  databaseCaFile: v.optional(text),
  retention: v.optional(
    v.strictObject({
      events: v.optional(duration, DEFAULT_RETENTION),
      history: v.optional(duration, DEFAULT_RETENTION),
    }),
    {},
  ),
  kubernetes: v.optional(
    v.pipe(
      v.strictObject({
        audience: text,
        serviceAccount: v.pipe(v.string(), v.regex(/^[^/]+\/[^/]+$/, 'expected namespace/name')),
        pool: v.optional(nodeName, DEFAULT_POOL),
        tokenReview: v.optional(v.boolean(), false),
        people: v.optional(v.boolean(), false),
        nodes: v.optional(v.boolean(), false),
        keysFile: v.optional(text),
        issuer: v.optional(text),
        url: v.optional(
          v.pipe(v.string(), v.regex(/^https:\/\//, 'expected https://…')),
          API_SERVER,
        ),
        caFile: v.optional(text, `${POD_ACCOUNT}/ca.crt`),
        tokenFile: v.optional(text, `${POD_ACCOUNT}/token`),
      }),
      v.check(
        ({ keysFile, issuer }) => (keysFile === undefined) === (issuer === undefined),
        'expected keysFile and issuer together, or neither',
      ),
    ),
  ),
  alerts: v.optional(alertsSchema),
  logLevel: v.optional(v.picklist(LOG_LEVELS), 'info'),
  limits: v.optional(
    v.strictObject({
      handshakes: v.optional(whole(1, 100_000), 1024),
      handshakesPerSource: v.optional(whole(1, 100_000), 512),
      heartbeatSeconds: v.optional(
        v.pipe(v.number(), v.minValue(0.05), v.maxValue(3600)),
        LIMITS.heartbeatSeconds,
      ),
      silentSeconds: v.optional(v.pipe(v.number(), v.minValue(0.1)), LIMITS.silentSeconds),
      helloSeconds: v.optional(v.pipe(v.number(), v.minValue(0.05)), LIMITS.helloSeconds),
    }),
    {},
  ),
});

/** Milliseconds of a duration of the configuration. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? Number.NaN);
}

/** What no schema can say. Throws `ConfigError`. */
export function assertUsable(config: AggregatorConfig): void {
  const ofDatabase = config.databasePasswordFile ?? config.databaseCaFile;
  if (ofDatabase !== undefined && config.databaseUrl === undefined) {
    throw new ConfigError(
      'ERR_CONFIG_VALUE',
      'databasePasswordFile, databaseCaFile: expected databaseUrl beside them, found none',
    );
  }
  const { address, allowPlain } = config.listen;
  if (config.tls === undefined && !allowPlain && !isLoopback(address)) {
    throw new ConfigError(
      'ERR_CONFIG_VALUE',
      `listen.address ${address}: without "tls" only loopback is served; set tls.certFile and tls.keyFile, or listen.allowPlain behind a proxy that speaks TLS`,
    );
  }
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(\.\d{1,3}){3}$/.test(address);
}
