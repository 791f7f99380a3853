import { join } from 'node:path';
import * as v from 'valibot';
import { ConfigError } from '../shared/config.ts';
import { LOG_LEVELS, type LogLevel } from '../shared/log.ts';
import { parseDigest } from '../shared/trust/digest.ts';
import type { ReleaseSettings } from './images/release-signature.ts';
import { SOURCE_IDS, type SourceId } from './signatures/source.ts';

/** `/etc/nodeseal/agent.yaml`. Its own files are paths of this machine or container, never under `hostRoot`. */
export interface AgentConfig {
  /** Where the node's root file system is: `/`, in the DaemonSet `/host`. Only ever read. */
  readonly hostRoot: string;
  /** Spool, last report and baseline: the only folder the agent writes to. */
  readonly stateDir: string;
  /** Name to show; who the node is, is the credential's to say. Default: NODE_NAME, else the node's host name. */
  readonly nodeName?: string | undefined;
  /** Where to report to; without it the agent looks and keeps what changed in its spool. */
  readonly aggregator?: AggregatorLink | undefined;
  /** Every check runs at least so often, changed or not, milliseconds; in the file `90s`, `5m`, `1h`. */
  readonly intervalMs: number;
  /** Ids of checks: all that are included (default: all) and not excluded. */
  readonly checks: {
    readonly include?: readonly string[] | undefined;
    readonly exclude: readonly string[];
  };
  /** Name of a shipped profile, or path of a file; default: by the kind of the node. */
  readonly profile?: string | undefined;
  /** Failures that somebody vouches for; read again at each look. */
  readonly exceptionsFile?: string | undefined;
  /**
   * Where signatures of images are taken from, in this order; default: the store, then lookasides that are files of
   * the node. Naming `lookaside` lets servers of lookasides be asked, naming `registry` registries.
   */
  readonly sources?: readonly SourceId[] | undefined;
  /** How releases of OpenShift are verified beside the policy. */
  readonly release?: ReleaseSettings | undefined;
  readonly logLevel: LogLevel;
}

export interface AggregatorLink {
  /** `https://host[:port]`; `wss` says the same. */
  readonly url: string;
  /** Holds the bearer token; read at each connection, so that it may be rotated. Default: in the state directory. */
  readonly tokenFile: string;
  /**
   * Holds the node's private key and the aggregator's certificate for it (PEM), made by the agent itself; used before
   * `tokenFile`. Default: in the state directory.
   */
  readonly certificateFile?: string | undefined;
  /**
   * Holds a join token, for which the aggregator gives a node that has neither certificate nor token its own: a
   * certificate over TLS, else a token. When the token ends with `@sha256:…`, the server must have that key.
   */
  readonly joinTokenFile?: string | undefined;
  /** PEM certificates to trust instead of the system's; read at each connection. */
  readonly caFile?: string | undefined;
  /** Speak without TLS to other places than loopback: then anybody on the way can read the token. */
  readonly allowPlain: boolean;
}

/** In the state directory: the node's own credential. */
const TOKEN_NAME = 'agent.token';
const CERTIFICATE_NAME = 'node.pem';
export const DEFAULT_CONFIG_FILE = '/etc/nodeseal/agent.yaml';
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
const LEAST_INTERVAL_MS = 1000;
const MOST_INTERVAL_MS = 86_400_000;

const path = v.pipe(v.string(), v.startsWith('/', 'expected an absolute path'));
const ids = v.array(v.pipe(v.string(), v.minLength(1, 'expected the id of a check')));
const interval = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,5}[smh]$/, 'expected a duration as 90s, 5m or 1h'),
  v.transform((text) => Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? Number.NaN)),
  v.minValue(LEAST_INTERVAL_MS, 'expected 1s or more'),
  v.maxValue(MOST_INTERVAL_MS, 'expected 24h or less'),
);

const fileSchema = v.strictObject({
  hostRoot: v.optional(path, '/'),
  stateDir: v.optional(path, '/var/lib/nodeseal/agent'),
  nodeName: v.optional(v.pipe(v.string(), v.minLength(1, 'expected a name'), v.maxLength(253))),
  aggregator: v.optional(
    v.strictObject({
      url: v.pipe(
        v.string(),
        v.check(isLinkUrl, 'expected https://host[:port] without credentials and path'),
      ),
      tokenFile: v.optional(path),
      certificateFile: v.optional(path),
      joinTokenFile: v.optional(path),
      caFile: v.optional(path),
      allowPlain: v.optional(v.boolean(), false),
    }),
  ),
  interval: v.optional(interval, '5m'),
  checks: v.optional(
    v.strictObject({ include: v.optional(ids), exclude: v.optional(ids, []) }),
    {},
  ),
  profile: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^(?:\/.*|[^/]+)$/, 'expected the name of a profile or an absolute path'),
    ),
  ),
  exceptionsFile: v.optional(path),
  sources: v.optional(
    v.pipe(
      v.array(v.picklist(SOURCE_IDS)),
      v.minLength(1, 'expected a source of signatures'),
      v.check((ids) => new Set(ids).size === ids.length, 'expected each source once'),
    ),
  ),
  release: v.optional(
    v.pipe(
      v.strictObject({
        keyFiles: v.pipe(v.array(path), v.minLength(1, 'expected a key file')),
        signatures: path,
        imageReferences: v.exactOptional(path),
        image: v.exactOptional(
          v.pipe(v.string(), v.check(isSha256, 'expected sha256: and 64 hex digits')),
        ),
      }),
      v.check(
        ({ imageReferences, image }) => (imageReferences === undefined) === (image === undefined),
        'expected imageReferences and image together, or neither',
      ),
    ),
  ),
  logLevel: v.optional(v.picklist(LOG_LEVELS), 'info'),
});

/** Defaults filled in. */
export const configSchema: v.GenericSchema<unknown, AgentConfig> = configSchemaWith(undefined);

/** The same, where the file of a join token is at hand that the configuration need not name. */
export function configSchemaWith(
  joinTokenFile: string | undefined,
): v.GenericSchema<unknown, AgentConfig> {
  return v.pipe(
    fileSchema,
    v.transform(({ aggregator, ...rest }) => ({
      ...rest,
      // Who names a token alone has only that one.
      aggregator:
        aggregator?.tokenFile === undefined || aggregator.certificateFile !== undefined
          ? aggregator && {
              ...aggregator,
              joinTokenFile: aggregator.joinTokenFile ?? joinTokenFile,
            }
          : aggregator,
    })),
    v.check(
      ({ aggregator: link }) =>
        link === undefined ||
        (link.tokenFile ?? link.certificateFile ?? link.joinTokenFile) !== undefined,
      'aggregator: expected tokenFile, certificateFile or joinTokenFile',
    ),
    v.transform(({ interval: intervalMs, aggregator, ...rest }) => ({
      ...rest,
      intervalMs,
      aggregator: aggregator && {
        ...aggregator,
        tokenFile: aggregator.tokenFile ?? join(rest.stateDir, TOKEN_NAME),
        ...(aggregator.certificateFile === undefined && aggregator.joinTokenFile === undefined
          ? {}
          : {
              certificateFile: aggregator.certificateFile ?? join(rest.stateDir, CERTIFICATE_NAME),
            }),
      },
    })),
  );
}

/** What no schema can say. Throws `ConfigError`. */
export function assertUsable(config: AgentConfig): void {
  const { aggregator } = config;
  if (aggregator === undefined || aggregator.allowPlain) return;
  const { protocol, hostname } = new URL(aggregator.url);
  if (isPlain(protocol) && !isLoopback(hostname)) {
    throw new ConfigError(
      'ERR_CONFIG_VALUE',
      `aggregator.url ${aggregator.url}: without TLS only loopback is spoken to; use https, or set aggregator.allowPlain`,
    );
  }
}

/** Address of the WebSocket end of an aggregator. */
export function linkAddress({ url }: Pick<AggregatorLink, 'url'>): string {
  const { protocol, host } = new URL(url);
  return `${isPlain(protocol) ? 'ws' : 'wss'}://${host}/v1/agent`;
}

function isSha256(text: string): boolean {
  return parseDigest(text)?.algorithm === 'sha256';
}

function isLinkUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    ['https:', 'http:', 'wss:', 'ws:'].includes(url.protocol) &&
    url.hostname !== '' &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    url.pathname === '/'
  );
}

function isPlain(protocol: string): boolean {
  return protocol === 'http:' || protocol === 'ws:';
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
