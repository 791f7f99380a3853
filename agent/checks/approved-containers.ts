import { matches } from '../../shared/pattern.ts';
import type { ContainerConfig } from '../containers.ts';
import type { ProfileValues } from '../profile-values.ts';

/** True for a container that may have the rights of the node: by its namespace, under podman by its name. */
export function isApproved(
  { namespace, name }: ContainerConfig,
  { privilegedNamespaces, privilegedContainers }: ProfileValues,
): boolean {
  if (namespace !== undefined) return privilegedNamespaces.some((one) => matches(one, namespace));
  return name !== undefined && privilegedContainers.some((one) => matches(one, name));
}
