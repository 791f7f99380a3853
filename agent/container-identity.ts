import type { ContainerSpec } from './container-spec.ts';

/** Who a container is, by what its runtime wrote into its annotations. */
export interface ContainerIdentity {
  /** The container that only holds the namespaces of a pod. */
  readonly isSandbox: boolean;
  /** Of the pod; undefined for a container of podman. */
  readonly namespace: string | undefined;
  /** `namespace/pod/container`, or the name podman gave; undefined where nothing tells. */
  readonly name: string | undefined;
  /** Containers with one of these share namespaces and categories on purpose: the pod's sandbox. */
  readonly pod: string | undefined;
  /** The seccomp profile that was asked for. */
  readonly seccompProfile: string | undefined;
  /** podman says which container is privileged, CRI-O only which pod may have one. */
  readonly isPrivileged: boolean;
}

/**
 * Reads who a container is. Pods can bring annotations of their own, also some in the words of CRI-O; the labels of
 * kubelet (`io.kubernetes.pod.namespace`) are written after them, so that they decide.
 */
export function identityOf({ annotations }: ContainerSpec): ContainerIdentity {
  const text = (name: string): string | undefined => annotations.get(name) || undefined;
  const crio = (name: string): string | undefined => text(`io.kubernetes.cri-o.${name}`);
  const namespace = text('io.kubernetes.pod.namespace') ?? crio('Namespace');
  const parts = [
    namespace,
    text('io.kubernetes.pod.name') ?? crio('KubeName'),
    text('io.kubernetes.container.name'),
  ];
  return {
    isSandbox: crio('ContainerType') === 'sandbox' || text('io.container.type') === 'sandbox',
    namespace,
    name: parts.every((part) => part !== undefined) ? parts.join('/') : crio('Name'),
    pod: crio('SandboxID'),
    seccompProfile: crio('SeccompProfilePath') ?? text('io.podman.annotations.seccomp'),
    isPrivileged:
      crio('PrivilegedRuntime') === 'true' || text('io.podman.annotations.privileged') === 'TRUE',
  };
}
