import type { Host } from './host.ts';
import { readStorageConfig, type StorageConfig } from './images/storage-conf.ts';

/** A container as its processes show it. */
export interface RunningContainer {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly runtime: string;
  readonly pids: readonly string[];
}

/** What the runtime was told of a container: its OCI config.json with the annotations of CRI-O and podman. */
export interface ContainerConfig {
  /** The container that only holds the namespaces of a pod. */
  readonly isSandbox: boolean;
  readonly isPrivileged: boolean;
  /** `namespace/pod/container`, or the name podman gave. */
  readonly name?: string;
  readonly namespace?: string;
  readonly pod?: string;
  /** Name of the container in its pod. */
  readonly container?: string;
  /** The image as CRI-O was asked for it: a name, or an id where the kubelet had looked that up before. */
  readonly image?: string;
  /** The seccomp profile that was asked for. */
  readonly seccompProfile?: string;
}

/** systemd's scopes, and the plain folders of the cgroupfs manager; never the monitor (`crio-conmon-…`). */
const CGROUP = /\/(crio|libpod|cri-containerd)-([0-9a-f]{64})(?:\.scope)?(?:\/|$)/m;
/** Processes looked at between two questions whether to go on. */
const BATCH = 64;
const CONFIG_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Containers with a process in `/proc`, by the control groups of all processes. Undefined where the node's procfs is
 * not visible: then nothing can be said of its containers.
 */
export async function runningContainers(
  host: Host,
  signal: AbortSignal,
): Promise<readonly RunningContainer[] | undefined> {
  const pids = ((await host.list('/proc')) ?? []).filter((name) => /^[1-9]\d*$/.test(name));
  if (!pids.includes('1')) return undefined;
  const found = new Map<string, { id: string; runtime: string; pids: string[] }>();
  for (let from = 0; from < pids.length; from += BATCH) {
    signal.throwIfAborted();
    const batch = pids.slice(from, from + BATCH);
    const groups = await Promise.all(batch.map((pid) => host.readText(`/proc/${pid}/cgroup`)));
    for (const [index, group] of groups.entries()) {
      const [, runtime, id] = CGROUP.exec(group ?? '') ?? [];
      const pid = batch[index];
      if (runtime === undefined || id === undefined || pid === undefined) continue;
      const container = found.get(id) ?? { id, runtime, pids: [] };
      container.pids.push(pid);
      found.set(id, container);
    }
  }
  return [...found.values()];
}

/** True for a process of a container, by its control group; false also for one that is gone. */
export async function isOfContainer(host: Host, pid: string): Promise<boolean> {
  return CGROUP.test((await host.readText(`/proc/${pid}/cgroup`)) ?? '');
}

/** The number behind `Seccomp:` in proc(5) status; undefined for a process that is gone or a kernel without it. */
export async function seccompMode(host: Host, pid: string): Promise<number | undefined> {
  const status = await host.readText(`/proc/${pid}/status`);
  const mode = /^Seccomp:\s*(\d+)$/m.exec(status ?? '')?.[1];
  return mode === undefined ? undefined : Number(mode);
}

/** As `readContainerConfig`, in the stores that the node's configuration names. */
export async function containerConfig(
  host: Host,
  id: string,
): Promise<ContainerConfig | undefined> {
  return await readContainerConfig(host, await readStorageConfig(host), id);
}

/**
 * What the runtime keeps of a container; undefined where its config.json is not there or is no JSON object. Throws
 * `HostError`.
 */
export async function readContainerConfig(
  host: Host,
  { runRoot, graphRoot, driver }: Pick<StorageConfig, 'runRoot' | 'graphRoot' | 'driver'>,
  id: string,
): Promise<ContainerConfig | undefined> {
  const folders = driver === undefined ? ['overlay', 'vfs'] : [driver];
  for (const folder of folders.flatMap((name) => [`${runRoot}/${name}`, `${graphRoot}/${name}`])) {
    const path = `${folder}-containers/${id}/userdata/config.json`;
    const text = await host.readText(path, CONFIG_LIMIT_BYTES);
    const annotations = text === undefined ? undefined : annotationsOf(text);
    if (annotations !== undefined) return configOf(annotations);
  }
  return undefined;
}

type Annotations = Readonly<Record<string, unknown>>;

function configOf(annotations: Annotations): ContainerConfig {
  const crio = (name: string): string | undefined =>
    text(annotations, `io.kubernetes.cri-o.${name}`);
  const pod = text(annotations, 'io.kubernetes.pod.name') ?? crio('KubeName');
  const namespace = text(annotations, 'io.kubernetes.pod.namespace') ?? crio('Namespace');
  const container = text(annotations, 'io.kubernetes.container.name');
  const image = crio('Image');
  const parts = [namespace, pod, container];
  const name = parts.every((part) => part !== undefined)
    ? parts.join('/')
    : (crio('Name') ?? text(annotations, 'io.podman.annotations.name'));
  const profile = crio('SeccompProfilePath') ?? text(annotations, 'io.podman.annotations.seccomp');
  const isPrivileged =
    crio('PrivilegedRuntime') === 'true' ||
    text(annotations, 'io.podman.annotations.privileged') === 'TRUE';
  return {
    isSandbox:
      crio('ContainerType') === 'sandbox' || text(annotations, 'io.container.type') === 'sandbox',
    isPrivileged,
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(pod === undefined ? {} : { pod }),
    ...(container === undefined ? {} : { container }),
    ...(image === undefined ? {} : { image }),
    ...(profile === undefined ? {} : { seccompProfile: profile }),
  };
}

function annotationsOf(json: string): Annotations | undefined {
  try {
    const config: unknown = JSON.parse(json);
    if (!isObject(config)) return undefined;
    return isObject(config['annotations']) ? config['annotations'] : {};
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(annotations: Annotations, name: string): string | undefined {
  const value = annotations[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
