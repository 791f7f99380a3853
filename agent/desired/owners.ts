import { whereReadable } from '../check.ts';
import type { Host } from '../host.ts';

/** As ostree systems have them, the second file holds what the image brings. */
const PASSWD = ['/etc/passwd', '/usr/lib/passwd'];
const GROUP = ['/etc/group', '/usr/lib/group'];

/** Which ids owners have, as seen from here; undefined for a name that nothing here knows. */
export interface Owners {
  uid(user: number | string): number | undefined;
  gid(group: number | string): number | undefined;
}

/**
 * The ids of these names and of root. Root is who owns the root folder of the node: in a user namespace, and for one
 * who looks at a copy of the node, that is another id than 0. Never throws for a state of the node.
 */
export async function readOwners(
  host: Host,
  names: { readonly users: readonly string[]; readonly groups: readonly string[] },
): Promise<Owners> {
  const root = await whereReadable(host.stat('/'));
  const uids = names.users.length > 0 ? await idsIn(host, PASSWD) : new Map<string, number>();
  const gids = names.groups.length > 0 ? await idsIn(host, GROUP) : new Map<string, number>();
  const seen = (id: number | undefined, rootId: number | undefined) => (id === 0 ? rootId : id);
  return {
    uid: (user) => seen(typeof user === 'number' ? user : uids.get(user), root?.uid),
    gid: (group) => seen(typeof group === 'number' ? group : gids.get(group), root?.gid),
  };
}

/** Ids by name of passwd(5) and group(5): the third member of a line. The first to say it counts. */
async function idsIn(host: Host, paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>();
  for (const path of paths) {
    const text = (await whereReadable(host.readText(path))) ?? '';
    for (const [, name = '', id = ''] of text.matchAll(/^([^:\n]+):[^:\n]*:(\d{1,10})(?::|$)/gm)) {
      if (!ids.has(name)) ids.set(name, Number(id));
    }
  }
  return ids;
}
