import { posix } from 'node:path';
import { readCrioPlaces } from './crio-places.ts';
import { type Host, HostError } from './host.ts';
import { readNodeTrust } from './trust.ts';

export const POLICY: string = '/etc/containers/policy.json';
export const REGISTRIES_D: string = '/etc/containers/registries.d';

/** Single files that decide which images a node takes, whether they exist or not. */
export const trustPaths: readonly string[] = [
  POLICY,
  '/usr/share/containers/policy.json',
  '/etc/containers/registries.conf',
  '/etc/crio/crio.conf',
  '/root/.config/containers/policy.json',
  '/root/.config/containers/registries.conf',
];

/** Folders of which every file takes part, by drop-in or by name. */
const FOLDERS = [
  REGISTRIES_D,
  '/etc/containers/registries.conf.d',
  '/etc/containers/certs.d',
  '/etc/containers/oci/hooks.d',
  '/etc/crio/crio.conf.d',
  '/etc/crio/policies',
  '/root/.config/containers/registries.d',
  '/root/.config/containers/registries.conf.d',
];
/** Folders of keys: `certs.d` has one for each registry, nothing has more. */
const MAX_DEPTH = 3;

/** True for a file that takes part in the trust configuration by where it lies. */
export function isTrustPath(path: string): boolean {
  return trustPaths.includes(path) || FOLDERS.some((folder) => path.startsWith(`${folder}/`));
}

/** Every folder to be watched for changes of the trust configuration. */
export const trustWatches: readonly string[] = [
  '/etc/containers',
  '/usr/share/containers',
  '/etc/crio',
  '/etc/pki/rpm-gpg',
  '/etc/pki/sigstore',
  '/root/.config/containers',
  ...FOLDERS,
];

/** A folder of the trust configuration with the files below it, or the reason why it cannot be listed. */
export interface TrustFolder {
  readonly path: string;
  /** Whole paths, sorted by code unit. */
  readonly files: readonly string[];
  readonly problem?: HostError;
}

/** The folders that exist. */
export async function trustFolders(host: Host): Promise<readonly TrustFolder[]> {
  const folders: TrustFolder[] = [];
  for (const path of FOLDERS) {
    try {
      const files = await filesBelow(host, path, 0);
      if (files !== undefined) folders.push({ path, files });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      folders.push({ path, files: [], problem: error });
    }
  }
  return folders;
}

async function filesBelow(
  host: Host,
  folder: string,
  depth: number,
): Promise<readonly string[] | undefined> {
  const names = await host.list(folder);
  if (names === undefined) return undefined;
  const paths: string[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    const isFolder = depth < MAX_DEPTH && (await host.lstat(path))?.kind === 'folder';
    if (isFolder) paths.push(...((await filesBelow(host, path, depth + 1)) ?? []));
    else paths.push(path);
  }
  return paths;
}

/** Files that take part because others name them: policies of CRI-O and of namespaces, and the keys of every policy. */
export async function namedPathsIn(host: Host): Promise<readonly string[]> {
  const { crio, keyFiles } = await readNodeTrust(host);
  const policies = crio.namespacePolicies.flatMap((file) =>
    file.namespace === undefined ? [] : [file.path],
  );
  const own = crio.signaturePolicy === undefined ? [] : [crio.signaturePolicy.path];
  return [...own, ...policies, ...keyFiles.keys()].filter((path) => path.startsWith('/'));
}

/** Folders to be watched because the configuration names them or files in them, wherever they are. */
export async function trustWatchesIn(host: Host): Promise<readonly string[]> {
  const { signaturePolicyFolder } = await readCrioPlaces(host);
  const files = await namedPathsIn(host);
  const folders = [signaturePolicyFolder, ...files.map((path) => posix.dirname(path))];
  return [...new Set(folders)].filter((path) => path.startsWith('/'));
}
