import * as v from 'valibot';
import { ConfigError } from '../shared/config.ts';
import { LOG_LEVELS, type LogLevel } from '../shared/log.ts';
import { LIMITS } from '../shared/protocol.ts';
import { type AlertsConfig, alertsSchema } from './alerts/config.ts';
import { NAME } from './identity/token-file.ts';

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
  /** Nodes that should report, whether or not they ever did. */
  readonly inventory: readonly { readonly name: string; readonly pool: string }[];
  /** More of them: a list (.yaml, .json) or one name a line, read again when it changes. */
  readonly inventoryFile?: string | undefined;
  /** A node that gets a token of its own at the first start, for an agent on this machine. */
  readonly bootstrapAgent?: string | undefined;
  /** Events and superseded states are kept so long, in days. */
  readonly retentionDays: number;
  /** Lets the agents of a cluster's DaemonSet in by their projected ServiceAccount tokens. */
  readonly kubernetes?: KubernetesConfig | undefined;
  /** Tells receivers of changes, beside what Prometheus makes of the metrics. */
  readonly alerts?: AlertsConfig | undefined;
  readonly logLevel: LogLevel;
  readonly limits: {
    /** Agents between connecting and saying who they are, in all and from one address. */
    readonly handshakes: number;
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
  /** Expect the nodes that the cluster has: Linux nodes are listed and watched. */
  readonly nodes: boolean;
  /** Server of the cluster's discovery documents and nodes, its certificate's CA, and the credential for it. */
  readonly url: string;
  readonly caFile: string;
  readonly tokenFile: string;
}

export const DEFAULT_CONFIG_FILE = '/etc/nodeseal/aggregator.yaml';
/** Pool of nodes of which nothing else is known. */
export const DEFAULT_POOL = 'default';
const DEFAULT_STATE_DIR = '/var/lib/nodeseal/aggregator';
const DEFAULT_PORT = 8443;
/** Where a pod finds the API server and its own credential for it. */
const API_SERVER = 'https://kubernetes.default.svc';
const POD_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const text = v.pipe(v.string(), v.minLength(1));
const nodeName = v.pipe(v.string(), v.regex(NAME, 'expected a node name'));
const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

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
  inventory: v.optional(
    v.array(v.strictObject({ name: nodeName, pool: v.optional(nodeName, DEFAULT_POOL) })),
    [],
  ),
  inventoryFile: v.optional(text),
  bootstrapAgent: v.optional(nodeName),
  retentionDays: v.optional(whole(1, 3650), 90),
  kubernetes: v.optional(
    v.strictObject({
      audience: text,
      serviceAccount: v.pipe(v.string(), v.regex(/^[^/]+\/[^/]+$/, 'expected namespace/name')),
      pool: v.optional(nodeName, DEFAULT_POOL),
      nodes: v.optional(v.boolean(), false),
      url: v.optional(v.pipe(v.string(), v.regex(/^https:\/\//, 'expected https://…')), API_SERVER),
      caFile: v.optional(text, `${POD_ACCOUNT}/ca.crt`),
      tokenFile: v.optional(text, `${POD_ACCOUNT}/token`),
    }),
  ),
  alerts: v.optional(alertsSchema),
  logLevel: v.optional(v.picklist(LOG_LEVELS), 'info'),
  limits: v.optional(
    v.strictObject({
      handshakes: v.optional(whole(1, 100_000), 512),
      handshakesPerSource: v.optional(whole(1, 100_000), 128),
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

/** What no schema can say. Throws `ConfigError`. */
export function assertUsable(config: AggregatorConfig): void {
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
