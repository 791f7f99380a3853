import { isFileError } from '../check.ts';
import type { DesiredFile, DesiredState } from '../desired/desired.ts';
import type { Members } from '../members.ts';

/** Who asked for a change, as far as the node itself tells. It says what was meant, not that it was good. */
export type Explanation =
  /** The file is as this MachineConfig has it, or this one no longer names it. */
  | { readonly by: 'machine-config'; readonly name: string }
  /** The file is as a person accepted it. */
  | { readonly by: 'baseline'; readonly name: string }
  /** The file is as the operating system brings it, which was another at the last look. */
  | { readonly by: 'os-deployment'; readonly was: string; readonly now: string }
  /** The node is being updated, as this path says: nobody can tell yet what the file is to be. */
  | { readonly by: 'update-in-progress'; readonly sign: string; readonly desiredConfig?: string };

/** What is known at the moment of a look. */
export interface Situation {
  readonly desired: DesiredState;
  /** Somebody edited the MachineConfig on the node: it explains nothing. */
  readonly isAltered?: boolean;
  /** The ostree deployments that were booted at the last look and now; undefined where there are none. */
  readonly deployment: { readonly was: string | undefined; readonly now: string | undefined };
}

/** Why a file changed; undefined when nothing on the node explains it. */
export function explain(
  path: string,
  was: Members | undefined,
  now: Members | undefined,
  { desired, deployment, isAltered = false }: Situation,
): Explanation | undefined {
  const want = wanted(desired, path);
  if (now?.['class'] === 'managed' && want !== undefined) {
    const isForged = isAltered && want.source === 'machine-config';
    if (want.sha256 === now['expectedSha256'] && !isForged) {
      return { by: want.source, name: want.name };
    }
  }
  const { machineConfig, update } = desired;
  const isLeft = now === undefined || now['class'] === 'vendor';
  if (machineConfig !== undefined && !isAltered && isLeft && !machineConfig.files.has(path)) {
    const { name } = machineConfig;
    const before = String(was?.['manager'] ?? '');
    // What another MachineConfig brought is taken away again. A baseline is called by a sentence.
    if (before !== '' && !before.includes(' ') && before !== name)
      return { by: 'machine-config', name };
  }
  const isOfSystem = now === undefined ? /^vendor/.test(String(was?.['class'])) : isLeft;
  if (isOfSystem && isOther(deployment)) {
    return { by: 'os-deployment', was: deployment.was, now: deployment.now };
  }
  if (update === undefined) return undefined;
  const { path: sign, desiredConfig } = update;
  return {
    by: 'update-in-progress',
    sign,
    ...(desiredConfig === undefined ? {} : { desiredConfig }),
  };
}

function isOther(deployment: Situation['deployment']): deployment is { was: string; now: string } {
  const { was, now } = deployment;
  return was !== undefined && now !== undefined && was !== now;
}

function wanted(desired: DesiredState, path: string): DesiredFile | undefined {
  try {
    return desired.file(path);
  } catch (error) {
    if (isFileError(error)) return undefined;
    throw error;
  }
}
