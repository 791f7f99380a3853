import { setTimeout as sleep } from 'node:timers/promises';
import type { Coverage } from '../shared/api.ts';
import { messageOf } from '../shared/errors.ts';
import type { Client } from './client.ts';
import { rubbish } from './client-errors.ts';
import type { Invocation } from './command.ts';
import { coverageText } from './coverage.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { type Choice, fetchChosen, filterOf, selectNodes } from './fleet-list.ts';
import type { Io } from './io.ts';
import { type Style, styleOf } from './output/colour.ts';
import { jsonLine } from './output/jsonl.ts';
import { safeText } from './output/safe.ts';
import { tableText } from './output/table.ts';
import type { Resource } from './resource.ts';
import { isObject } from './shape.ts';
import { readServerEvents } from './sse.ts';

/** One change: what an item is now, or that it is gone. */
export interface Change<Item> {
  readonly change: 'set' | 'removed';
  readonly item: Item;
}

const REDRAW_MS = 250;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** Events that are kept for the screen. */
const KEPT_EVENTS = 200;

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
  const style = styleOf(io, invocation.value('color'));
  const output = invocation.value('output') ?? 'table';
  const isTable = output === 'table' || output === 'wide';
  if (!isTable && output !== 'json' && output !== 'jsonl') {
    throw usageError(`changes cannot be told as ${output}`, { next: '-o table, wide or jsonl' });
  }
  const view =
    isTable && style.isTerminal
      ? new Screen(resource, style, output === 'wide', io)
      : new Lines<Item>(io);
  const signal = AbortSignal.any([io.signal, io.unread]);
  for (let failures = 0; ; failures++) {
    try {
      await followOnce(client, resource, choice, view, signal, () => {
        failures = 0;
      });
    } catch (error) {
      // What could not be reached at first will not come by waiting; what was there may come back.
      const isLost = error instanceof CliError && error.code === 'ERR_CLI_UNREACHABLE';
      if (!signal.aborted && (!isLost || !view.isShown)) throw error;
      if (!signal.aborted) io.stderr.write(`lost the aggregator: ${safeText(messageOf(error))}\n`);
    }
    if (io.unread.aborted) return EXIT.clean;
    if (io.signal.aborted) return EXIT.interrupted;
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
  const stream = client.stream('/v1/watch', query, either)[Symbol.asyncIterator]();
  try {
    // The first bytes say that it watches: only then the list is asked for, so that no change falls between.
    const first = await stream.next();
    onConnected();
    const most = resource.type === 'events' ? KEPT_EVENTS : undefined;
    const list = await fetchChosen(client, resource, choice, most);
    view.start(list.items, list.coverage);
    if (first.done) return;
    const chunks = chain(first.value, stream);
    for await (const { data } of readServerEvents(chunks, client.server)) {
      const { change, item } = readChange(data, resource, client.server);
      const isShown = isWanted(item);
      // What no longer matches the choice is gone from the list, as if removed.
      if (isShown || resource.type !== 'events') {
        view.apply({ change: isShown ? change : 'removed', item });
      }
    }
  } finally {
    ended.abort();
    await stream.return(undefined);
    view.stop();
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

interface View<Item> {
  /** True when something was shown once. */
  readonly isShown: boolean;
  start(items: readonly Item[], coverage: Coverage | undefined): void;
  apply(change: Change<Item>): void;
  stop(): void;
}

/** JSON lines: first every item there is, then each change. */
class Lines<Item> implements View<Item> {
  readonly #io: Io;
  isShown = false;

  constructor(io: Io) {
    this.#io = io;
  }

  start(items: readonly Item[], coverage: Coverage | undefined): void {
    this.isShown = true;
    for (const item of items) this.apply({ change: 'set', item });
    if (coverage !== undefined) this.#io.stderr.write(`${coverageText(coverage)}\n`);
  }

  apply({ change, item }: Change<Item>): void {
    this.#io.stdout.write(jsonLine({ change, item }));
  }

  stop(): void {}
}

/** One table that is drawn anew when something changed, at most four times a second. */
class Screen<Item> implements View<Item> {
  readonly #resource: Resource<Item>;
  readonly #style: Style;
  readonly #wide: boolean;
  readonly #io: Io;
  readonly #items = new Map<string, Item>();
  #coverage: Coverage | undefined;
  #timer: NodeJS.Timeout | undefined;
  isShown = false;

  constructor(resource: Resource<Item>, style: Style, wide: boolean, io: Io) {
    this.#resource = resource;
    this.#style = style;
    this.#wide = wide;
    this.#io = io;
  }

  start(items: readonly Item[], coverage: Coverage | undefined): void {
    this.isShown = true;
    this.#items.clear();
    this.#coverage = coverage;
    // Events come newest first, and the map keeps the newest last.
    const ordered = this.#resource.type === 'events' ? items.toReversed() : items;
    for (const item of ordered) this.#items.set(this.#resource.keyOf(item), item);
    this.#draw();
  }

  apply({ change, item }: Change<Item>): void {
    const key = this.#resource.keyOf(item);
    if (change === 'removed') this.#items.delete(key);
    else this.#items.set(key, item);
    const [oldest] = this.#items.keys();
    const isFull = this.#resource.type === 'events' && this.#items.size > KEPT_EVENTS;
    if (isFull && oldest !== undefined) this.#items.delete(oldest);
    this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #draw(): void {
    this.stop();
    const { columns } = this.#resource.presentation(this.#io.nowMs());
    const isEvents = this.#resource.type === 'events';
    const items = isEvents ? [...this.#items.values()].reverse() : [...this.#items.values()];
    const room = Math.max(1, (this.#io.stdout.rows ?? 24) - 4);
    const shown = items.slice(0, room);
    const table = tableText(shown, columns, this.#style, { wide: this.#wide });
    const time = new Date(this.#io.nowMs()).toISOString();
    const head = `${this.#resource.type}, ${time}, Ctrl-C ends`;
    const more = items.length > room ? `and ${items.length - room} more\n` : '';
    const coverage = this.#coverage === undefined ? '' : `${coverageText(this.#coverage)}\n`;
    // Home, then clear what is below: no flicker, and nothing is wiped from the scrollback.
    this.#io.stdout.write(`\x1b[H\x1b[J${head}\n${table}${more}${coverage}`);
  }
}
