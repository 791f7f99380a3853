import type { Coverage } from '../shared/api.ts';
import { SEVERITIES } from '../shared/results.ts';
import { safeText } from '../shared/safe-text.ts';
import type { Client } from './client.ts';
import type { Invocation } from './command.ts';
import { coverageExit, coverageText } from './coverage.ts';
import { combineExits, EXIT, type ExitCode } from './exit.ts';
import {
  type Choice,
  type ChosenPage,
  chosenPages,
  fetchChosen,
  frameOf,
  isFailure,
  isOmitting,
} from './fleet-list.ts';
import type { Io } from './io.ts';
import { styleOf } from './output/colour.ts';
import { isFormat } from './output/format.ts';
import { openListWriter } from './output/open-list-writer.ts';
import { startProgress } from './progress.ts';
import type { Resource } from './resource.ts';
import { sortedBy } from './selector.ts';

/** Events are without end: a plain `get events` shows the newest. */
const NEWEST_EVENTS = 100;

/** What `get` was asked for. */
export interface Question {
  readonly choice: Choice;
  readonly limit: number | undefined;
  /** Field to order by; what is ordered is held whole. */
  readonly order: string | undefined;
  /** Share of the nodes that has to report, percent. */
  readonly required: number | undefined;
}

/** Prints the list page by page as it comes, then says on stderr what one has to know beside it. */
export async function printList<Item>(
  client: Client,
  resource: Resource<Item>,
  { choice, limit, order, required }: Question,
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const isNewest = resource.type === 'events' && choice.since === undefined && limit === undefined;
  const most = isNewest ? NEWEST_EVENTS : limit;
  const failOn = SEVERITIES.find((severity) => severity === invocation.value('fail-on'));
  const isGate = failOn !== undefined || required !== undefined;
  // What prints is loaded while the aggregator answers.
  const opening = openPrinter(client, resource, choice, invocation, io);
  const isChanged = await changeFilter(client, resource, choice, io);
  using progress = startProgress(io);
  const missing = new Set(choice.names);
  let [count, isFailed] = [0, false];
  let coverage: Coverage | undefined;
  // What is left out here must not use up the limit.
  const asked = isChanged === undefined ? most : undefined;
  const source =
    order === undefined
      ? chosenPages(client, resource, choice, asked)
      : orderedPage(client, resource, choice, order);
  for await (const page of source) {
    if (coverage !== undefined) boundYoungHeap();
    ({ coverage } = page);
    const wanted = isChanged === undefined ? page.items : page.items.filter(isChanged);
    const items = most === undefined ? wanted : wanted.slice(0, most - count);
    count += items.length;
    for (const item of items) {
      if (missing.size > 0) for (const name of resource.namesOf(item)) missing.delete(name);
      if (failOn !== undefined) isFailed ||= isFailure(resource.type, item, failOn);
    }
    progress.clear();
    (await opening).items(items);
    progress.say(() => `${count} ${resource.type}`);
    await io.stdout.drained();
    if (count === most || (io.unread.aborted && !isGate)) break;
  }
  progress.clear();
  await (await opening).end(coverage);
  if (isOmitting(resource, choice)) {
    io.stderr.write('what passes or does not apply is left out (--all)\n');
  }
  if (count === 0) io.stderr.write(`no ${resource.type}\n`);
  if (isNewest && count === most) {
    io.stderr.write(`the newest ${count}; more with --since or --limit\n`);
  }
  if (coverage !== undefined) io.stderr.write(`${coverageText(coverage, io.nowMs())}\n`);
  for (const name of missing) {
    io.stderr.write(`error: no ${resource.type} called ${safeText(name)}\n`);
  }
  if (missing.size > 0) return EXIT.notFound;
  const found = isFailed ? EXIT.findings : EXIT.clean;
  return combineExits([found, coverageExit(coverage, required, io)]);
}

/**
 * A long list is garbage as soon as it is printed. Left to itself V8 lets it grow to some 100 MB before it looks, because
 * the machine has that much.
 */
function boundYoungHeap(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
}

async function* orderedPage<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  order: string,
): AsyncGenerator<ChosenPage<Item>, void> {
  const { items, coverage } = await fetchChosen(client, resource, choice, undefined);
  yield { items: sortedBy(items, order), coverage };
}

/** What `--since` leaves in; undefined where nothing is left out, or the aggregator does so. */
async function changeFilter<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  io: Io,
): Promise<((item: Item) => boolean) | undefined> {
  const { since } = choice;
  if (since === undefined || resource.type === 'events') return undefined;
  const { changedSince } = await import('./since.ts');
  return await changedSince(client, resource, { ...choice, since }, io);
}

interface Printer<Item> {
  items(items: readonly Item[]): void;
  end(coverage: Coverage | undefined): Promise<void>;
}

async function openPrinter<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  invocation: Invocation,
  io: Io,
): Promise<Printer<Item>> {
  const output = invocation.value('output') ?? 'table';
  const format = isFormat(output) ? output : 'table';
  const style = styleOf(io, invocation.value('color'));
  const headers = !invocation.flag('no-headers');
  const presentation = resource.presentation(io.nowMs());
  const { grouping } = resource;
  const isOrdered = invocation.value('sort-by') !== undefined;
  const isGrouped = format === 'table' && !invocation.flag('no-group') && !isOrdered;
  if (grouping !== undefined && isGrouped) {
    const { Groups, groupColumns, outlookOf } = await import('./grouping.ts');
    const { tableText } = await import('./output/table.ts');
    const groups = new Groups(grouping);
    return {
      items: (items) => groups.add(items),
      async end(coverage) {
        const rows = groups.list();
        const everyone = await outlookOf(client, rows, choice, coverage?.expected ?? 0);
        const columns = groupColumns(presentation.columns, everyone);
        if (rows.length > 0) io.stdout.write(tableText(rows, columns, style, { headers }));
      },
    };
  }
  const frame = frameOf(resource, undefined);
  const writer = await openListWriter(frame, presentation, format, style, headers);
  return {
    items: (items) => io.stdout.write(writer.items(items)),
    async end(coverage) {
      io.stdout.write(writer.end(frameOf(resource, coverage)));
    },
  };
}
