/** Where a PostgreSQL database is, as a URL says it. */
export interface DatabasePlace {
  /** Host name, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Off only on a unix socket, on loopback, or when it was asked for. */
  readonly tls: boolean;
}

const DEFAULT_PORT = 5432;
const DEFAULT_NAME = 'nodeseal';
/** libpq knows more; what is not understood here must not be taken for done. */
const PARAMETERS = ['host', 'sslmode'];
const SSL_MODES = ['disable', 'verify-full'];

/** Why a URL of the configuration does not name a database; undefined when it does. */
export function whyNoDatabase(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['postgresql:', 'postgres:'].includes(url.protocol)) {
    return 'expected postgresql://user@host/database or postgresql:///database?host=/folder/of/the/socket';
  }
  if (url.password !== '') return 'expected no password here: it stands in databasePasswordFile';
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.includes(name))
      return `parameter ${name}: unknown, known: ${PARAMETERS.join(', ')}`;
  }
  const sslMode = url.searchParams.get('sslmode');
  if (sslMode !== null && !SSL_MODES.includes(sslMode)) {
    return `sslmode ${sslMode}: expected ${SSL_MODES.join(' or ')}`;
  }
  if (url.hostname === '' && !url.searchParams.get('host')) return 'expected a host or ?host=';
  if (url.pathname.slice(1).includes('/')) return 'expected one database name after the host';
  return undefined;
}

/** The place that a URL names, of which `whyNoDatabase` has nothing to say. */
export function databasePlace(text: string): DatabasePlace {
  const url = new URL(text);
  const host = url.searchParams.get('host') || url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isLocal =
    host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\./.test(host);
  const sslMode = url.searchParams.get('sslmode');
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    database: decodeURIComponent(url.pathname.slice(1)) || DEFAULT_NAME,
    user: decodeURIComponent(url.username) || DEFAULT_NAME,
    tls: sslMode === null ? !isLocal : sslMode === 'verify-full',
  };
}
