import { type FolderFiles, filesBelow } from './folder-files.ts';
import type { Host } from './host.ts';
import { isTrustPath } from './trust-places.ts';

/** How much a change there matters that nobody explains. */
export type Weight = 'high' | 'medium' | 'low';

/** A folder, or a file, in which the node is configured though no pull of an image looks at it. */
interface WatchedPlace {
  readonly path: string;
  /** How many folders deep; absent for a file. */
  readonly depth?: number;
  readonly weight: Weight;
  /** What lies there comes and goes with every roll-out of the platform: names alone are listed. */
  readonly namesOnly?: true;
}

/**
 * Where a file of one's own decides what runs, who may log in, whom the node believes or what it writes down, beside
 * the trust configuration. In the order of reports.
 */
const PLACES: readonly WatchedPlace[] = [
  { path: '/etc/containers', depth: 4, weight: 'medium' },
  { path: '/etc/crio', depth: 3, weight: 'medium' },
  { path: '/etc/kubernetes/kubelet.conf', weight: 'high' },
  { path: '/etc/kubernetes/manifests', depth: 1, weight: 'high' },
  { path: '/etc/kubernetes/static-pod-resources', depth: 0, weight: 'low', namesOnly: true },
  { path: '/etc/systemd/system/crio.service', weight: 'high' },
  { path: '/etc/systemd/system/kubelet.service', weight: 'high' },
  { path: '/etc/systemd/system/crio.service.d', depth: 1, weight: 'high' },
  { path: '/etc/systemd/system/kubelet.service.d', depth: 1, weight: 'high' },
  { path: '/etc/sysctl.d', depth: 1, weight: 'medium' },
  { path: '/etc/modprobe.d', depth: 1, weight: 'medium' },
  { path: '/etc/pki/rpm-gpg', depth: 1, weight: 'high' },
  { path: '/etc/pki/sigstore', depth: 1, weight: 'high' },
  { path: '/etc/pki/ca-trust/source/anchors', depth: 2, weight: 'high' },
  { path: '/etc/crypto-policies', depth: 3, weight: 'medium' },
  { path: '/etc/selinux/config', weight: 'high' },
  { path: '/etc/selinux/targeted/active/modules/400', depth: 2, weight: 'high' },
  { path: '/usr/local/bin', depth: 1, weight: 'high' },
  { path: '/etc/ssh/sshd_config.d', depth: 1, weight: 'high' },
  { path: '/root/.config/containers', depth: 3, weight: 'high' },
  { path: '/etc/sudoers.d', depth: 1, weight: 'high' },
  { path: '/etc/cni/net.d', depth: 1, weight: 'medium' },
  { path: '/etc/audit/rules.d', depth: 1, weight: 'medium' },
  { path: '/etc/chrony.conf', weight: 'medium' },
];

const FOLDERS = PLACES.filter(({ depth }) => depth !== undefined);

/** Single files among the places, whether they exist or not. */
export const watchedFiles: readonly string[] = PLACES.filter(
  ({ depth }) => depth === undefined,
).map(({ path }) => path);

/** Every folder to be watched for changes in these places; names that come with roll-outs need no notice at once. */
export const watchedWatches: readonly string[] = [
  ...FOLDERS.filter(({ namesOnly }) => namesOnly === undefined).map(({ path }) => path),
  '/etc/crypto-policies/state',
  '/etc/crypto-policies/back-ends',
  '/etc/selinux',
  '/etc/kubernetes',
  '/etc/systemd/system',
];

/** A folder among the places, as it is. */
export interface WatchedFolder extends FolderFiles {
  readonly namesOnly: boolean;
}

/** The folders that exist. Never throws for a state of the node. */
export async function watchedFolders(host: Host): Promise<readonly WatchedFolder[]> {
  const folders: WatchedFolder[] = [];
  for (const { path, depth = 0, namesOnly = false } of FOLDERS) {
    const found = await filesBelow(host, path, depth);
    if (found !== undefined) folders.push({ ...found, namesOnly });
  }
  return folders;
}

/** True for a file of these places. */
export function isWatchedPath(path: string): boolean {
  return placeOf(path) !== undefined;
}

/** The weight of the place a file lies in, the most exact one; undefined for what lies in none, or has a rule of its own. */
export function weightOf(path: string): Weight | undefined {
  return isTrustPath(path) ? undefined : placeOf(path)?.weight;
}

function placeOf(path: string): WatchedPlace | undefined {
  return PLACES.filter(
    (place) =>
      path === place.path || (place.depth !== undefined && path.startsWith(`${place.path}/`)),
  ).sort((one, other) => other.path.length - one.path.length)[0];
}
