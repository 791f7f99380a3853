import { SEVERITIES } from '../../shared/results.ts';
import { Client } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { readPercent } from '../coverage.ts';
import { usageError } from '../errors.ts';
import type { ExitCode } from '../exit.ts';
import { readAsOf, readChoice } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import {
  CHOICE_OPTIONS,
  NO_GROUP_OPTION,
  NO_HEADERS_OPTION,
  outputOption,
  REQUIRE_COVERAGE_OPTION,
  SERVER_OPTIONS,
} from '../options.ts';
import { printList } from '../print-list.ts';
import { type Resource, TYPES } from '../resource.ts';
import { readTypeAndNames, withResource } from '../resources.ts';
import { assertFields } from '../selector.ts';

export const get: Command = {
  description: `Lists what the aggregator knows of the fleet: ${TYPES.join(', ')}.
Findings that pass or do not apply are left out unless they are named or --all is given. On stderr it says for how many nodes the answer speaks; -o json has it as "coverage".
In a table, findings and drift that are the same on several nodes are one row; -o wide, and every format for programs, has each.

Exit code 1 only with --fail-on; 3 only with --require-coverage; 5 when a NAME is not there.`,
  arguments: [
    { name: 'TYPE', description: TYPES.join(', '), required: true },
    { name: 'NAME', description: 'node, rule or check, image, kind of event', repeatable: true },
  ],
  options: [
    outputOption(),
    ...CHOICE_OPTIONS,
    {
      flags: '--sort-by <field>',
      description: 'order by this field; -field turns it round; nothing is grouped',
    },
    { flags: '--limit <count>', description: 'at most so many items' },
    NO_GROUP_OPTION,
    NO_HEADERS_OPTION,
    { flags: '-w, --watch', description: 'go on with what changes' },
    {
      flags: '--as-of <time>',
      description: 'findings, images, drift: as it was 24h ago, or at 2026-11-21T12:00:00Z',
    },
    {
      flags: '--fail-on <severity>',
      description: 'exit 1 when a listed finding fails at this severity, or an image is rejected',
      choices: SEVERITIES,
    },
    REQUIRE_COVERAGE_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'nodeseal get nodes', meaning: 'every node, worst first' },
    {
      line: 'nodeseal get findings -l pool=worker --field-selector severity=high',
      meaning: 'what is wrong on the workers',
    },
    {
      line: 'nodeseal get findings --fail-on high --require-coverage 100%',
      meaning: 'a gate: exit 1 for a failure, 3 when a node did not report',
    },
    {
      line: 'nodeseal get images --field-selector verdict=rejected -o csv',
      meaning: 'for a sheet',
    },
    { line: 'nodeseal get drift --since 24h', meaning: 'what differs now and did not yesterday' },
  ],
  async run(invocation, io) {
    const { type, names } = readTypeAndNames(invocation.positional);
    return await withResource(type, async (resource) => list(resource, names, invocation, io));
  },
};

async function list<Item>(
  resource: Resource<Item>,
  names: readonly string[],
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const asOf = readAsOf(resource, invocation);
  const choice = { ...readChoice(resource, names, invocation), asOf };
  const limit = readLimit(invocation.value('limit'));
  const order = invocation.value('sort-by');
  if (order !== undefined) assertFields([fieldNamed(order)], resource.fields, '--sort-by');
  const required = readPercent(invocation.value('require-coverage'));
  const isWatched = invocation.flag('watch');
  if (isWatched && asOf !== undefined) {
    throw usageError('--as-of and --watch: what was does not change');
  }
  if (isWatched && choice.since !== undefined) {
    throw usageError('--since and --watch exclude each other');
  }
  using client = await Client.open(invocation, io);
  if (isWatched) {
    const { followFleet } = await import('../follow.ts');
    return await followFleet(client, resource, choice, invocation, io);
  }
  return await printList(client, resource, { choice, limit, order, required }, invocation, io);
}

function fieldNamed(order: string): { readonly field: string; readonly negated: false } {
  return { field: order.replace(/^-/, '').replace(/^\./, ''), negated: false };
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usageError(`--limit ${text} is no count`, { next: 'a whole number from 1' });
}
