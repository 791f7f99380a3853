import { createHash } from 'node:crypto';
import type { OfNode } from '../shared/api.ts';
import { safeText } from '../shared/safe-text.ts';
import type { Client } from './client.ts';
import { coverageText } from './coverage.ts';
import { type Choice, chosenPages } from './fleet-list.ts';
import type { Io } from './io.ts';
import type { Resource } from './resource.ts';

/**
 * True for the items that were not so at the time `since` of a choice: what is new, and what changed. Of the former list
 * only digests are held. Nodes of which nothing is known from then are told on stderr: all they say counts as new.
 */
export async function changedSince<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice & { readonly since: string },
  io: Io,
): Promise<(item: Item) => boolean> {
  const { since, ...rest } = choice;
  const before = new Set<string>();
  let told = '';
  const then = { ...rest, since: undefined, asOf: since };
  for await (const { items, coverage } of chosenPages(client, resource, then, undefined)) {
    for (const item of items) before.add(digestOf(resource, item));
    const isPart = coverage !== undefined && coverage.missing.length > 0;
    told = isPart ? `as of ${safeText(since)}: ${coverageText(coverage)}\n` : '';
  }
  io.stderr.write(told);
  return (item) => !before.has(digestOf(resource, item));
}

/** Whether its node reports now says nothing of the item itself. */
function digestOf<Item>(resource: Resource<Item>, item: Item): string {
  const { nodeState: _state, ...said } = item as Item & Partial<OfNode>;
  const text = `${resource.keyOf(item)}\n${JSON.stringify(said)}`;
  return createHash('sha256').update(text).digest('base64').slice(0, 22);
}
