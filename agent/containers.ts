import { capabilityNames } from './capabilities.ts';
import type { FileError } from './check.ts';
import { type ContainerIdentity, identityOf } from './container-identity.ts';
import {
  hasOwnUsers,
  type ProcessState,
  readLabel,
  readProcess,
  SHARED_NAMESPACES,
  type SharedNamespace,
  sharedNamespaces,
} from './container-process.ts';
import type { ContainerSpec } from './container-spec.ts';
import { type ContainerStore, containerStore, readSpec } from './container-store.ts';
import type { Host, HostError } from './host.ts';

/** A container as its processes show it. */
export interface RunningContainer {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** `crio`, `libpod` or `cri-containerd`. */
  readonly runtime: string;
  /** In order of their numbers. */
  readonly pids: readonly string[];
  /** `/proc/<pid>/cgroup` of the first of them. */
  readonly cgroup: string;
}

/** A container that runs: what its processes are, and what its runtime was told. Read once, for all rules. */
export interface ObservedContainer extends RunningContainer {
  readonly processes: readonly ProcessState[];
  /** Distinct labels of its processes; of the specification where they may not be read; the error without either. */
  readonly labels: readonly string[] | HostError;
  /** Undefined where `config.json` is not there or cannot be used; then nobody knows whose container it is. */
  readonly spec: ContainerSpec | undefined;
  /** Why a `config.json` that is there cannot be used. */
  readonly specProblem: FileError | undefined;
  readonly identity: ContainerIdentity | undefined;
  /** `namespace/pod/container`, podman's name, or the id. */
  readonly subject: string;
  /** It may do what the node may: by its runtime's word, or by all the capabilities there are. */
  readonly isPrivileged: boolean;
  /** Its user ids are others than the node's. */
  readonly hasOwnUsers: boolean;
  /** By its processes, else by its specification; the error where both are out of reach, undefined without either. */
  readonly shares: ReadonlySet<SharedNamespace> | HostError | undefined;
}

/** systemd's scopes, and the plain folders of the cgroupfs manager; never the monitor (`crio-conmon-…`). */
const CGROUP = /\/(crio|libpod|cri-containerd)-([0-9a-f]{64})(?:\.scope)?(?:\/|$)/m;
/** Processes looked at between two questions whether to go on. */
const BATCH = 64;

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
  pids.sort((a, b) => Number(a) - Number(b));
  const found = new Map<string, RunningContainer & { pids: string[] }>();
  for (let from = 0; from < pids.length; from += BATCH) {
    signal.throwIfAborted();
    const batch = pids.slice(from, from + BATCH);
    const groups = await Promise.all(batch.map((pid) => host.readText(`/proc/${pid}/cgroup`)));
    for (const [index, cgroup = ''] of groups.entries()) {
      const [, runtime, id] = CGROUP.exec(cgroup) ?? [];
      const pid = batch[index];
      if (runtime === undefined || id === undefined || pid === undefined) continue;
      const container = found.get(id) ?? { id, runtime, pids: [], cgroup };
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

/**
 * The workloads of the node, each looked at once: no sandboxes, and no container that ended meanwhile. Undefined where
 * the node's procfs is not visible.
 */
export async function observeContainers(
  host: Host,
  signal: AbortSignal,
): Promise<readonly ObservedContainer[] | undefined> {
  const running = await runningContainers(host, signal);
  if (running === undefined) return undefined;
  if (running.length === 0) return [];
  const store = await containerStore(host);
  const everything = (await readProcess(host, '1'))?.bounding;
  const observed: ObservedContainer[] = [];
  for (const container of running) {
    signal.throwIfAborted();
    const one = await observe(host, container, store, everything);
    if (one !== undefined) observed.push(one);
  }
  return observed;
}

async function observe(
  host: Host,
  container: RunningContainer,
  store: ContainerStore,
  everything: bigint | undefined,
): Promise<ObservedContainer | undefined> {
  const { spec, problem } = await readSpec(host, container.id, store.folders);
  const recorded = store.names.get(container.id);
  const identity = spec && identityOf(spec, container.runtime, recorded);
  if (identity?.isSandbox === true) return undefined;
  const states = await Promise.all(container.pids.map((pid) => readProcess(host, pid)));
  const processes = states.filter((state) => state !== undefined);
  const [first] = processes;
  if (first === undefined) return undefined;
  const ownUsers = (await hasOwnUsers(host, first.pid)) ?? (spec?.uidMappings.length ?? 0) > 0;
  const isFull = processes.some(({ effective = 0n }) => isAll(effective, everything));
  const labels = await labelsOf(host, processes, spec);
  const links = await sharedNamespaces(host, first.pid);
  const shares = links instanceof Set ? links : (sharedBy(spec) ?? links);
  // It may have ended since its processes were listed, and its files with it.
  if (
    spec === undefined &&
    problem === undefined &&
    !(await isStill(host, container.id, first.pid))
  )
    return undefined;
  return {
    ...container,
    processes,
    labels,
    spec,
    specProblem: problem,
    identity,
    subject: identity?.name ?? recorded ?? container.id,
    isPrivileged:
      identity?.isPrivileged === true || (isFull && !ownUsers) || isOpen(spec, everything),
    hasOwnUsers: ownUsers,
    shares,
  };
}

/** All that the node's first process may have, so that kernels with fewer and with more capabilities are judged alike. */
function isAll(effective: bigint, everything: bigint | undefined): boolean {
  return everything !== undefined && everything > 0n && (effective & everything) === everything;
}

/** CRI-O marks the pod, not the container: a privileged one has every capability in reach and nothing of /proc hidden. */
function isOpen(spec: ContainerSpec | undefined, everything: bigint | undefined): boolean {
  if (spec === undefined || spec.maskedPaths.length > 0 || spec.uidMappings.length > 0)
    return false;
  const reach = new Set(spec.capabilities.bounding);
  const names = capabilityNames(everything ?? 0n);
  return names.length > 0 && names.every((name) => reach.has(`CAP_${name}`));
}

async function labelsOf(
  host: Host,
  processes: readonly ProcessState[],
  spec: ContainerSpec | undefined,
): Promise<readonly string[] | HostError> {
  const labels = new Set<string>();
  let refused: HostError | undefined;
  for (const { pid } of processes) {
    const label = await readLabel(host, pid);
    if (typeof label === 'string') labels.add(label);
    else refused ??= label;
  }
  if (labels.size > 0 || refused === undefined) return [...labels];
  return spec?.selinuxLabel === undefined ? refused : [spec.selinuxLabel];
}

/** A namespace that the specification does not name, or takes from the first process, is the node's. */
function sharedBy(spec: ContainerSpec | undefined): ReadonlySet<SharedNamespace> | undefined {
  if (spec === undefined) return undefined;
  const shared = SHARED_NAMESPACES.filter(({ type }) => {
    const path = spec.namespaces.get(type);
    return !spec.namespaces.has(type) || path?.startsWith('/proc/1/ns/') === true;
  });
  return new Set(shared.map(({ name }) => name));
}

async function isStill(host: Host, id: string, pid: string): Promise<boolean> {
  return (await host.readText(`/proc/${pid}/cgroup`))?.includes(id) === true;
}
