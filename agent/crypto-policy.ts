import { whereReadable } from './check.ts';
import type { Host } from './host.ts';

export const CRYPTO_POLICIES: string = '/etc/crypto-policies';
const CONFIG = `${CRYPTO_POLICIES}/config`;
const STATE = `${CRYPTO_POLICIES}/state/current`;
const BACK_ENDS = `${CRYPTO_POLICIES}/back-ends`;
const LOCAL = `${CRYPTO_POLICIES}/local.d`;
const ENDING = '.config';
const VENDOR = '/usr/share/crypto-policies';

/** A system-wide crypto policy, `FIPS:OSPP`: its base and the modules on it, upper-case. See crypto-policies(7). */
export interface CryptoPolicy {
  readonly base: string;
  readonly modules: readonly string[];
}

/** What `/etc/crypto-policies/config` asks for. */
export async function configuredPolicy(host: Host): Promise<CryptoPolicy | undefined> {
  return parseCryptoPolicy(await host.readText(CONFIG));
}

/** What is in force: what was applied last, unless the boot mounted another policy over it. */
export async function appliedPolicy(host: Host): Promise<CryptoPolicy | undefined> {
  const last = parseCryptoPolicy(await host.readText(STATE));
  return last?.base === MOUNTED.base || !(await isMounted(host)) ? last : MOUNTED;
}

const MOUNTED: CryptoPolicy = { base: 'FIPS', modules: [] };

/**
 * EL10 mounts FIPS over configuration and back ends where the kernel is in FIPS mode and the policy is another one
 * (fips-crypto-policy-overlay.service of crypto-policies): what was applied last stays as it was, and decides nothing.
 */
async function isMounted(host: Host): Promise<boolean> {
  const configured = await whereReadable(configuredPolicy(host));
  if (configured === undefined || cryptoPolicyText(configured) !== MOUNTED.base) return false;
  const names = await backEndsIn(host);
  for (const name of names) {
    const vendors = `${VENDOR}/back-ends/${MOUNTED.base}/${name}`;
    if (!(await isSame(host, `${BACK_ENDS}/${name}`, vendors))) return false;
  }
  return names.length > 0;
}

async function backEndsIn(host: Host): Promise<readonly string[]> {
  return ((await host.list(BACK_ENDS)) ?? []).filter((name) => name.endsWith(ENDING));
}

async function isSame(host: Host, path: string, other: string): Promise<boolean> {
  const bytes = await whereReadable(host.readBytes(path));
  const others = await whereReadable(host.readBytes(other));
  return bytes !== undefined && others !== undefined && bytes.equals(others);
}

/** True where the software is installed, whatever became of its configuration. */
export async function hasCryptoPolicies(host: Host): Promise<boolean> {
  return (
    (await host.stat(VENDOR)) !== undefined || (await host.stat(CRYPTO_POLICIES)) !== undefined
  );
}

/** The first word of the file is the policy; words that follow, behind `:` or on lines of their own, are modules. */
export function parseCryptoPolicy(text: string | undefined): CryptoPolicy | undefined {
  const lines = (text ?? '').split('\n').map((line) => line.replace(/#.*/, '').trim());
  const [base, ...modules] = lines
    .flatMap((line) => line.toUpperCase().split(':'))
    .filter((word) => word !== '');
  return base === undefined ? undefined : { base, modules };
}

export function cryptoPolicyText(policy: CryptoPolicy): string {
  return [policy.base, ...policy.modules].join(':');
}

/** Places of policies and modules of this node, which go before the vendor's of the same name. */
export const OWN_POLICIES: readonly string[] = ['policies', 'policies/modules'].map(
  (folder) => `${CRYPTO_POLICIES}/${folder}`,
);

/** Parts of a policy that are this node's own where the vendor has one of that name: `OSPP.pmod`, `FIPS.pol`. */
export async function ownParts(
  host: Host,
  { base, modules }: CryptoPolicy,
): Promise<readonly string[]> {
  // Without modules the vendor's own files are linked to.
  if (modules.length === 0) return [];
  const [policies = [], parts = []] = await Promise.all(
    OWN_POLICIES.map(async (folder) => (await host.list(folder)) ?? []),
  );
  return [
    ...[`${base}.pol`].filter((name) => policies.includes(name)),
    ...modules.map((module) => `${module}.pmod`).filter((name) => parts.includes(name)),
  ];
}

/** A back end whose configuration is not what the applied policy makes of it. */
export interface BrokenBackEnd {
  readonly path: string;
  readonly what: BackEndFault;
}

type BackEndFault =
  | 'dangling link'
  | 'regular file instead of a link'
  | 'link to another policy'
  | 'link outside the policies'
  | 'folder, pipe or device';

/**
 * Back ends that do not follow the applied policy. A vendor policy without modules is applied by links; with
 * modules, or with local additions, the tool writes the file itself.
 */
export async function brokenBackEnds(
  host: Host,
  applied: CryptoPolicy,
): Promise<readonly BrokenBackEnd[]> {
  const local = (await host.list(LOCAL)) ?? [];
  const isByLinks =
    applied.modules.length === 0 && (await host.stat(`${VENDOR}/${applied.base}`)) !== undefined;
  const broken: BrokenBackEnd[] = [];
  for (const name of await backEndsIn(host)) {
    const backEnd = name.slice(0, -ENDING.length);
    const hasAdditions = local.some((file) => file.startsWith(`${backEnd}-`));
    const what = await faultOf(host, backEnd, applied, isByLinks && !hasAdditions);
    if (what !== undefined) broken.push({ path: `${BACK_ENDS}/${name}`, what });
  }
  return broken;
}

/** `isVendors`: the file has to be the one of the vendor's policy. */
async function faultOf(
  host: Host,
  backEnd: string,
  { base }: CryptoPolicy,
  isVendors: boolean,
): Promise<BackEndFault | undefined> {
  const path = `${BACK_ENDS}/${backEnd}${ENDING}`;
  const kind = (await host.lstat(path))?.kind;
  if (kind === 'folder' || kind === 'other') return 'folder, pipe or device';
  if (kind !== 'link') {
    // nss has to have a file of its own; what is mounted at boot is files of the same content.
    const isRight = !isVendors || backEnd === 'nss';
    const isEqual = isRight || (await isSame(host, path, `${VENDOR}/${base}/${backEnd}.txt`));
    return isEqual ? undefined : 'regular file instead of a link';
  }
  const target = await host.resolve(path);
  if (target === undefined) return 'dangling link';
  if (
    [`${VENDOR}/${base}/`, `${VENDOR}/back-ends/${base}/`].some((own) => target.startsWith(own))
  ) {
    return undefined;
  }
  if (target.startsWith(`${VENDOR}/`)) return 'link to another policy';
  const isGenerated = !isVendors && target.startsWith(`${CRYPTO_POLICIES}/`);
  return isGenerated ? undefined : 'link outside the policies';
}
