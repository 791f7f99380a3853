import { whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import { SELINUXFS } from './mode.ts';

export const BOOLEANS: string = `${SELINUXFS}/booleans`;

/** A boolean that decides what a container, or a process that left one, may do. */
export interface TrackedBoolean {
  readonly name: string;
  /** Its value in the policy as shipped. */
  readonly stock: boolean;
  /** The value that allows more. */
  readonly looser: boolean;
}

/**
 * Stock values: `gen_tunable` in container.te of containers/container-selinux; in policy/global_tunables and virt.te of
 * fedora-selinux/selinux-policy, overruled by its dist/targeted/booleans.conf (RHEL 8 to 10 alike).
 */
const STOCK_OFF = [
  'container_can_execstack',
  'container_connect_any',
  'container_manage_cgroup',
  'container_manage_public_content',
  'container_modify_selinux_labels',
  'container_read_certs',
  'container_read_public_content',
  'container_use_cephfs',
  'container_use_devices',
  'container_use_ecryptfs',
  'container_use_xserver_devices',
  'selinuxuser_execheap',
  'sshd_launch_containers',
  'user_t_run_containers',
  'virt_sandbox_use_mknod',
  'virt_sandbox_use_netlink',
  'virt_sandbox_use_sys_admin',
  'virt_use_nfs',
  'virt_use_samba',
];
const STOCK_ON = [
  'container_use_dri_devices',
  'selinuxuser_execmod',
  'selinuxuser_execstack',
  'virt_sandbox_use_all_caps',
  'virt_sandbox_use_audit',
];
/** On, they forbid. */
const STOCK_OFF_STRICTER_ON = ['deny_execmem', 'deny_ptrace', 'secure_mode_policyload'];

export const TRACKED_BOOLEANS: readonly TrackedBoolean[] = [
  ...STOCK_OFF.map((name) => ({ name, stock: false, looser: true })),
  ...STOCK_ON.map((name) => ({ name, stock: true, looser: true })),
  ...STOCK_OFF_STRICTER_ON.map((name) => ({ name, stock: false, looser: false })),
];

export interface BooleanState {
  readonly current: boolean;
  /** What the next commit makes of it; another value than `current` was set and not committed. */
  readonly pending: boolean;
}

/** A boolean of the loaded policy; undefined where it has none of this name, `null` for text that is no boolean's. */
export async function readBoolean(
  host: Host,
  name: string,
): Promise<BooleanState | null | undefined> {
  const text = await host.readText(`${BOOLEANS}/${name}`);
  if (text === undefined) return undefined;
  const [, current, pending] = /^([01]) ([01])\s*$/.exec(text) ?? [];
  if (current === undefined) return null;
  return { current: current === '1', pending: pending === '1' };
}

/** Booleans that `setsebool -P` keeps over a reboot, by name; undefined where the list cannot be read. */
export async function persistentBooleans(
  host: Host,
  storeFolder: string,
): Promise<ReadonlyMap<string, boolean> | undefined> {
  const text = await whereReadable(host.readText(`${storeFolder}/booleans.local`));
  if (text === undefined) return undefined;
  return new Map(
    [...text.matchAll(/^\s*(\w+)\s*=\s*(\w+)/gm)].map(([, name = '', value = '']) => [
      name,
      /^(?:1|on|true)$/i.test(value),
    ]),
  );
}
