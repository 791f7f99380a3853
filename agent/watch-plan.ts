import { lstat, readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Check } from './check.ts';
import { type Host, HostError } from './host.ts';

export interface WatchPlan {
  /** Folders as this process names them, with the checks to be told of anything in them. */
  readonly folders: ReadonlyMap<string, readonly string[]>;
  /** Every folder that a check names, by its id. */
  readonly watches: ReadonlyMap<string, readonly string[]>;
  /** Which folder each of these is now; undefined while it is none. */
  readonly places: ReadonlyMap<string, string | undefined>;
  /** Which folders `folders` are now: a watch stays with the folder, also when another has taken its name. */
  readonly identity: string;
  /** Every part of a way, as this process names it: when one changes, the plan may be another. */
  readonly waypoints: ReadonlySet<string>;
}

export const NO_PLAN: WatchPlan = {
  folders: new Map(),
  watches: new Map(),
  places: new Map(),
  identity: '',
  waypoints: new Set(),
};

/**
 * Where to watch so that nothing is missed: the folder itself where its links lead; every folder on the way that
 * holds a link, or in which the next part of the way may yet appear or be replaced; and where links in it lead.
 */
export async function planWatches(
  host: Host,
  checks: readonly Pick<Check, 'id' | 'watches' | 'watchesIn'>[],
): Promise<WatchPlan> {
  const watched = await namedFolders(host, checks);
  const folders = new Map<string, string[]>();
  const places = new Map<string, string | undefined>();
  const waypoints = new Set<string>();
  for (const [id, watches] of watched) {
    for (const path of watches) {
      const way = await followWay(host, path);
      if (way.place !== undefined) {
        addId(folders, way.place, id);
        for (const folder of await linkedFolders(host, path, way.place)) addId(folders, folder, id);
      }
      // Of what happens on the way only a new place is told, by comparing `places`.
      for (const folder of way.folders) addId(folders, folder, undefined);
      for (const waypoint of way.waypoints) waypoints.add(waypoint);
      places.set(path, way.place === undefined ? undefined : await identify(way.place));
    }
  }
  const identities = await Promise.all([...folders.keys()].map(identify));
  return { folders, watches: watched, places, identity: identities.join('\n'), waypoints };
}

/** Checks that go by the same configuration ask it once. */
async function namedFolders(
  host: Host,
  checks: readonly Pick<Check, 'id' | 'watches' | 'watchesIn'>[],
): Promise<WatchPlan['watches']> {
  const asked = new Map<Check['watchesIn'], readonly string[]>();
  const named = new Map<string, readonly string[]>();
  for (const { id, watches, watchesIn } of checks) {
    const more = asked.get(watchesIn) ?? (await watchesIn?.(host)) ?? [];
    asked.set(watchesIn, more);
    named.set(id, [...new Set([...watches, ...more])]);
  }
  return named;
}

async function identify(place: string): Promise<string> {
  try {
    const { dev, ino, birthtimeNs } = await lstat(place, { bigint: true });
    // The number of a removed folder is given to the next one made.
    return `${place} ${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return `${place} gone`;
  }
}

interface Way {
  readonly place: string | undefined;
  readonly folders: readonly string[];
  readonly waypoints: readonly string[];
}

async function followWay(host: Host, path: string): Promise<Way> {
  const folders: string[] = [];
  const waypoints: string[] = [];
  let here = '/';
  for (const name of path.split('/').filter((part) => part !== '')) {
    const folder = await resolveFolder(host, here);
    if (folder === undefined) return { place: undefined, folders, waypoints };
    const next = posix.join(folder, name);
    const kind = await kindOf(host, next);
    waypoints.push(placeOf(host, next));
    here = posix.join(here, name);
    // Where a folder may appear or a link be turned; and the parent of the folder itself, which may be replaced.
    if (kind === undefined || kind === 'link' || here === path) folders.push(placeOf(host, folder));
    if (kind === undefined) return { place: undefined, folders, waypoints };
  }
  const resolved = await resolveFolder(host, here);
  const isFolder = resolved !== undefined && (await kindOf(host, resolved)) === 'folder';
  return { place: isFolder ? placeOf(host, resolved) : undefined, folders, waypoints };
}

/** A file behind a link is edited where it is, not where the link is. */
async function linkedFolders(host: Host, path: string, place: string): Promise<readonly string[]> {
  const linked: string[] = [];
  for (const name of await linksIn(place)) {
    const target = await resolveFolder(host, posix.join(path, name));
    if (target !== undefined) linked.push(placeOf(host, posix.dirname(target)));
  }
  return linked;
}

async function linksIn(place: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(place, { withFileTypes: true });
    return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
  } catch {
    return [];
  }
}

async function resolveFolder(host: Host, path: string): Promise<string | undefined> {
  return await orUndefined(() => host.resolve(path));
}

async function kindOf(host: Host, path: string): Promise<string | undefined> {
  return (await orUndefined(() => host.lstat(path)))?.kind;
}

/** What cannot be looked at is watched as far as it can be; the check says what is wrong. */
async function orUndefined<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

function placeOf(host: Host, path: string): string {
  return posix.resolve(host.root, `.${path}`);
}

function addId(folders: Map<string, string[]>, folder: string, id: string | undefined): void {
  const ids = folders.get(folder) ?? [];
  if (id !== undefined && !ids.includes(id)) ids.push(id);
  folders.set(folder, ids);
}
