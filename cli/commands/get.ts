import type { List } from '../../shared/api.ts';
import { SEVERITIES } from '../../shared/results.ts';
import { Client } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { coverageExit, coverageText, readPercent } from '../coverage.ts';
import { usageError } from '../errors.ts';
import { combineExits, EXIT, type ExitCode } from '../exit.ts';
import { fetchChosen, isFailure, isOmitting, readAsOf, readChoice } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import {
  CHOICE_OPTIONS,
  NO_HEADERS_OPTION,
  outputOption,
  REQUIRE_COVERAGE_OPTION,
  SERVER_OPTIONS,
} from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { safeText } from '../output/safe.ts';
import { type Resource, readTypeAndNames, TYPES, withResource } from '../resources.ts';
import { assertFields, sortedBy } from '../selector.ts';

/** Events are without end: a plain `get events` shows the newest. */
const NEWEST_EVENTS = 100;

export const get: Command = {
  description: `Lists what the aggregator knows of the fleet: ${TYPES.join(', ')}.
Findings that pass or do not apply are left out unless they are named or --all is given. On stderr it says for how many nodes the answer speaks; -o json has it as "coverage".

Exit code 1 only with --fail-on; 3 only with --require-coverage; 5 when a NAME is not there.`,
  arguments: [
    { name: 'TYPE', description: TYPES.join(', '), required: true },
    { name: 'NAME', description: 'node, rule or check, image, kind of event', repeatable: true },
  ],
  options: [
    outputOption(),
    ...CHOICE_OPTIONS,
    { flags: '--sort-by <field>', description: 'order by this field; -field turns it round' },
    { flags: '--limit <count>', description: 'at most so many items' },
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
  if (invocation.flag('watch') && asOf !== undefined) {
    throw usageError('--as-of and --watch: what was does not change');
  }
  using client = await Client.open(invocation, io);
  if (invocation.flag('watch')) {
    const { followFleet } = await import('../follow.ts');
    return await followFleet(client, resource, choice, invocation, io);
  }
  const isPlainEvents = resource.type === 'events' && choice.since === undefined;
  const most = limit ?? (isPlainEvents ? NEWEST_EVENTS : undefined);
  const found = await fetchChosen(client, resource, choice, order === undefined ? most : undefined);
  const items = order === undefined ? found.items : sortedBy(found.items, order).slice(0, most);
  const answer = { ...found, items };
  const output = invocation.value('output') ?? 'table';
  if (isFormat(output)) {
    const style = styleOf(io, invocation.value('color'));
    const headers = !invocation.flag('no-headers');
    io.stdout.write(listText(answer, resource.presentation(io.nowMs()), output, style, headers));
  }
  const missing = missingNames(resource, names, items);
  if (isOmitting(resource, choice)) {
    io.stderr.write('what passes or does not apply is left out (--all)\n');
  }
  sayAround(
    answer,
    resource.type,
    isPlainEvents && items.length === most && limit === undefined,
    io,
  );
  for (const name of missing) {
    io.stderr.write(`error: no ${resource.type} called ${safeText(name)}\n`);
  }
  if (missing.length > 0) return EXIT.notFound;
  const failOn = SEVERITIES.find((severity) => severity === invocation.value('fail-on'));
  const isFailed = failOn && items.some((item) => isFailure(resource.type, item, failOn));
  return combineExits([
    isFailed ? EXIT.findings : EXIT.clean,
    coverageExit(answer.coverage, required, io),
  ]);
}

function missingNames<Item>(
  resource: Resource<Item>,
  names: readonly string[],
  items: readonly Item[],
): readonly string[] {
  const found = new Set(items.flatMap((item) => resource.namesOf(item)));
  return names.filter((name) => !found.has(name));
}

/** What people have to know beside the list: whether it is empty, cut, and for whom it speaks. */
function sayAround(list: List<string, unknown>, type: string, isCut: boolean, io: Io): void {
  if (list.items.length === 0) io.stderr.write(`no ${type}\n`);
  if (isCut) io.stderr.write(`the newest ${list.items.length}; more with --since or --limit\n`);
  if (list.coverage !== undefined) io.stderr.write(`${coverageText(list.coverage)}\n`);
}

function fieldNamed(order: string): { readonly field: string; readonly negated: false } {
  return { field: order.replace(/^-/, '').replace(/^\./, ''), negated: false };
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usageError(`--limit ${text} is no count`, { next: 'a whole number from 1' });
}
