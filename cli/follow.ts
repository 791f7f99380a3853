import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../shared/errors.ts';
import { ChangeLines } from './change-lines.ts';
import type { Client } from './client.ts';
import { rubbish } from './client-errors.ts';
import type { Invocation } from './command.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { type Choice, fetchChosen, filterOf, selectNodes } from './fleet-list.ts';
import type { Io } from './io.ts';
import type { Resource } from './resource.ts';
import { Screen } from './screen.ts';
import { isObject } from './shape.ts';
import { readServerEvents } from './sse.ts';
import { type Change, KEPT_EVENTS, type View } from './view.ts';

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/**
 * The chosen items and every change of them, until interrupted: on a terminal one table that is redrawn, else JSON
 * lines of `change` and `item`. A connection that is lost is made again, and the list asked for anew.
 */
export async function followFleet<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  if (!resource.isWatched) {
    throw usageError(`changes of ${resource.type} are not told by the aggregator`, {
      next: 'nodeseal watch findings, nodes, images or events',
    });
  }
  const view = openView(resource, invocation, io);
  try {
    return await followUntilEnded(client, resource, choice, view, io);
  } finally {
    view.close();
  }
}

function openView<Item>(resource: Resource<Item>, invocation: Invocation, io: Io): View<Item> {
  const output = invocation.value('output') ?? 'table';
  const isTable = output === 'table' || output === 'wide';
  if (!isTable && output !== 'json' && output !== 'jsonl') {
    throw usageError(`changes cannot be told as ${output}`, { next: '-o table, wide or jsonl' });
  }
  if (!isTable || !io.stdout.isTerminal) return new ChangeLines(resource, io);
  const wide = output === 'wide';
  const grouped = !wide && !invocation.flag('no-group');
  return new Screen(resource, { wide, grouped, color: invocation.value('color') }, io);
}

async function followUntilEnded<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  view: View<Item>,
  io: Io,
): Promise<ExitCode> {
  const signal = AbortSignal.any([io.signal, io.unread]);
  for (let failures = 0; ; failures++) {
    let why = 'it ended the connection';
    try {
      await followOnce(client, resource, choice, view, signal, () => {
        failures = 0;
      });
    } catch (error) {
      // What could not be reached at first will not come by waiting; what was there may come back.
      const isLost = error instanceof CliError && error.code === 'ERR_CLI_UNREACHABLE';
      if (!signal.aborted && (!isLost || !view.isShown)) throw error;
      why = messageOf(error) + (isLost && error.why ? `: ${error.why}` : '');
    }
    if (io.unread.aborted) return EXIT.clean;
    if (io.signal.aborted) return EXIT.interrupted;
    view.lost(why);
    const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}

async function followOnce<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  view: View<Item>,
  signal: AbortSignal,
  onConnected: () => void,
): Promise<void> {
  const ended = new AbortController();
  const query = { topic: resource.type };
  const either = AbortSignal.any([signal, ended.signal]);
  const nodes = await selectNodes(client, choice);
  const isWanted = filterOf(resource, choice, nodes);
  const isEvents = resource.type === 'events';
  const stream = client.stream('/v1/watch', query, either)[Symbol.asyncIterator]();
  try {
    // The first bytes say that it watches: only then the list is asked for, so that no change falls between.
    const first = await stream.next();
    onConnected();
    // What came while nobody listened is told too, however much it is.
    const since = view.lastReceivedAt;
    const most = isEvents && since === undefined ? KEPT_EVENTS : undefined;
    const list = await fetchChosen(client, resource, { ...choice, since }, most);
    view.start(isEvents ? list.items.toReversed() : list.items, list.coverage);
    if (first.done) return;
    const chunks = chain(first.value, stream);
    for await (const { data } of readServerEvents(chunks, client.server)) {
      const { change, item } = readChange(data, resource, client.server);
      const isShown = isWanted(item);
      // What no longer matches the choice is gone from the list, as if removed.
      if (isShown || !isEvents) view.apply({ change: isShown ? change : 'removed', item });
    }
  } finally {
    ended.abort();
    await stream.return(undefined);
  }
}

async function* chain(
  first: Buffer,
  rest: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  yield first;
  yield* rest;
}

function readChange<Item>(data: string, resource: Resource<Item>, server: string): Change<Item> {
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch (cause) {
    throw rubbish(server, 'an event of its watch is no JSON', cause);
  }
  if (!isObject(message)) throw rubbish(server, 'an event of its watch is no object');
  const { change, item } = message;
  if (change !== 'set' && change !== 'removed') {
    throw rubbish(server, 'watch.change: expected set or removed');
  }
  return { change, item: resource.read(item, 'watch.item', server) };
}
