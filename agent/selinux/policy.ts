import { sha256 } from '../../shared/canonical.ts';
import type { CheckContext } from '../check.ts';
import { memoryPerHost } from '../content-memory.ts';
import type { Host } from '../host.ts';
import { PolicyFormatError } from './bitmap.ts';
import { effectiveType, SELINUXFS } from './mode.ts';
import { type PolicyFile, readPolicyFile } from './policy-file.ts';

/** Where the configured policy lies, and which of its files the kernel takes. */
export interface PolicyPlace {
  readonly type: string;
  readonly folder: string;
  /** Undefined where the folder is not there. */
  readonly versions: readonly number[] | undefined;
  /** The highest version the kernel takes; undefined where selinuxfs is not visible. */
  readonly kernelMax: number | undefined;
  /** Of the versions the kernel takes the highest. */
  readonly version: number | undefined;
}

/** Content of a policy: its hash, and what it says or why it says nothing. */
export interface PolicyContent {
  readonly sha256: string;
  readonly policy: PolicyFile | undefined;
  readonly problem: string | undefined;
}

const POLICY_VERSIONS = `${SELINUXFS}/policyvers`;
/** Four times the policy of RHEL 9. */
const LIMIT_BYTES = 32 * 1024 * 1024;
/** The configuration is text of anybody who may write it: no way out of the folder. */
const TYPE = /^\w[\w.-]*$/;

/** The configured policy; undefined where the configuration names none. */
export async function findPolicy(host: Host): Promise<PolicyPlace | undefined> {
  const type = await effectiveType(host);
  if (type === undefined || !TYPE.test(type)) return undefined;
  const folder = `/etc/selinux/${type}/policy`;
  const names = await host.list(folder);
  const versions = names?.flatMap((name) => {
    const version = /^policy\.(\d{1,4})$/.exec(name)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
  const kernel = (await host.readText(POLICY_VERSIONS))?.trim() ?? '';
  const kernelMax = /^\d{1,4}$/.test(kernel) ? Number(kernel) : undefined;
  const taken = versions?.filter((version) => version <= (kernelMax ?? Number.POSITIVE_INFINITY));
  return { type, folder, versions, kernelMax, version: taken?.sort((a, b) => b - a)[0] };
}

/** Path of the file the kernel takes of a policy; undefined where there is none. */
export function policyPath({ folder, version }: PolicyPlace): string | undefined {
  return version === undefined ? undefined : `${folder}/policy.${version}`;
}

/** The same file as the image of the operating system brought it: ostree keeps it in `/usr/etc`. */
export function vendorPath(path: string): string {
  return `/usr${path}`;
}

/** Its policy, the vendor's, and the one that was built. */
const MAX_FILES = 4;
const contents = memoryPerHost({ make: contentOf, limitBytes: LIMIT_BYTES, maxFiles: MAX_FILES });

/** Content of a policy's file, read again only when the file changed; undefined where it is not there. Throws `HostError`. */
export async function policyContent(
  { host, clock }: Pick<CheckContext, 'host' | 'clock'>,
  path: string,
): Promise<PolicyContent | undefined> {
  return await contents(host).of(path, clock);
}

function contentOf(bytes: Buffer): PolicyContent {
  const hash = sha256(bytes);
  try {
    return { sha256: hash, policy: readPolicyFile(bytes), problem: undefined };
  } catch (error) {
    if (!(error instanceof PolicyFormatError)) throw error;
    return { sha256: hash, policy: undefined, problem: error.message };
  }
}
