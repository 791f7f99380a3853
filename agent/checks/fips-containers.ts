import { counted } from '../../shared/counted.ts';
import { isFileError, type Statement } from '../check.ts';
import type { ObservedContainer } from '../containers.ts';
import { type CrioHandler, crioHandlers, crioTexts, readCrioConfig } from '../crio-config.ts';
import type { Host } from '../host.ts';
import {
  FIPS_ENABLED,
  type FipsPlaces,
  isExpected,
  kernelFlag,
  notExpected,
  notVisible,
} from './fips-places.ts';

/** By which CRI-O mounts fips_enabled = 0 into the containers of a pod, in its old and its new spelling. */
const ANNOTATIONS = ['io.kubernetes.cri-o.DisableFIPS', 'disable-fips.crio.io'] as const;

/**
 * What the rule `fips.container-override` says: no running container was told that FIPS is off, and no runtime or
 * workload of CRI-O would let one be told.
 */
export async function containerOverride(
  host: Host,
  places: FipsPlaces,
  look: () => Promise<readonly ObservedContainer[] | undefined>,
): Promise<Statement | readonly Statement[]> {
  const kernel = await kernelFlag(host);
  if (kernel === undefined) return notVisible(FIPS_ENABLED);
  if (!kernel) {
    if (!isExpected(places)) return await notExpected(host);
    const message = 'the kernel is not in FIPS mode, so that there is nothing to hide';
    return { result: 'notapplicable', reason: 'fips-off', message };
  }
  const all = await look();
  if (all === undefined) {
    const message = 'the processes of the node are not visible in /proc';
    return { result: 'error', reason: 'not-visible', message };
  }
  // podman knows no such annotation.
  const containers = all.filter(({ runtime }) => runtime === 'crio');
  const found: Statement[] = [];
  let unread = 0;
  for (const container of containers) {
    const answer = answerOf(container);
    if (answer === 'unread') unread++;
    else if (answer !== 'told-nothing') found.push(answer);
  }
  if (unread > 0) found.push(noConfig(unread));
  found.push(...(await permissions(host)));
  if (found.length > 0) return found;
  const message = `none of ${counted(containers.length, 'running container')} of CRI-O was told that FIPS is off`;
  return { result: 'pass', message, observed: { containers: containers.length, hidden: 0 } };
}

function answerOf({
  subject,
  spec,
  specProblem,
}: ObservedContainer): Statement | 'told-nothing' | 'unread' {
  if (specProblem !== undefined) return faultOf(specProblem, subject);
  if (spec === undefined) return 'unread';
  const annotation = ANNOTATIONS.find((name) => spec.annotations.get(name) === 'true');
  if (annotation === undefined) return 'told-nothing';
  const message = `the container ${subject} runs with ${annotation}: it takes the node for one without FIPS`;
  return { subject, result: 'fail', reason: 'fips-hidden', message, observed: { annotation } };
}

function noConfig(count: number): Statement {
  const message = `the config.json of ${counted(count, 'running container')} is not there, so what was told there is unknown`;
  return { subject: 'config.json', result: 'unknown', reason: 'no-config', message };
}

/** Without permission of its runtime or workload CRI-O takes the annotation off a pod. */
async function permissions(host: Host): Promise<readonly Statement[]> {
  try {
    const config = await readCrioConfig(host);
    if (config === undefined) return [];
    return [
      ...crioHandlers(config, 'runtimes').flatMap((handler) => permission('runtime', handler)),
      ...crioHandlers(config, 'workloads').flatMap((handler) => permission('workload', handler)),
    ];
  } catch (error) {
    return [faultOf(error)];
  }
}

function permission(
  kind: 'runtime' | 'workload',
  { name, file, keys }: CrioHandler,
): readonly Statement[] {
  const allowed = crioTexts({ files: [file] }, ...keys, 'allowed_annotations')?.value ?? [];
  const annotation = ANNOTATIONS.find((one) => allowed.includes(one));
  if (annotation === undefined) return [];
  const subject = `${kind} ${name}`;
  const message = `${file.path} lets pods of the ${subject} hide FIPS from themselves by ${annotation}`;
  const observed = { path: file.path, annotation };
  const reason = 'override-allowed';
  return [{ subject, result: 'fail', severity: 'low', reason, message, observed }];
}

/** What cannot be read is an answer of its own, beside what the rest says. */
function faultOf(error: unknown, id?: string): Statement {
  if (!isFileError(error)) throw error;
  const { path, reason = 'parse', message } = error;
  return { subject: id ?? path, result: 'error', reason, message, observed: { path } };
}
