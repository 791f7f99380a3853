import { capabilityNames } from './capabilities.ts';
import type { FileError } from './check.ts';
import { type ContainerIdentity, identityOf } from './container-identity.ts';
import {
  hasOwnUsers,
  type NamespaceLinks,
  type ProcessState,
  readLabel,
  readNamespaces,
  readProcess,
  SHARED_NAMESPACES,
  type SharedNamespace,
} from './container-process.ts';
import type { ContainerSpec } from './container-spec.ts';
import { type ContainerStore, containerStore, readSpec } from './container-store.ts';
import { type Host, HostError } from './host.ts';
import { type RunningContainer, runningContainers } from './running-containers.ts';

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

/** A change is looked at 50 ms after it was seen: a look so young began after whatever its askers are called for. */
const SHARED_MS = 50;

/** A look that is under way. */
interface Look {
  readonly startedMs: number;
  readonly signal: AbortSignal;
  readonly containers: Promise<readonly ObservedContainer[] | undefined>;
}

const looks = new WeakMap<Host, Look>();

/**
 * The workloads of the node, each looked at once: no sandboxes, and no container that ended meanwhile. Undefined where
 * the node's procfs is not visible. Checks that ask together share one look, for it is the dearest there is.
 */
export async function observeContainers(
  host: Host,
  signal: AbortSignal,
): Promise<readonly ObservedContainer[] | undefined> {
  const young = looks.get(host);
  if (young !== undefined && performance.now() - young.startedMs < SHARED_MS) {
    try {
      return await young.containers;
    } catch (error) {
      // Another check was ended, this one was not.
      if (!young.signal.aborted || signal.aborted) throw error;
    }
  }
  const look = { startedMs: performance.now(), signal, containers: observeAll(host, signal) };
  looks.set(host, look);
  try {
    return await look.containers;
  } finally {
    if (looks.get(host) === look) looks.delete(host);
  }
}

/** What of the node itself every container is held against. */
interface Surroundings {
  readonly store: ContainerStore;
  /** All capabilities there are. */
  readonly everything: bigint | undefined;
  readonly namespaces: NamespaceLinks | HostError | undefined;
}

async function observeAll(
  host: Host,
  signal: AbortSignal,
): Promise<readonly ObservedContainer[] | undefined> {
  const running = await runningContainers(host, signal);
  if (running === undefined) return undefined;
  if (running.length === 0) return [];
  const node: Surroundings = {
    store: await containerStore(host),
    everything: (await readProcess(host, '1'))?.bounding,
    namespaces: await readNamespaces(host, '1'),
  };
  const observed: ObservedContainer[] = [];
  for (const container of running) {
    signal.throwIfAborted();
    const one = await observe(host, container, node);
    if (one !== undefined) observed.push(one);
  }
  return observed;
}

async function observe(
  host: Host,
  container: RunningContainer,
  { store, everything, namespaces }: Surroundings,
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
  const links = sharedLinks(await readNamespaces(host, first.pid), namespaces);
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

/** Those in which both are; the error, or undefined, where one of them is out of reach. */
function sharedLinks(
  own: NamespaceLinks | HostError | undefined,
  node: NamespaceLinks | HostError | undefined,
): ReadonlySet<SharedNamespace> | HostError | undefined {
  if (own === undefined || own instanceof HostError) return own;
  if (node === undefined || node instanceof HostError) return node;
  return new Set([...own.keys()].filter((name) => own.get(name) === node.get(name)));
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
