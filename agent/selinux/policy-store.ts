import { sha256 } from '../../shared/canonical.ts';
import { type CheckContext, whereReadable } from '../check.ts';
import { memoryPerHost } from '../content-memory.ts';
import type { Host } from '../host.ts';

/** Something in the store that did not come with a package: a module, a module switched off, a list of `semanage`. */
export interface LocalChange {
  /** `module 400/my_app`, `disabled 100/…`, `booleans.local`. */
  readonly name: string;
  /** Over the names and contents of its files. */
  readonly sha256: string;
}

/** The store that policies are built from (semanage.conf(5)). */
export interface PolicyStore {
  /** `…/active`. */
  readonly folder: string;
  readonly changes: readonly LocalChange[];
}

const SEMANAGE_CONFIG = '/etc/selinux/semanage.conf';
/** RHEL keeps it in the first; an ostree system in the second, because `/var` is not part of its image. */
const ROOTS = ['/var/lib/selinux', '/etc/selinux'];
/** 100: the policy package; 200: packages that bring modules of their own. */
const PACKAGE_PRIORITIES = ['100', '200'];
/**
 * What scripts of packages themselves put there: selinux-policy.spec makes the two modules from rules of other modules,
 * and switches off modules it is about to drop, container-selinux.spec those it replaced.
 */
const PACKAGE_CHANGES = new Set([
  ...['extra_binsbin', 'extra_varrun'].map((name) => `module 400/${name}`),
  ...['docker', 'ganesha', 'gear', 'ipa_custodia', 'kdbus', 'sandbox'].map(
    (name) => `disabled ${name}`,
  ),
]);
const DISABLED = 'disabled';
const LIMIT_BYTES = 16 * 1024 * 1024;

type Context = Pick<CheckContext, 'host' | 'clock'>;

/** The folder of a policy's store; undefined where none is visible. Throws `HostError`. */
export async function storeFolder(host: Host, type: string): Promise<string | undefined> {
  for (const root of [...(await configuredRoots(host)), ...ROOTS]) {
    const folder = `${root}/${type}/active`;
    if ((await host.stat(folder)) !== undefined) return folder;
  }
  return undefined;
}

/** The store of a policy and what is local in it; undefined where none is visible. Throws `HostError`. */
export async function readPolicyStore(
  context: Context,
  type: string,
): Promise<PolicyStore | undefined> {
  const folder = await storeFolder(context.host, type);
  if (folder === undefined) return undefined;
  const changes = [
    ...(await modules(context, `${folder}/modules`)),
    ...(await lists(context, folder)),
  ];
  return { folder, changes: changes.filter(({ name }) => !PACKAGE_CHANGES.has(name)) };
}

/** Domains that `semanage permissive -a` made permissive, by the modules it makes for them. */
export function locallyPermissive({ changes }: PolicyStore): readonly string[] {
  return changes.flatMap(({ name }) => /^module \d+\/permissive_(.+)$/.exec(name)?.[1] ?? []);
}

async function configuredRoots(host: Host): Promise<readonly string[]> {
  const text = (await whereReadable(host.readText(SEMANAGE_CONFIG))) ?? '';
  const root = /^\s*store-root\s*=\s*(\/\S*?)\/*\s*$/m.exec(text)?.[1];
  return root === undefined || root === '' ? [] : [root];
}

async function modules(context: Context, folder: string): Promise<readonly LocalChange[]> {
  const { host } = context;
  const changes: LocalChange[] = [];
  const priorities = ((await host.list(folder)) ?? []).filter((name) => name !== DISABLED);
  for (const priority of priorities.filter((name) => !PACKAGE_PRIORITIES.includes(name))) {
    for (const name of (await host.list(`${folder}/${priority}`)) ?? []) {
      const path = `${folder}/${priority}/${name}`;
      const hash = await hashFolder(context, path);
      if (await isVendors(context, path, hash)) continue;
      changes.push({ name: `module ${priority}/${name}`, sha256: hash });
    }
  }
  for (const name of (await host.list(`${folder}/${DISABLED}`)) ?? []) {
    const path = `${folder}/${DISABLED}/${name}`;
    if ((await host.lstat(`/usr${path}`)) !== undefined) continue;
    if (!(await isThere(host, folder, priorities, name))) continue;
    changes.push({ name: `disabled ${name}`, sha256: sha256('') });
  }
  return changes;
}

/** Switching off what is not there does nothing; packages leave such marks of modules they dropped. */
async function isThere(
  host: Host,
  folder: string,
  priorities: readonly string[],
  name: string,
): Promise<boolean> {
  for (const priority of priorities) {
    if ((await host.stat(`${folder}/${priority}/${name}`)) !== undefined) return true;
  }
  return false;
}

/** Lists of `semanage` and `setsebool -P`; one with nothing but comments says nothing. */
async function lists(context: Context, folder: string): Promise<readonly LocalChange[]> {
  const changes: LocalChange[] = [];
  const names = (await context.host.list(folder)) ?? [];
  for (const name of names.filter((each) => each.endsWith('.local'))) {
    const path = `${folder}/${name}`;
    const text = (await context.host.readText(path)) ?? '';
    const lines = text.split('\n').filter((line) => /^\s*[^\s#]/.test(line));
    if (lines.length === 0) continue;
    const hash = sha256(text);
    const vendors = await whereReadable(context.host.readText(`/usr${path}`));
    if (vendors !== text) changes.push({ name, sha256: hash });
  }
  return changes;
}

/** True for what the image of the operating system has just so: ostree keeps it in `/usr/etc`. */
async function isVendors(context: Context, path: string, hash: string): Promise<boolean> {
  const vendors = `/usr${path}`;
  if ((await context.host.stat(vendors)) === undefined) return false;
  return (await hashFolder(context, vendors)) === hash;
}

/** Files of local modules, three a module. */
const MAX_FILES = 1000;
const hashes = memoryPerHost({ make: sha256, limitBytes: LIMIT_BYTES, maxFiles: MAX_FILES });

/** Over names and contents of the files of a module: `cil`, `hll`, `lang_ext`. */
async function hashFolder({ host, clock }: Context, folder: string): Promise<string> {
  const known = hashes(host);
  const lines: string[] = [];
  for (const name of (await host.list(folder)) ?? []) {
    lines.push(`${name} ${await known.of(`${folder}/${name}`, clock)}`);
  }
  return sha256(lines.join('\n'));
}
