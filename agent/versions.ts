import type { Host } from './host.ts';

export const OS_RELEASE: string = '/etc/os-release';
const CRIO_VERSION = '/run/crio/version';
/** OpenShift 4.N ships Kubernetes and CRI-O 1.(N + 13). */
const KUBERNETES_MINOR_AHEAD = 13;

/** Members of os-release(5), unquoted; empty where the node has no such file. */
export async function readOsRelease(host: Host): Promise<ReadonlyMap<string, string>> {
  const text = (await host.readText(OS_RELEASE)) ?? (await host.readText('/usr/lib/os-release'));
  return new Map(
    [...(text ?? '').matchAll(/^\s*([A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      unquote(value.trim()),
    ]),
  );
}

function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  if (quoted === null) return value;
  return quoted[1] === '"' ? (quoted[2] ?? '').replace(/\\([\\"$`])/g, '$1') : (quoted[2] ?? '');
}

/** Minor version of CRI-O 1.x: as it wrote at its start, else as its OpenShift release ships it. */
export async function crioMinor(host: Host): Promise<number | undefined> {
  const written = /^"?1\.(\d+)\./.exec((await host.readText(CRIO_VERSION)) ?? '')?.[1];
  if (written !== undefined) return Number(written);
  const openshift = await openshiftMinor(host);
  return openshift === undefined ? undefined : openshift + KUBERNETES_MINOR_AHEAD;
}

/** Minor version of OpenShift 4.x; undefined on other nodes. */
export async function openshiftMinor(host: Host): Promise<number | undefined> {
  const version = (await readOsRelease(host)).get('OPENSHIFT_VERSION') ?? '';
  const minor = /^4\.(\d+)/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** The version CRI-O wrote at its start; undefined where it does not run. */
export async function crioVersion(host: Host): Promise<string | undefined> {
  return (await host.readText(CRIO_VERSION))?.trim().replaceAll('"', '') || undefined;
}
