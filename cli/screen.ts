import type { Coverage } from '../shared/api.ts';
import { safeText } from '../shared/safe-text.ts';
import { coverageText } from './coverage.ts';
import { Groups, groupColumns } from './grouping.ts';
import type { Io } from './io.ts';
import { type Style, styleOf } from './output/colour.ts';
import { tableText } from './output/table.ts';
import { truncate } from './output/width.ts';
import type { Resource } from './resource.ts';
import { type Change, KEPT_EVENTS, type View } from './view.ts';

/** Not more often, however much changes. */
const REDRAW_MS = 250;
/** At least so often: ages grow, and terminals are resized. */
const TICK_MS = 1000;
const DEFAULT_ROWS = 24;

// ECMA-48 and xterm's private modes: the alternate screen, without cursor and without wrapping.
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export interface ScreenOptions {
  readonly wide: boolean;
  readonly grouped: boolean;
  readonly color: string | undefined;
}

/** One table on a screen of its own, drawn over itself when something changed; the last one is left behind. */
export class Screen<Item> implements View<Item> {
  readonly #resource: Resource<Item>;
  readonly #options: ScreenOptions;
  readonly #io: Io;
  readonly #items = new Map<string, Item>();
  readonly #tick: NodeJS.Timeout;
  #coverage: Coverage | undefined;
  #lost: string | undefined;
  #frame = '';
  #timer: NodeJS.Timeout | undefined;
  isShown = false;
  readonly lastReceivedAt: undefined;

  constructor(resource: Resource<Item>, options: ScreenOptions, io: Io) {
    this.#resource = resource;
    this.#options = options;
    this.#io = io;
    this.#tick = setInterval(() => this.#draw(), TICK_MS);
  }

  start(items: readonly Item[], coverage: Coverage | undefined): void {
    this.#items.clear();
    this.#coverage = coverage;
    this.#lost = undefined;
    for (const item of items) this.#items.set(this.#resource.keyOf(item), item);
    if (!this.isShown) this.#io.stdout.write(ENTER);
    this.isShown = true;
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

  lost(why: string): void {
    this.#lost = why;
    this.#draw();
  }

  close(): void {
    clearInterval(this.#tick);
    clearTimeout(this.#timer);
    if (this.isShown) this.#io.stdout.write(`${LEAVE}${this.#frame}`);
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.isShown) return;
    const frame = this.#frameText();
    if (frame === this.#frame) return;
    this.#frame = frame;
    // Over what is there, each line cleared behind its text: nothing flickers.
    const lines = frame.replaceAll('\n', `${CLEAR_LINE}\n`);
    this.#io.stdout.write(`${HOME}${lines}${CLEAR_BELOW}`);
  }

  #frameText(): string {
    const style = styleOf(this.#io, this.#options.color);
    const time = new Date(this.#io.nowMs()).toISOString();
    const lost = this.#lost === undefined ? '' : `; lost the aggregator: ${safeText(this.#lost)}`;
    const cut = (text: string): string => truncate(text, style.columns, 'end', style.symbols.cut);
    const head = cut(`${this.#resource.type}, ${time}, Ctrl-C ends${lost}`);
    const foot =
      this.#coverage === undefined ? '' : cut(coverageText(this.#coverage, this.#io.nowMs()));
    // The head, the headers, what is left out, the foot, and the line of the cursor.
    const room = Math.max(1, (this.#io.stdout.rows ?? DEFAULT_ROWS) - 5);
    const { rows, text } = this.#table(style, room);
    const more = rows > room ? `and ${rows - room} more\n` : '';
    return `${style.paint(head, lost === '' ? 'dim' : 'bad')}\n${text}${more}${foot}\n`;
  }

  #table(style: Style, room: number): { readonly rows: number; readonly text: string } {
    const { grouping, compare } = this.#resource;
    const { columns } = this.#resource.presentation(this.#io.nowMs());
    const { wide, grouped } = this.#options;
    const items = [...this.#items.values()];
    if (grouping !== undefined && grouped) {
      const groups = new Groups(grouping);
      groups.add(items);
      const rows = groups.list();
      const text = tableText(rows.slice(0, room), groupColumns(columns, []), style);
      return { rows: rows.length, text };
    }
    const ordered = compare === undefined ? items.reverse() : items.sort(compare);
    return {
      rows: ordered.length,
      text: tableText(ordered.slice(0, room), columns, style, { wide }),
    };
  }
}
