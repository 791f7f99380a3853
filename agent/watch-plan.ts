import { lstatSync, readdirSync } from 'node:fs';
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
export async function planWatches(host: Host, watches: WatchPlan['watches']): Promise<WatchPlan> {
  const looks = new Looks(host);
  const idsByPath = new Map<string, string[]>();
  for (const [id, paths] of watches) for (const path of paths) addId(idsByPath, path, id);
  const folders = new Map<string, string[]>();
  const places = new Map<string, string | undefined>();
  const waypoints = new Set<string>();
  for (const [path, ids] of idsByPath) {
    const way = await followWay(looks, path);
    if (way.place !== undefined) {
      const linked = await linkedFolders(looks, path, way.place);
      for (const folder of [way.place, ...linked]) for (const id of ids) addId(folders, folder, id);
    }
    // Of what happens on the way only a new place is told, by comparing `places`.
    for (const folder of way.folders) addId(folders, folder, undefined);
    for (const waypoint of way.waypoints) waypoints.add(waypoint);
    places.set(path, way.place === undefined ? undefined : identify(way.place));
  }
  const identities = [...folders.keys()].map(identify);
  return { folders, watches, places, identity: identities.join('\n'), waypoints };
}

/** Every folder that a check names, by its id. Checks that go by the same configuration ask it once. */
export async function namedFolders(
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

function identify(place: string): string {
  try {
    const { dev, ino, birthtimeNs } = lstatSync(place, { bigint: true });
    // The number of a removed folder is given to the next one made.
    return `${place} ${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return `${place} gone`;
  }
}

/** What one plan sees: ways have their beginnings in common, so each part is looked at once. */
class Looks {
  readonly host: Host;
  readonly #resolved = new Map<string, Promise<string | undefined>>();
  readonly #kinds = new Map<string, Promise<string | undefined>>();

  constructor(host: Host) {
    this.host = host;
  }

  resolve(path: string): Promise<string | undefined> {
    return known(this.#resolved, path, () => orUndefined(() => this.host.resolve(path)));
  }

  kind(path: string): Promise<string | undefined> {
    const look = async () => (await orUndefined(() => this.host.lstat(path)))?.kind;
    return known(this.#kinds, path, look);
  }
}

function known<T>(all: Map<string, Promise<T>>, path: string, look: () => Promise<T>): Promise<T> {
  const before = all.get(path);
  if (before !== undefined) return before;
  const now = look();
  all.set(path, now);
  return now;
}

interface Way {
  readonly place: string | undefined;
  readonly folders: readonly string[];
  readonly waypoints: readonly string[];
}

async function followWay(looks: Looks, path: string): Promise<Way> {
  const folders: string[] = [];
  const waypoints: string[] = [];
  let here = '/';
  for (const name of path.split('/').filter((part) => part !== '')) {
    const folder = await looks.resolve(here);
    if (folder === undefined) return { place: undefined, folders, waypoints };
    const next = posix.join(folder, name);
    const kind = await looks.kind(next);
    waypoints.push(placeOf(looks.host, next));
    here = posix.join(here, name);
    // Where a folder may appear or a link be turned; and the parent of the folder itself, which may be replaced.
    if (kind === undefined || kind === 'link' || here === path)
      folders.push(placeOf(looks.host, folder));
    if (kind === undefined) return { place: undefined, folders, waypoints };
  }
  const resolved = await looks.resolve(here);
  const isFolder = resolved !== undefined && (await looks.kind(resolved)) === 'folder';
  return { place: isFolder ? placeOf(looks.host, resolved) : undefined, folders, waypoints };
}

/** A file behind a link is edited where it is, not where the link is. */
async function linkedFolders(
  looks: Looks,
  path: string,
  place: string,
): Promise<readonly string[]> {
  const linked: string[] = [];
  for (const name of linksIn(place)) {
    const target = await looks.resolve(posix.join(path, name));
    if (target !== undefined) linked.push(placeOf(looks.host, posix.dirname(target)));
  }
  return linked;
}

function linksIn(place: string): readonly string[] {
  try {
    const entries = readdirSync(place, { withFileTypes: true });
    return entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
  } catch {
    return [];
  }
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
