import { posix } from 'node:path';
import * as v from 'valibot';
import type { Reference } from '../../shared/trust/reference.ts';
import type { Host } from '../host.ts';
import { rootHome } from '../trust.ts';
import { readJsonObject } from './json-body.ts';
import { SourceError } from './source-error.ts';

/** What a registry knows the node by. Never shown, never logged. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Of an OAuth login; then user and password are not used. */
  readonly identityToken?: string;
}

const entry = v.object({ auth: v.nullish(v.string()), identitytoken: v.nullish(v.string()) });
const authFile = v.object({ auths: v.nullish(v.record(v.string(), v.nullish(entry))) });
type Entries = ReadonlyMap<string, v.InferOutput<typeof entry>>;

/**
 * Credentials of the node for a repository: the kubelet's pull secret, then where podman looks for root,
 * containers-auth.json(5). In each file the longest name counts, `registry/team/app` before `registry`. Programs that
 * a file names to keep credentials are not run. Throws `SourceError` and `HostError`.
 */
export async function findCredentials(
  host: Host,
  reference: Reference,
): Promise<Credentials | undefined> {
  const home = await rootHome(host);
  for (const path of [
    '/var/lib/kubelet/config.json',
    '/run/containers/0/auth.json',
    '/etc/containers/auth.json',
    posix.join(home, '.config/containers/auth.json'),
    posix.join(home, '.docker/config.json'),
  ]) {
    const text = await host.readText(path);
    const found = text === undefined ? undefined : credentialsIn(path, text, reference);
    if (found !== undefined) return found;
  }
  return undefined;
}

function credentialsIn(path: string, text: string, reference: Reference): Credentials | undefined {
  const entries = readEntries(path, text);
  for (const name of namesOf(reference)) {
    const found = entries.get(name);
    if (found === undefined) continue;
    const { auth, identitytoken } = found;
    const plain = Buffer.from(auth ?? '', 'base64').toString();
    const colon = plain.indexOf(':');
    const identity = identitytoken ? { identityToken: identitytoken } : {};
    if (colon > 0) {
      const password = plain.slice(colon + 1).replace(/\0+$/, '');
      return { username: plain.slice(0, colon), password, ...identity };
    }
    if (identitytoken) return { username: '', password: '', ...identity };
    if (auth) throw unreadable(path, `auths[${JSON.stringify(name)}].auth: expected user:password`);
  }
  return undefined;
}

function readEntries(path: string, text: string): Entries {
  const file = v.safeParse(authFile, readJsonObject(text));
  if (!file.success) throw unreadable(path, 'expected an object auths of credentials by registry');
  const entries = new Map<string, v.InferOutput<typeof entry>>();
  for (const [name, value] of Object.entries(file.output.auths ?? {})) {
    if (value === null || value === undefined) continue;
    entries.set(name, value);
    // Docker's own way to write a registry.
    const host = registryIn(name);
    if (host !== name && !entries.has(host)) entries.set(host, value);
  }
  return entries;
}

/** `https://index.docker.io/v1/` is docker.io; a name without a scheme is itself. */
function registryIn(name: string): string {
  const [, rest] = /^https?:\/\/(.*)$/.exec(name) ?? [];
  const host = rest?.split('/')[0] ?? name;
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function namesOf({ domain, path }: Reference): readonly string[] {
  const parts = [domain, ...path.split('/')];
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

function unreadable(path: string, why: string): SourceError {
  return new SourceError('ERR_SOURCE_CONFIG', `${path}: ${why}`);
}
