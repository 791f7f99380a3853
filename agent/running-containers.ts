import type { Host } from './host.ts';

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

/**
 * systemd's scopes, the plain folders of the cgroupfs manager, and what podman makes inside a unit (`--cgroups=split`, as
 * Quadlet has it); never the monitor (`crio-conmon-…`).
 */
const CGROUP =
  /\/(crio|libpod|cri-containerd)-(?:(?<=libpod-)payload-)?([0-9a-f]{64})(?:\.scope)?(?:\/|$)/m;
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
