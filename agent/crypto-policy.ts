import type { Host } from './host.ts';

export const CRYPTO_POLICIES: string = '/etc/crypto-policies';
const CONFIG = `${CRYPTO_POLICIES}/config`;
const STATE = `${CRYPTO_POLICIES}/state/current`;
const BACK_ENDS = `${CRYPTO_POLICIES}/back-ends`;
const LOCAL = `${CRYPTO_POLICIES}/local.d`;
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

/** What was applied last. */
export async function appliedPolicy(host: Host): Promise<CryptoPolicy | undefined> {
  return parseCryptoPolicy(await host.readText(STATE));
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

/** A back end whose configuration is not what the applied policy makes of it. */
export interface BrokenBackEnd {
  readonly path: string;
  readonly what:
    | 'dangling link'
    | 'regular file instead of a link'
    | 'link outside the policies'
    | 'folder, pipe or device';
}

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
  for (const name of (await host.list(BACK_ENDS)) ?? []) {
    if (!name.endsWith('.config')) continue;
    const path = `${BACK_ENDS}/${name}`;
    const kind = (await host.lstat(path))?.kind;
    if (kind === 'folder' || kind === 'other') {
      broken.push({ path, what: 'folder, pipe or device' });
      continue;
    }
    if (kind !== 'link') {
      const backEnd = name.slice(0, -'.config'.length);
      const hasAdditions = local.some((file) => file.startsWith(`${backEnd}-`));
      // nss has to have a file of its own.
      if (isByLinks && backEnd !== 'nss' && !hasAdditions) {
        broken.push({ path, what: 'regular file instead of a link' });
      }
      continue;
    }
    const target = await host.resolve(path);
    if (target === undefined) broken.push({ path, what: 'dangling link' });
    else if (!target.startsWith(`${VENDOR}/`) && !target.startsWith(`${CRYPTO_POLICIES}/`)) {
      broken.push({ path, what: 'link outside the policies' });
    }
  }
  return broken;
}
