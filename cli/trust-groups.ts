import type { Coverage } from '../shared/api.ts';
import type { PolicyItem } from '../shared/api-pools.ts';
import { type ReportedTrust, readReportedTrust } from '../shared/reported-trust.ts';
import { readList, readPolicy } from './answers.ts';
import type { Client, Query } from './client.ts';
import { rubbish } from './client-errors.ts';
import { CliError } from './errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Io } from './io.ts';

/** Which nodes a question is about: all, one, or those of a pool. */
export type Target =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'node' | 'pool'; readonly name: string };

export interface TrustGroups {
  readonly target: Target;
  /** Most nodes first. */
  readonly groups: readonly PolicyItem[];
  readonly coverage: Coverage;
}

const NOTHING: Coverage = { expected: 0, reporting: 0, missing: [] };

/** What `node/NAME`, `pool/NAME` or a bare name means; a node goes before a pool of its name. */
export async function targetOf(client: Client, word: string): Promise<Target> {
  const [, kind, rest = ''] = /^(node|pool)s?\/(.*)$/.exec(word) ?? [];
  if (kind === 'node' || kind === 'pool') return { kind, name: rest };
  try {
    await client.get('/v1/policies', { node: word });
    return { kind: 'node', name: word };
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return { kind: 'pool', name: word };
}

/** The target's nodes by what their trust comes to. Throws a `CliError` for a node or pool that nobody knows. */
export async function fetchGroups(client: Client, target: Target): Promise<TrustGroups> {
  try {
    const answer = await client.get('/v1/policies', queryOf(target));
    const { items, coverage } = readList(answer, 'PolicyList', readPolicy, client.server);
    return { target, groups: items, coverage: coverage ?? NOTHING };
  } catch (error) {
    if (!isNotFound(error) || target.kind !== 'pool') throw error;
    throw new CliError('ERR_CLI_NOT_FOUND', `no node or pool is called ${target.name}`, {
      next: 'nodeseal get nodes',
      cause: error,
    });
  }
}

/** Everything that the nodes of a group trust by. */
export async function fetchTrust(client: Client, digest: string): Promise<ReportedTrust> {
  const answer = await client.get(`/v1/policies/${encodeURIComponent(digest)}`);
  const { items } = readList(answer, 'PolicyList', readPolicy, client.server);
  const trust = items[0]?.trust;
  if (trust === undefined)
    throw rubbish(client.server, 'items[0].trust: expected object, found nothing');
  return readReportedTrust(new Map(Object.entries(trust)));
}

/** Exit code 6, told on stderr, when none of the nodes asked for ever said what it trusts. */
export function answeredExit(items: readonly unknown[], io: Io): ExitCode {
  if (items.length > 0) return EXIT.clean;
  io.stderr.write('error: no node that was asked for has reported what it trusts\n');
  return EXIT.partial;
}

function queryOf(target: Target): Query {
  return target.kind === 'fleet' ? {} : { [target.kind]: target.name };
}

function isNotFound(error: unknown): boolean {
  return error instanceof CliError && error.code === 'ERR_CLI_NOT_FOUND';
}
