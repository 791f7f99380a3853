import { posix } from 'node:path';
import { counted } from '../../shared/counted.ts';
import { ask, type Statement, whereReadable } from '../check.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import type { Host, HostStat } from '../host.ts';
import { filePermissions as rule } from './rules/node.ts';

const PUBLIC = 0o644;
const SECRET = 0o600;
/** In a folder: a file is its owner's to replace. */
const STICKY = 0o1000;
/** Of a file that no table has: whatever it was, others must not have changed it. */
const COPY_OF_ANY = 0o755;

/** Modes that the operator's templates and the CIS benchmark give; stricter ones are as good. */
const FILES: Readonly<Record<string, number>> = {
  '/etc/containers/policy.json': PUBLIC,
  '/etc/containers/registries.conf': PUBLIC,
  '/etc/containers/storage.conf': PUBLIC,
  '/etc/crio/crio.conf': PUBLIC,
  '/etc/kubernetes/kubelet.conf': PUBLIC,
  '/etc/kubernetes/kubelet-ca.crt': PUBLIC,
  '/etc/systemd/system/kubelet.service': PUBLIC,
  '/etc/selinux/config': PUBLIC,
  '/etc/machine-config-daemon/currentconfig': PUBLIC,
  '/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt': SECRET,
  '/var/lib/kubelet/kubeconfig': SECRET,
  '/var/lib/kubelet/config.json': SECRET,
};

/** Files of one ending in a folder, all with one mode; '' takes every file. */
const FOLDERS: readonly (readonly [folder: string, ending: string])[] = [
  ['/etc/containers/registries.d', '.yaml'],
  ['/etc/containers/registries.conf.d', '.conf'],
  ['/etc/crio/crio.conf.d', ''],
  ['/etc/crio/policies', '.json'],
];

/** What the daemon found at a path before it wrote there, the pull secret too: `orig/<path>.mcdorig`. */
const ORIGINALS = `${MACHINE_CONFIG_FOLDER}/orig`;
const ORIGINAL_ENDING = '.mcdorig';
const MAX_DEPTH = 16;

/** What the rule `node.file-permissions` says: one statement for each file that others could change or read. */
export async function filePermissions(
  host: Host,
  signal: AbortSignal,
): Promise<Statement | readonly Statement[]> {
  const found: Statement[] = [];
  const parents = new Set<string>();
  let count = 0;
  const look = async (path: string, mode: number): Promise<void> => {
    signal.throwIfAborted();
    for (const { ruleId: _, ...statement } of await ask(
      rule,
      async () => await judge(host, path, mode),
    )) {
      count++;
      if (!path.startsWith(ORIGINALS)) parents.add(posix.dirname(path));
      if (statement.result !== 'pass') found.push({ ...statement, subject: path });
    }
  };
  const folders = async (path: string, list: () => Promise<readonly string[]>): Promise<void> => {
    const listed = await ask(rule, async () => {
      for (const file of await list()) await look(file, modeOf(file));
      return [];
    });
    for (const { ruleId: _, ...statement } of listed) found.push({ ...statement, subject: path });
  };
  for (const [path, mode] of Object.entries(FILES)) await look(path, mode);
  for (const [folder, ending] of FOLDERS) {
    await folders(folder, async () => await filesIn(host, folder, ending));
  }
  await folders(ORIGINALS, async () => await filesBelow(host, ORIGINALS, 0));
  for (const path of parents) {
    const fault = await folderFault(host, path);
    if (fault !== undefined) found.push({ ...fault, subject: path });
  }
  if (found.length > 0) return found;
  if (count === 0) {
    const message = 'none of the files whose mode is looked at is here';
    return { result: 'notapplicable', reason: 'no-files', message };
  }
  const message = counted(
    count,
    'file has a safe mode and belongs to root',
    'files have safe modes and belong to root',
  );
  return { result: 'pass', message, observed: { unsafe: 0 } };
}

/** A copy of a secret is one; other copies may be of programs, and of links. */
function modeOf(path: string): number {
  if (!path.startsWith(`${ORIGINALS}/`)) return FILES[path] ?? PUBLIC;
  return FILES[path.slice(ORIGINALS.length, -ORIGINAL_ENDING.length)] ?? COPY_OF_ANY;
}

async function judge(
  host: Host,
  path: string,
  mode: number,
): Promise<Statement | readonly Statement[]> {
  const stat = await host.lstat(path);
  if (stat === undefined) return [];
  const observed = { mode: octal(stat.mode), owner: `${stat.uid}:${stat.gid}`, kind: stat.kind };
  const expected = { mode: octal(mode), owner: '0:0', kind: 'file' };
  const fault = faultOf(stat, mode);
  if (fault === undefined) {
    return { result: 'pass', message: `${path} is safe`, observed, expected };
  }
  const [reason, what] = fault;
  return { result: 'fail', reason, message: `${path} ${what}`, observed, expected };
}

/** Who can write in a folder can put another file in the place of each in it; without the sticky bit, also of others'. */
async function folderFault(host: Host, path: string): Promise<Statement | undefined> {
  const stat = await whereReadable(host.stat(path));
  if (stat === undefined || stat.kind !== 'folder') return undefined;
  const isOpen = (stat.mode & 0o022) !== 0 && (stat.mode & STICKY) === 0;
  if (!isOpen) return undefined;
  const observed = { mode: octal(stat.mode), owner: `${stat.uid}:${stat.gid}`, kind: stat.kind };
  const message = `${path} has mode ${octal(stat.mode)}: others may replace the files in it`;
  return { result: 'fail', reason: 'writable-folder', message, observed };
}

/** The worst first: who can write, who owns, who can read. */
function faultOf(
  { kind, mode, uid, gid }: HostStat,
  allowed: number,
): readonly [reason: string, what: string] | undefined {
  if (kind === 'link' && allowed === COPY_OF_ANY) return undefined;
  if (kind === 'link') return ['link', 'is a link, expected the file itself'];
  if (kind !== 'file') return ['not-a-file', 'is no file'];
  if ((mode & 0o022) !== 0) return ['writable', `has mode ${octal(mode)}: others may change it`];
  if (uid !== 0 || gid !== 0) return ['owner', `belongs to ${uid}:${gid}, expected root (0:0)`];
  if ((mode & ~allowed) === 0) return undefined;
  return ['mode', `has mode ${octal(mode)}, expected ${octal(allowed)} or stricter`];
}

async function filesIn(host: Host, folder: string, ending: string): Promise<readonly string[]> {
  const names = (await host.list(folder)) ?? [];
  const paths = names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`);
  const kinds = await Promise.all(paths.map(async (path) => (await host.lstat(path))?.kind));
  return paths.filter((_, index) => kinds[index] !== 'folder');
}

async function filesBelow(host: Host, folder: string, depth: number): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const name of (await host.list(folder)) ?? []) {
    const path = posix.join(folder, name);
    const kind = (await host.lstat(path))?.kind;
    if (kind !== 'folder') paths.push(...(name.endsWith(ORIGINAL_ENDING) ? [path] : []));
    else if (depth < MAX_DEPTH) paths.push(...(await filesBelow(host, path, depth + 1)));
  }
  return paths;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
