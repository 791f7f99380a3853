import { posix } from 'node:path';
import { type FolderFiles, filesBelow } from './folder-files.ts';
import type { Host } from './host.ts';
import { readNodeTrust, rootHome } from './trust.ts';
import { readTrustEnvironment } from './trust-environment.ts';

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

/** The folders that exist. Never throws for a state of the node. */
export async function trustFolders(host: Host): Promise<readonly FolderFiles[]> {
  const folders: FolderFiles[] = [];
  for (const path of FOLDERS) {
    const found = await filesBelow(host, path, MAX_DEPTH);
    if (found !== undefined) folders.push(found);
  }
  return folders;
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

/** Where root's own configuration goes before that in /etc: for who works in a shell, and for CRI-O by its environment. */
export async function ownConfigFolders(host: Host): Promise<readonly string[]> {
  const homes = [await rootHome(host), (await readTrustEnvironment(host)).home ?? ''];
  const folders = homes.filter(Boolean).map((home) => posix.join(home, '.config/containers'));
  return [...new Set(folders)];
}

/** Folders to be watched because the configuration names them or files in them, wherever they are. */
export async function trustWatchesIn(host: Host): Promise<readonly string[]> {
  const { crio } = await readNodeTrust(host);
  const files = await namedPathsIn(host);
  const folders = [
    crio.policyFolder,
    ...(await ownConfigFolders(host)),
    ...files.map((path) => posix.dirname(path)),
  ];
  return [...new Set(folders)].filter((path) => path.startsWith('/'));
}
