import { writeFile } from 'node:fs/promises';
import { rehearseSnapshot } from '../../agent/images/snapshot/replay.ts';
import {
  type NodeSnapshot,
  readSnapshot,
  SnapshotError,
  snapshotText,
} from '../../agent/images/snapshot/snapshot.ts';
import { takeSnapshot } from '../../agent/images/snapshot/take.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import type { NodeAnswer } from '../../shared/simulation.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { Invocation, OptionSpec } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { fileError, readInput } from '../files.ts';
import { openHostRoot } from '../host-root.ts';
import type { Io } from '../io.ts';
import { localOptions, nodeNameOf } from './local.ts';

export const SNAPSHOT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--save-snapshot <file>',
    description: `keep what it takes to judge this node's images again elsewhere; with --host-root, with or without a candidate`,
  },
  {
    flags: '--from-snapshot <file>',
    description: 'judge the node that a file of --save-snapshot holds, without it or an aggregator',
    repeatable: true,
  },
];

/** Writes a snapshot of the node whose files are here; a candidate's key files are in it too. */
export async function saveSnapshot(
  invocation: Invocation,
  io: Io,
  candidate: Policy | undefined,
): Promise<void> {
  const file = invocation.value('save-snapshot') ?? '';
  const host = await openHostRoot(invocation.value('host-root') ?? '/', io);
  const about = { node: await nodeNameOf(host), takenAt: rfc3339(io.nowMs()) };
  const snapshot = await takeSnapshot(host, await readNodeTrust(host), about, candidate);
  try {
    // It names images, registries and pods of the node.
    await writeFile(file, snapshotText(snapshot), { mode: 0o600 });
  } catch (cause) {
    throw fileError(cause, `cannot write the snapshot ${file}`);
  }
}

/** The answers of nodes as their snapshots give them. */
export async function askSnapshots(
  checked: CheckedCandidate,
  invocation: Invocation,
  io: Io,
): Promise<readonly NodeAnswer[]> {
  const options = localOptions(invocation, io);
  if (options.sources?.some((source) => source !== 'store')) {
    throw usageError('--sources: no server is asked for a snapshot, only store can be named', {
      next: 'without --sources its store and lookasides that were files of the node count',
    });
  }
  const answers: NodeAnswer[] = [];
  for (const file of invocation.values('from-snapshot')) {
    const snapshot = parsed(file, (await readInput(file, 'snapshot', io)).toString());
    answers.push({
      node: snapshot.node,
      source: 'snapshot',
      asOf: snapshot.takenAt,
      simulation: await rehearseSnapshot(snapshot, checked, options),
    });
  }
  return answers;
}

function parsed(file: string, text: string): NodeSnapshot {
  try {
    return readSnapshot(text);
  } catch (cause) {
    if (!(cause instanceof SnapshotError)) throw cause;
    throw new CliError('ERR_CLI_INPUT', `${file}: no snapshot of a node`, {
      why: cause.message,
      next: 'nodeseal simulate --save-snapshot writes one, on the node',
      cause,
    });
  }
}
