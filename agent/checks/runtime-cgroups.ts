import { posix } from 'node:path';
import { type CheckContext, type Statement, whereReadable } from '../check.ts';
import type { ObservedContainer } from '../containers.ts';
import { cgroupVersion } from '../facts.ts';
import type { Host } from '../host.ts';
import { openshiftMinor } from '../versions.ts';
import { isApproved } from './runtime-approval.ts';

const ROOT = '/sys/fs/cgroup';
/** OpenShift 4.x: version 2 for new clusters, and version 2 alone. */
const V2_DEFAULT_MINOR = 14;
const V2_ONLY_MINOR = 19;

/** What the rule `runtime.cgroup-version` says: of the node, and of tenants whose processes nothing limits. */
export async function cgroups(
  { host, values }: CheckContext,
  containers: readonly ObservedContainer[],
): Promise<readonly Statement[]> {
  const limits: Statement[] = [];
  for (const container of containers) {
    if (isApproved(container, values)) continue;
    limits.push(...(await processLimit(host, container)));
  }
  return [await versionStatement(host), ...limits];
}

async function versionStatement(host: Host): Promise<Statement> {
  const version = await cgroupVersion(host);
  const minor = await whereReadable(openshiftMinor(host));
  if (version === null) {
    return { result: 'error', reason: 'not-visible', message: `${ROOT} is not visible here` };
  }
  const observed = { version };
  if (version === 2)
    return { result: 'pass', message: 'control groups are of version 2', observed };
  if (minor !== undefined && minor >= V2_ONLY_MINOR) {
    const message = `control groups are of version 1, which OpenShift 4.${minor} does not have any more`;
    return { result: 'fail', reason: 'cgroup-v1', message, observed, expected: { version: 2 } };
  }
  const note =
    minor !== undefined && minor >= V2_DEFAULT_MINOR
      ? ', as in a cluster that was installed before 4.14; 4.19 needs version 2'
      : '';
  return { result: 'pass', message: `control groups are of version 1${note}`, observed };
}

/** One statement where no limit holds; none where a limit holds or cannot be looked at. */
async function processLimit(
  host: Host,
  { cgroup, subject }: ObservedContainer,
): Promise<readonly Statement[]> {
  const place = placeOf(cgroup, 'pids');
  if (place === undefined) return [];
  // kubelet limits the pod, podman and CRI-O the container.
  const files = [place, posix.dirname(place)].map((folder) => `${folder}/pids.max`);
  const limits = await Promise.all(files.map((file) => whereReadable(host.readText(file))));
  if (limits[0] === undefined || limits.some((limit) => /^\d+\s*$/.test(limit ?? ''))) return [];
  const memory = await whereReadable(host.readText(`${placeOf(cgroup, 'memory')}/memory.max`));
  return [
    {
      subject,
      result: 'fail',
      reason: 'unlimited-processes',
      message: `nothing limits how many processes the container ${subject} starts`,
      observed: { pidsMax: 'max', memoryMax: memory?.trim() ?? null },
    },
  ];
}

/** The folder of a control group: version 2 has one for all, version 1 one for each controller. See cgroups(7). */
function placeOf(cgroup: string, controller: string): string | undefined {
  for (const line of cgroup.split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || path.includes('/../')) continue;
    if (controllers === '') return posix.join(ROOT, path);
    if (controllers.split(',').includes(controller)) return posix.join(ROOT, controllers, path);
  }
  return undefined;
}
