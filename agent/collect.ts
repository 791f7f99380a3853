import { getFips } from 'node:crypto';
import type { Json } from '../shared/canonical.ts';
import type { AgentPart, DiagnosisPart } from '../shared/diagnosis.ts';
import type { LogTail } from '../shared/log-tail.ts';
import { redact } from '../shared/redact.ts';
import { SECTIONS } from '../shared/report.ts';
import { VERSION } from '../shared/version.ts';
import type { AgentConfig } from './config.ts';
import type { NodeState } from './node-state.ts';
import type { CheckResult } from './runner.ts';
import type { SpoolState } from './spool.ts';

/** What a diagnosis of an agent is made of. */
export interface Collected {
  readonly config: AgentConfig;
  readonly profile: string;
  readonly state: NodeState;
  readonly spool: SpoolState;
  readonly conditions: readonly string[];
  readonly results: Iterable<CheckResult>;
  readonly log: LogTail;
}

/** A part has to fit a frame; the longest that is made in good order has 200 lines of log. */
const MAX_PART_LENGTH = 400_000;

/**
 * The answer to the command `collect`: what the agent itself can tell of its work, a part each, without secrets. It reads
 * nothing of the node.
 */
export function collect(from: Collected): readonly Json[] {
  const { config, profile, state, spool, conditions, results, log } = from;
  const parts: Readonly<Record<AgentPart, () => unknown>> = {
    'agent-version.json': () => ({
      version: VERSION,
      node: process.version,
      openssl: process.versions.openssl,
      fips: getFips() === 1,
      platform: `${process.platform}/${process.arch}`,
      uptimeSeconds: Math.round(process.uptime()),
      memory: process.memoryUsage(),
    }),
    'agent-config.json': () => ({ ...config, profileInForce: profile }),
    'agent-state.json': () => ({
      rootHash: state.rootHash,
      sections: SECTIONS.map((name) => {
        const { hash, items } = state.section(name);
        return { name, hash, items: items.size };
      }),
      spool,
      conditions,
    }),
    'agent-checks.json': () =>
      [...results].map(({ results: statements, ...rest }) => {
        return { ...rest, statements: statements.length };
      }),
    'agent-log.json': () => log.lines,
  };
  return Object.entries(parts).map(([name, content]) => ({ ...partOf(name, content()) }));
}

function partOf(name: string, content: unknown): DiagnosisPart {
  // What cannot stand in JSON is left out, as it would be on the wire.
  const value = redact(JSON.parse(JSON.stringify(content)) as Json);
  const { length } = JSON.stringify(value);
  if (length <= MAX_PART_LENGTH) return { name, content: value };
  return { name, content: null, error: `it is too long to send: ${length} characters` };
}
