import { whereReadable } from './check.ts';
import { MACHINE_CONFIG_FOLDER } from './desired/machine-config.ts';
import type { Host } from './host.ts';
import { KUBELET_CONFIG } from './kubelet-config.ts';
import type { Profile } from './profile.ts';
import { readProfile, type SHIPPED_PROFILES } from './profile-file.ts';
import type { NamedCheck } from './rule-names.ts';
import { readOsRelease } from './versions.ts';

/** A profile, and who said that it is this one. */
export interface ProfileInForce {
  readonly profile: Profile;
  /** `configured`, or `by-node`: chosen by the kind of the node, because nobody said. */
  readonly chosen: 'configured' | 'by-node';
}

/** The profile somebody named, else the one for the kind of node. Throws `ConfigError`. */
export async function profileFor(
  host: Host,
  named: string | undefined,
  checks: readonly NamedCheck[],
): Promise<ProfileInForce> {
  if (named !== undefined) {
    return { profile: await readProfile(named, checks), chosen: 'configured' };
  }
  const name: (typeof SHIPPED_PROFILES)[number] = (await isOpenShift(host))
    ? 'openshift-default'
    : 'rhel-host';
  return { profile: await readProfile(name, checks), chosen: 'by-node' };
}

/** A node that keeps a MachineConfig, or CoreOS with a kubelet (HyperShift keeps its MachineConfig elsewhere). */
async function isOpenShift(host: Host): Promise<boolean> {
  const isThere = async (path: string): Promise<boolean> =>
    (await whereReadable(host.stat(path))) !== undefined;
  if (await isThere(`${MACHINE_CONFIG_FOLDER}/currentconfig`)) return true;
  const release = await whereReadable(readOsRelease(host));
  return release?.get('VARIANT_ID') === 'coreos' && (await isThere(KUBELET_CONFIG));
}
