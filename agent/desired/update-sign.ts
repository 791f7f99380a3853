import { systemClock } from '../../shared/clock.ts';
import { isFileError, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import { isUpdating, readNodeAnnotations } from './node-annotations.ts';

/** Where ostree keeps what is to become the next deployment at shutdown; gone after the boot. */
const STAGED = '/run/ostree/staged-deployment';
/** A deployment that waits longer for its boot waits for a person: it excuses nothing any more. */
const STAGED_MS = 60 * 60 * 1000;

/** What says that the node is being updated, and where it says so. */
export interface UpdateSign {
  readonly by: 'node-annotations' | 'staged-deployment';
  readonly path: string;
  /** The MachineConfig it is updated to, when that is known. */
  readonly desiredConfig?: string;
}

/** A sign that an update is under way; what cannot be read is none. Never throws for a state of the node. */
export async function updateUnderWay(
  host: Host,
  nowMs: number = systemClock.nowMs(),
): Promise<UpdateSign | undefined> {
  const annotations = await readNodeAnnotations(host).catch(orNothing);
  if (annotations !== undefined && isUpdating(annotations)) {
    const { path, desiredConfig } = annotations;
    return {
      by: 'node-annotations',
      path,
      ...(desiredConfig === undefined ? {} : { desiredConfig }),
    };
  }
  const staged = await whereReadable(host.stat(STAGED));
  if (staged?.kind !== 'file' || Math.abs(nowMs - staged.mtimeMs) > STAGED_MS) return undefined;
  return { by: 'staged-deployment', path: STAGED };
}

function orNothing(error: unknown): undefined {
  if (!isFileError(error)) throw error;
}
