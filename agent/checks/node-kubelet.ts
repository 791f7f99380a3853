import type { Statement } from '../check.ts';
import type { Host } from '../host.ts';
import { type KubeletConfig, type KubeletSetting, readKubeletConfig } from '../kubelet-config.ts';

/** Of TLS: those with forward secrecy and authenticated encryption, in the names of Go. */
const STRONG_CIPHERS: ReadonlySet<string> = new Set([
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
]);
const STRONG_VERSIONS: ReadonlySet<string> = new Set(['VersionTLS12', 'VersionTLS13']);

/** What a configuration file leaves out is secure: kubelet's lax defaults are those of a start without a file. */
const DEFAULTS = {
  anonymous: false,
  authorizationMode: 'Webhook',
  readOnlyPort: 0,
  tlsMinVersion: 'VersionTLS12',
} as const;

/** What the rule `node.kubelet-hardening` says: one statement for each setting, by its place in KubeletConfiguration. */
export async function kubeletHardening(host: Host): Promise<Statement | readonly Statement[]> {
  const config = await readKubeletConfig(host);
  if (config === undefined) {
    const message = 'kubelet is not on this node';
    return { result: 'notapplicable', reason: 'no-kubelet', message };
  }
  const { anonymous, authorizationMode, readOnlyPort, tlsMinVersion } = config;
  return [
    judge('authentication.anonymous.enabled', anonymous, DEFAULTS.anonymous, {
      isSafe: (enabled) => !enabled,
      expected: 'false',
      reason: 'anonymous',
    }),
    judge('authorization.mode', authorizationMode, DEFAULTS.authorizationMode, {
      isSafe: (mode) => mode === 'Webhook',
      expected: 'Webhook',
      reason: 'authorization',
    }),
    judge('readOnlyPort', readOnlyPort, DEFAULTS.readOnlyPort, {
      isSafe: (port) => port === 0,
      expected: '0',
      reason: 'read-only-port',
    }),
    judge('tlsMinVersion', tlsMinVersion, DEFAULTS.tlsMinVersion, {
      isSafe: (version) => STRONG_VERSIONS.has(version),
      expected: 'VersionTLS12 or VersionTLS13',
      reason: 'tls-version',
    }),
    cipherSuites(config),
  ];
}

interface Wanted<T> {
  readonly isSafe: (value: T) => boolean;
  readonly expected: string;
  readonly reason: string;
}

function judge<T extends string | number | boolean>(
  subject: string,
  setting: KubeletSetting<T> | undefined,
  byDefault: T,
  { isSafe, expected, reason }: Wanted<T>,
): Statement {
  const value = setting?.value ?? byDefault;
  const observed = { value, from: setting?.from ?? 'default' };
  const said = `${setting?.from ?? 'the default of kubelet'} has ${subject} ${value}`;
  if (isSafe(value)) return { subject, result: 'pass', message: said, observed };
  const message = `${said}, expected ${expected}`;
  return { subject, result: 'fail', reason, message, observed, expected: { value: expected } };
}

function cipherSuites({ tlsCipherSuites: setting }: KubeletConfig): Statement {
  const subject = 'tlsCipherSuites';
  if (setting === undefined) {
    const message = 'nobody names cipher suites: kubelet offers those of its Go release';
    const observed = { weak: null, from: 'default' };
    return { subject, result: 'notapplicable', reason: 'not-expected', message, observed };
  }
  const weak = setting.value.filter((name) => !STRONG_CIPHERS.has(name));
  const observed = { weak: weak.join(' '), from: setting.from };
  if (weak.length === 0) {
    const message = `${setting.from} names strong cipher suites only`;
    return { subject, result: 'pass', message, observed };
  }
  const message = `${setting.from} allows ${weak.join(', ')}`;
  return {
    subject,
    result: 'fail',
    reason: 'weak-ciphers',
    message,
    observed,
    expected: { weak: '' },
  };
}
