import { posix } from 'node:path';
import type { SecureContext } from 'node:tls';
import { sha256 } from '../../shared/canonical.ts';
import type { Host } from '../host.ts';
import { rootHome } from '../trust.ts';
import { SourceError } from './source-error.ts';

/** How a registry, and the lookaside of its images, is spoken to. */
export interface TlsSettings {
  /** Equal for equal settings. */
  readonly id: string;
  readonly context: SecureContext;
  /** Certificates are not checked, plain HTTP is tried. */
  readonly insecure: boolean;
}

/** Where Go looks for the system's authorities; the first that exists counts. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The certificates of a node, each folder read once. */
export class Certificates {
  readonly #host: Host;
  readonly #known = new Map<string, Promise<TlsSettings>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * What the node trusts for a registry, `host[:port]`: the system's authorities and those of the first folder
   * `certs.d/<registry>` there is, with its client certificate. containers-certs.d(5). Throws `HostError`, `SourceError`.
   */
  async settingsFor(registry: string, insecure: boolean): Promise<TlsSettings> {
    const key = `${registry} ${insecure}`;
    const settings = this.#known.get(key) ?? readSettings(this.#host, registry, insecure);
    this.#known.set(key, settings);
    return await settings;
  }
}

async function readSettings(host: Host, registry: string, insecure: boolean): Promise<TlsSettings> {
  const { createSecureContext, rootCertificates } = await import('node:tls');
  const ca = [...((await systemAuthorities(host)) ?? rootCertificates)];
  const folder = await certificateFolder(host, registry);
  const names = folder === undefined ? [] : ((await host.list(folder)) ?? []);
  const read = async (name: string): Promise<string> =>
    (await host.readText(posix.join(folder ?? '', name))) ?? '';
  for (const name of names.filter((one) => one.endsWith('.crt'))) {
    ca.push(...((await read(name)).match(PEM_BLOCK) ?? []));
  }
  const cert: string[] = [];
  const key: string[] = [];
  for (const name of names.filter((one) => one.endsWith('.cert'))) {
    const keyName = `${name.slice(0, -'.cert'.length)}.key`;
    if (!names.includes(keyName)) throw unusable(folder, `${name} has no ${keyName}`);
    cert.push(await read(name));
    key.push(await read(keyName));
  }
  const alone = names.find(
    (name) => name.endsWith('.key') && !names.includes(`${name.slice(0, -'.key'.length)}.cert`),
  );
  if (alone !== undefined) throw unusable(folder, `${alone} has no certificate`);
  try {
    return {
      id: sha256(JSON.stringify([ca, cert, key, insecure])),
      insecure,
      context: createSecureContext({ ca, cert, key }),
    };
  } catch {
    // What OpenSSL says may quote a key.
    throw unusable(folder, 'a certificate or key cannot be read');
  }
}

async function systemAuthorities(host: Host): Promise<readonly string[] | undefined> {
  for (const path of BUNDLES) {
    const text = (await host.readBytes(path))?.toString('latin1');
    if (text !== undefined) return text.match(PEM_BLOCK) ?? [];
  }
  return undefined;
}

async function certificateFolder(host: Host, registry: string): Promise<string | undefined> {
  const own = posix.join(await rootHome(host), '.config/containers/certs.d');
  for (const base of [own, '/etc/containers/certs.d', '/etc/docker/certs.d']) {
    const folder = posix.join(base, registry);
    if ((await host.stat(folder)) !== undefined) return folder;
  }
  return undefined;
}

function unusable(folder: string | undefined, why: string): SourceError {
  return new SourceError('ERR_SOURCE_CONFIG', `${folder ?? 'certificates of the system'}: ${why}`);
}
