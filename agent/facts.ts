import type { Json } from '../shared/canonical.ts';
import type { Items } from '../shared/report.ts';
import { isFileError, whereReadable } from './check.ts';
import { readMachineConfig } from './desired/machine-config.ts';
import { type Hardware, readHardware } from './hardware.ts';
import { type Host, HostError } from './host.ts';
import { KUBELET_CONFIG } from './kubelet-config.ts';
import { crioVersion, readOsRelease } from './versions.ts';

/** Which kind of operating system: by how it is installed and updated, not by its name. */
export type OsKind = 'coreos' | 'image-mode' | 'package-mode';

/** What a node is. Every member is of the host root; what cannot be read there is null. */
export interface NodeFacts {
  readonly os: {
    readonly kind: OsKind;
    /** `ID`, `VERSION_ID`, `PRETTY_NAME`, `OPENSHIFT_VERSION`, `PLATFORM_ID` of os-release(5). */
    readonly id: string | null;
    readonly version: string | null;
    readonly name: string | null;
    readonly openshift: string | null;
    readonly platform: string | null;
  };
  readonly hostname: string | null;
  readonly machineId: string | null;
  readonly bootId: string | null;
  readonly kernel: string | null;
  /** As the kernel names it: `x86_64`, `aarch64`, … */
  readonly architecture: string | null;
  readonly cgroupVersion: 1 | 2 | null;
  /** Linux security modules in force, comma-separated. */
  readonly securityModules: string | null;
  readonly crioVersion: string | null;
  readonly hasKubelet: boolean;
  /** Name of the MachineConfig applied last. */
  readonly machineConfig: string | null;
  readonly hardware: Hardware | null;
}

/** Reads the facts of the node under the host root. Never throws for a state of the node. */
export async function readFacts(host: Host): Promise<NodeFacts> {
  const release = (await whereReadable(readOsRelease(host))) ?? new Map<string, string>();
  const line = async (path: string): Promise<string | null> => await firstLine(host, path);
  const kernel = await line('/proc/sys/kernel/osrelease');
  return {
    os: {
      kind: await osKind(host, release),
      id: release.get('ID') ?? null,
      version: release.get('VERSION_ID') ?? null,
      name: release.get('PRETTY_NAME') ?? null,
      openshift: release.get('OPENSHIFT_VERSION') ?? null,
      platform: release.get('PLATFORM_ID') ?? null,
    },
    hostname: (await line('/proc/sys/kernel/hostname')) ?? (await line('/etc/hostname')),
    machineId: await line('/etc/machine-id'),
    bootId: await line('/proc/sys/kernel/random/boot_id'),
    kernel,
    architecture: (await line('/proc/sys/kernel/arch')) ?? architectureIn(kernel),
    cgroupVersion: await cgroupVersion(host),
    securityModules: await line('/sys/kernel/security/lsm'),
    crioVersion: (await whereReadable(crioVersion(host))) ?? null,
    hasKubelet: await exists(host, KUBELET_CONFIG),
    machineConfig: await machineConfigName(host),
    hardware: host.root === '/' ? await readHardware() : null,
  };
}

/** The section `host` of a report. */
export function factItems(facts: NodeFacts): Items {
  const { os, hardware, ...node } = facts;
  return new Map<string, Json>([
    ['os', { ...os }],
    ['node', { ...node }],
    ...(hardware === null ? [] : [['hardware', { ...hardware }] as const]),
  ]);
}

/** os-release alone does not tell: from OpenShift 4.19 on its ID is `rhel` on CoreOS too. */
async function osKind(host: Host, release: ReadonlyMap<string, string>): Promise<OsKind> {
  if (release.get('VARIANT_ID') === 'coreos') return 'coreos';
  return (await exists(host, '/run/ostree-booted')) ? 'image-mode' : 'package-mode';
}

async function cgroupVersion(host: Host): Promise<1 | 2 | null> {
  if (await exists(host, '/sys/fs/cgroup/cgroup.controllers')) return 2;
  return (await exists(host, '/sys/fs/cgroup/memory')) ? 1 : null;
}

async function machineConfigName(host: Host): Promise<string | null> {
  try {
    return (await readMachineConfig(host))?.name ?? null;
  } catch (error) {
    // The rules say what is wrong with it.
    if (isFileError(error)) return null;
    throw error;
  }
}

function architectureIn(kernel: string | null): string | null {
  return /\.(x86_64|aarch64|ppc64le|s390x)$/.exec(kernel ?? '')?.[1] ?? null;
}

async function firstLine(host: Host, path: string): Promise<string | null> {
  const text = await whereReadable(host.readText(path));
  return text?.split('\n')[0]?.trim() || null;
}

async function exists(host: Host, path: string): Promise<boolean> {
  try {
    return (await host.stat(path)) !== undefined;
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}
