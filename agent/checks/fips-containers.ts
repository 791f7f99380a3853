import { type Statement, whereReadable } from '../check.ts';
import { containerConfig, runningContainers } from '../containers.ts';
import { crioRuntimes, crioTexts, readCrioConfig } from '../crio-config.ts';
import type { Host } from '../host.ts';
import {
  FIPS_ENABLED,
  type FipsPlaces,
  isExpected,
  notExpected,
  notVisible,
} from './fips-places.ts';

/** By which CRI-O mounts fips_enabled = 0 into the containers of a pod, in its old and its new spelling. */
const ANNOTATIONS = ['io.kubernetes.cri-o.DisableFIPS', 'disable-fips.crio.io'] as const;

/**
 * What the rule `fips.container-override` says: no running container was told that FIPS is off, and no runtime of
 * CRI-O would let one be told.
 */
export async function containerOverride(
  host: Host,
  places: FipsPlaces,
  signal: AbortSignal,
): Promise<Statement | readonly Statement[]> {
  if (places.kernel === undefined) return notVisible(FIPS_ENABLED);
  if (!places.kernel) {
    if (!isExpected(places)) return await notExpected(host);
    const message = 'the kernel is not in FIPS mode, so that there is nothing to hide';
    return { result: 'notapplicable', reason: 'fips-off', message };
  }
  const containers = await runningContainers(host, signal);
  if (containers === undefined) {
    const message = 'the processes of the node are not visible in /proc';
    return { result: 'error', reason: 'not-visible', message };
  }
  const found: Statement[] = [];
  for (const { id } of containers) {
    signal.throwIfAborted();
    const config = await whereReadable(containerConfig(host, id));
    const annotation = ANNOTATIONS.find((name) => config?.annotations[name] === 'true');
    if (config === undefined || config.isSandbox || annotation === undefined) continue;
    const subject = config.name ?? id;
    const message = `the container ${config.name ?? id.slice(0, 12)} runs with ${annotation}: it takes the node for one without FIPS`;
    const observed = { annotation };
    found.push({ subject, result: 'fail', reason: 'fips-hidden', message, observed });
  }
  found.push(...(await permittingRuntimes(host)));
  if (found.length > 0) return found;
  const message = `none of ${containers.length} running containers was told that FIPS is off`;
  return { result: 'pass', message, observed: { containers: containers.length, hidden: 0 } };
}

/** Without permission of its runtime CRI-O takes the annotation off a pod. */
async function permittingRuntimes(host: Host): Promise<readonly Statement[]> {
  const config = await readCrioConfig(host);
  if (config === undefined) return [];
  return crioRuntimes(config).flatMap(({ name, file, keys }): readonly Statement[] => {
    const allowed = crioTexts({ files: [file] }, ...keys, 'allowed_annotations')?.value ?? [];
    const annotation = ANNOTATIONS.find((one) => allowed.includes(one));
    if (annotation === undefined) return [];
    const message = `${file.path} lets pods of the runtime ${name} hide FIPS from themselves by ${annotation}`;
    const observed = { path: file.path, annotation };
    const subject = `runtime ${name}`;
    return [
      { subject, result: 'fail', severity: 'low', reason: 'override-allowed', message, observed },
    ];
  });
}
