import type { Invocation } from '../command.ts';
import { loadContexts } from '../context.ts';
import type { Io } from '../io.ts';
import { NOTHING, type Offer, wordsOffer } from './offer.ts';

/** The value that is asked for. */
export interface Place {
  /** The word that stands for it in the help, in lower case: `node`, `file`. */
  readonly metavar: string;
  /** What is typed of it. */
  readonly typed: string;
  /** What was typed before. */
  readonly invocation: Invocation;
}

type Source = (place: Place, io: Io) => Promise<Offer> | Offer;

const FILES: Source = () => ({ candidates: [], also: 'files' });
const FOLDERS: Source = () => ({ candidates: [], also: 'folders' });

/**
 * Where the values of a flag or argument come from, by the word that stands for it in the help: what is called
 * `<node>` there is the name of a node. Modules are loaded when they are needed.
 */
const SOURCES: Readonly<Record<string, Source>> = {
  file: FILES,
  old: FILES,
  new: FILES,
  path: FILES,
  dir: FOLDERS,
  context: async (_place, io) => {
    const { contexts } = await loadContexts(io);
    const candidates = contexts.contexts.map(({ name, server }) => ({ word: name, about: server }));
    return { candidates };
  },
  profile: async () => {
    const { SHIPPED_PROFILES } = await import('../../agent/profile-file.ts');
    return { ...wordsOffer(SHIPPED_PROFILES), also: 'files' };
  },
  rule: async () => await rulesAndChecks(),
  ids: async ({ typed }) => lastOfList(await rulesAndChecks(), typed),
  type: async ({ typed, invocation }, io) => {
    const { TYPES } = await import('../resource.ts');
    const slash = typed.indexOf('/');
    if (slash === -1) return wordsOffer(TYPES);
    const type = typed.slice(0, slash);
    const { candidates } = await (await import('./server-names.ts')).itemNames(
      type,
      invocation,
      io,
    );
    return { candidates: candidates.map(({ word }) => ({ word: `${type}/${word}` })) };
  },
  name: async ({ invocation }, io) => {
    const [type] = invocation.positional;
    if (type === undefined) return NOTHING;
    return await (await import('./server-names.ts')).itemNames(type, invocation, io);
  },
  node: async ({ invocation }, io) =>
    await (await import('./server-names.ts')).itemNames('nodes', invocation, io),
  pool: async ({ invocation }, io) =>
    await (await import('./server-names.ts')).poolNames(invocation, io),
  field: async ({ invocation }) => {
    const { readType, withResource } = await import('../resources.ts');
    const type = readType(invocation.positional[0] ?? '');
    return await withResource(type, async ({ fields }) => wordsOffer(fields));
  },
  selector: async ({ typed, invocation }, io) => {
    const condition = typed.slice(typed.lastIndexOf(',') + 1);
    if (!condition.startsWith('pool='))
      return lastOfList({ ...wordsOffer(['pool=', 'state=', 'name=']), isOpen: true }, typed);
    const { candidates } = await (await import('./server-names.ts')).poolNames(invocation, io);
    return lastOfList(
      { candidates: candidates.map(({ word }) => ({ word: `pool=${word}` })) },
      typed,
    );
  },
};

/** What may stand in one place; nothing for what only the person knows. */
export async function valuesFor(place: Place, io: Io): Promise<Offer> {
  // `NODE|server` is either.
  const offers: Offer[] = [];
  for (const word of place.metavar.split('|')) {
    const source = Object.hasOwn(SOURCES, word) ? SOURCES[word] : undefined;
    offers.push((await source?.(place, io)) ?? NOTHING);
  }
  return Object.assign({}, ...offers, {
    candidates: offers.flatMap(({ candidates }) => candidates),
  });
}

async function rulesAndChecks(): Promise<Offer> {
  const { checks } = await import('../../agent/checks/index.ts');
  const candidates = checks.flatMap(({ id, title, rules }) => [
    { word: id, about: title },
    ...rules.map((rule) => ({ word: rule.id, about: rule.title })),
  ]);
  return { candidates };
}

/** The offer for the last of several words that commas separate. */
export function lastOfList(offer: Offer, typed: string): Offer {
  const before = typed.slice(0, typed.lastIndexOf(',') + 1);
  return {
    ...offer,
    candidates: offer.candidates.map(({ word, ...rest }) => ({ ...rest, word: before + word })),
  };
}
