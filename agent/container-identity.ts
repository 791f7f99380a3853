import type { ContainerSpec } from './container-spec.ts';

/** Who a container is, by what its runtime wrote into its annotations. */
export interface ContainerIdentity {
  /** The container that only holds the namespaces of a pod. */
  readonly isSandbox: boolean;
  /** Of the pod; undefined for a container of podman. */
  readonly namespace: string | undefined;
  /** `namespace/pod/container`, or the name the runtime gave; undefined where nothing tells. */
  readonly name: string | undefined;
  /** Containers with one of these share namespaces and categories on purpose: the pod's sandbox. */
  readonly pod: string | undefined;
  readonly podName: string | undefined;
  /** Name of the container in its pod. */
  readonly container: string | undefined;
  /** The image as CRI-O was asked for it: a name, or an id where the kubelet had looked that up before. */
  readonly image: string | undefined;
  /** The seccomp profile that was asked for. */
  readonly seccompProfile: string | undefined;
  /** podman says which container is privileged, CRI-O only which pod may have one. */
  readonly isPrivileged: boolean;
}

/** podman's own name for the container of a pod; before podman 5 nothing else tells it. */
const INFRA_NAME = /^[0-9a-f]{12}-infra$/;

/**
 * Reads who a container is. `recorded` is the name in the records of podman. Whoever makes a pod can bring annotations,
 * so that only those count which CRI-O and kubelet write after them, and whoever runs podman cannot name a namespace.
 */
export function identityOf(
  { annotations }: ContainerSpec,
  runtime: string,
  recorded: string | undefined,
): ContainerIdentity {
  const text = (name: string): string | undefined => annotations.get(name) || undefined;
  const crio = (name: string): string | undefined => text(`io.kubernetes.cri-o.${name}`);
  const isSandbox = crio('ContainerType') === 'sandbox';
  const pod = crio('SandboxID');
  if (runtime === 'libpod') {
    const isPrivileged = text('io.podman.annotations.privileged') === 'TRUE';
    return {
      isSandbox: !isPrivileged && (isSandbox || INFRA_NAME.test(recorded ?? '')),
      namespace: undefined,
      name: recorded,
      pod,
      podName: undefined,
      container: undefined,
      image: undefined,
      seccompProfile: text('io.podman.annotations.seccomp'),
      isPrivileged,
    };
  }
  const namespace = text('io.kubernetes.pod.namespace');
  const podName = text('io.kubernetes.pod.name');
  const container = text('io.kubernetes.container.name');
  const parts = [namespace, podName, container];
  return {
    isSandbox,
    namespace,
    name: parts.every((part) => part !== undefined) ? parts.join('/') : crio('Name'),
    pod,
    podName,
    container,
    image: crio('Image'),
    seccompProfile: crio('SeccompProfilePath'),
    isPrivileged: crio('PrivilegedRuntime') === 'true',
  };
}
