import { join } from 'node:path';
import { agent } from '../agent/checks/agent.ts';
import { exceptions } from '../agent/checks/exceptions.ts';
import { checks } from '../agent/checks/index.ts';
import {
  type Baseline,
  BaselineError,
  baselineFile,
  loadBaseline,
} from '../agent/desired/baseline.ts';
import { desiredState } from '../agent/desired/desired.ts';
import type { Host } from '../agent/host.ts';
import { HostError } from '../agent/host-error.ts';
import { DEFAULT_VALUES } from '../agent/profile-values.ts';
import { runChecks } from '../agent/runner.ts';
import { acceptableFiles, surveyFiles } from '../agent/survey.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import type { RuleResult } from '../shared/findings.ts';
import type { Invocation } from './command.ts';
import { CliError } from './errors.ts';
import type { Io } from './io.ts';

/** As the agent is configured by default, and where it keeps its baseline. */
const STATE_DIR = '/var/lib/nodeseal/agent';

/** Where the baseline of a node is: `--state-dir`, else the agent's own folder below the host root. */
export function baselinePath(invocation: Invocation): string {
  const root = invocation.value('host-root') ?? '/';
  return baselineFile(invocation.value('state-dir') ?? join(root, STATE_DIR));
}

/** The accepted state of a node; one that is there and cannot be used is invalid input. */
export async function readBaseline(path: string): Promise<Baseline | undefined> {
  try {
    return await loadBaseline(path);
  } catch (cause) {
    if (!(cause instanceof BaselineError)) throw cause;
    const reason = cause.cause;
    const isForbidden = reason instanceof HostError && reason.code === 'ERR_HOST_PERMISSION';
    throw new CliError(
      isForbidden ? 'ERR_CLI_NOT_ALLOWED' : 'ERR_CLI_INPUT',
      'the baseline of this node cannot be used',
      {
        why: cause.message,
        next: isForbidden
          ? 'run it with sudo'
          : 'look who changed it, then: nodeseal baseline accept',
        cause,
      },
    );
  }
}

export function clockOf(io: Io): Clock {
  return { ...systemClock, nowMs: () => io.nowMs() };
}

export interface NodeStateNow {
  readonly findings: readonly RuleResult[];
  readonly files: Baseline['files'];
}

/** Everything of a node that a baseline is made of, as it is now. */
export async function observeNode(host: Host, io: Io): Promise<NodeStateNow> {
  const context = { host, clock: clockOf(io), baseline: undefined, values: DEFAULT_VALUES };
  // What the reporter is and what is excepted is no state of the node.
  const ofNode = checks.filter(({ id }) => id !== agent.id && id !== exceptions.id);
  const results = await runChecks(ofNode, context, { signal: io.signal });
  const files = await surveyFiles(host, await desiredState(host, undefined));
  return {
    findings: results.flatMap((result) => result.results),
    files: acceptableFiles(files),
  };
}
