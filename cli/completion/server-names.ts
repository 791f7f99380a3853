import type { List } from '../../shared/api.ts';
import { readList } from '../answers.ts';
import { Client } from '../client.ts';
import type { Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import type { Resource, ResourceType } from '../resource.ts';
import { NODES } from '../resources/nodes.ts';
import { readType, withResource } from '../resources.ts';
import { type Offer, wordsOffer } from './offer.ts';

/** A person waits for the key they pressed: what does not come at once is left out. */
const WITHIN = '1500ms';
/** Of larger fleets this many are offered. */
const MOST = '2000';

/** The names a list of this type may be narrowed by. */
export async function itemNames(type: string, invocation: Invocation, io: Io): Promise<Offer> {
  // A finding is asked for by its rule, and each rule is needed once.
  const found = readType(type);
  const source: ResourceType = found === 'findings' ? 'checks' : found;
  return await withResource(source, async (resource) => {
    const { items } = await ask(resource, invocation, io);
    const names = items.flatMap((item) => resource.namesOf(item).slice(0, 1));
    return wordsOffer(new Set(names));
  });
}

export async function poolNames(invocation: Invocation, io: Io): Promise<Offer> {
  const { items } = await ask(NODES, invocation, io);
  return wordsOffer(new Set(items.map(({ pool }) => pool)));
}

async function ask<Item>(
  resource: Resource<Item>,
  invocation: Invocation,
  io: Io,
): Promise<List<string, Item>> {
  const bounded: Invocation = {
    ...invocation,
    value: (name) => (name === 'timeout' ? WITHIN : invocation.value(name)),
  };
  using client = await Client.open(bounded, io);
  const query = resource.isPaged ? { limit: MOST } : {};
  const answer = await client.get(`/v1/${resource.type}`, query);
  return readList(answer, resource.kind, resource.read, client.server);
}
