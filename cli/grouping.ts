import type { Client } from './client.ts';
import { type Choice, nodesWith } from './fleet-list.ts';
import type { Column } from './output/column.ts';
import { nodeText } from './output/of-node.ts';
import type { Group, Grouping } from './resource.ts';

/** So many nodes are named in a row. */
const NAMED = 10;

/** Puts items that say the same of several nodes together; of the items themselves only the first of each is kept. */
export class Groups<Item> {
  readonly #grouping: Grouping<Item>;
  readonly #groups = new Map<
    string,
    { readonly item: Item; readonly nodes: Map<string, string> }
  >();
  /** Each name once: every answer brings its own copy. */
  readonly #names = new Map<string, string>();

  constructor(grouping: Grouping<Item>) {
    this.#grouping = grouping;
  }

  add(items: readonly Item[]): void {
    for (const item of items) {
      const same = this.#grouping.sameOf(item);
      const group = this.#groups.get(same) ?? { item, nodes: new Map() };
      this.#groups.set(same, group);
      const from = this.#grouping.nodeOf(item);
      const name = this.#names.get(from.node) ?? from.node;
      this.#names.set(name, name);
      group.nodes.set(name, from.nodeState === undefined ? name : nodeText(from));
    }
  }

  /** Worst first. */
  list(): readonly Group<Item>[] {
    return [...this.#groups.values()]
      .map(({ item, nodes }) => ({ item, nodes: [...nodes.keys()], shown: [...nodes.values()] }))
      .sort((a, b) => this.#grouping.compare(a, b));
  }
}

/** The columns of groups: those of the items without the node, and `NODES` and `ON` before the message. */
export function groupColumns<Item>(
  columns: readonly Column<Item>[],
  everyone: readonly string[],
): readonly Column<Group<Item>>[] {
  const nodes: readonly Column<Group<Item>>[] = [
    { header: 'NODES', key: 'nodes', value: (group) => group.nodes.length, align: 'right' },
    {
      header: 'ON',
      key: 'on',
      value: (group) => onText(group, everyone),
      shrink: 'end',
      least: 12,
      drop: 3,
    },
  ];
  const said = columns.filter(({ key, wide }) => key !== 'node' && wide === undefined).map(ofItem);
  const message = said.findIndex(({ key }) => key === 'message');
  return said.toSpliced(message === -1 ? said.length : message, 0, ...nodes);
}

function ofItem<Item>(column: Column<Item>): Column<Group<Item>> {
  const { value, show, showAlone, symbol, tone, ...rest } = column;
  return {
    ...rest,
    value: ({ item }) => value(item),
    ...(show && { show: ({ item }) => show(item) }),
    ...(showAlone && { showAlone: ({ item }) => showAlone(item) }),
    ...(symbol && { symbol: ({ item }) => symbol(item) }),
    ...(tone && { tone: ({ item }) => tone(item) }),
  };
}

/** Which nodes: `all`, `all-but:infra-2`, or the first of their names. */
function onText({ nodes, shown }: Group<unknown>, everyone: readonly string[]): string {
  if (nodes.length > 1 && nodes.length > everyone.length / 2 && everyone.length > 0) {
    const meant = new Set(nodes);
    const others = everyone.filter((name) => !meant.has(name));
    if (others.length === 0) return 'all';
    if (others.length <= NAMED) return `all-but:${others.join(',')}`;
  }
  const more = shown.length - NAMED;
  return shown.slice(0, NAMED).join(',') + (more > 0 ? `,+${more}` : '');
}

/**
 * Who could be in a group, so that the few that are not can be named; nobody when no group is large, or the answer is
 * about a former time with nodes of its own.
 */
export async function outlookOf<Item>(
  client: Client,
  groups: readonly Group<Item>[],
  choice: Choice,
  expected: number,
): Promise<readonly string[]> {
  const isLarge = groups.some(({ nodes }) => nodes.length > 1 && nodes.length > expected / 2);
  if (!isLarge || choice.asOf !== undefined) return [];
  return [...(await nodesWith(client, choice.labels)).expected];
}
