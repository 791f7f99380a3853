import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';

/** Our own view: in a container the node's mounts appear in it as far as they are propagated to us. */
const MOUNTS = '/proc/self/mountinfo';

/** What is mounted at a place, last mount last: proc_pid_mountinfo(5) by mount point, without counters. */
export type Mounts = ReadonlyMap<string, string>;

/** The mounts on and directly in these folders, as this process names them; none where they cannot be read. */
export async function mountsIn(folders: ReadonlySet<string>): Promise<Mounts> {
  const text = await readFile(MOUNTS, 'utf8').catch(() => '');
  return parseMounts(text, folders);
}

/** Lines that are none are passed over: what is not understood here is found by the interval. */
export function parseMounts(text: string, folders: ReadonlySet<string>): Mounts {
  const mounts = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [id, , device, root, escaped] = line.split(' ');
    if (escaped === undefined) continue;
    const place = escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (!folders.has(place) && !folders.has(posix.dirname(place))) continue;
    mounts.set(place, `${mounts.get(place) ?? ''}${id} ${device} ${root}\n`);
  }
  return mounts;
}

/** Places at which something was mounted or unmounted from one look to the next. */
export function movedMounts(before: Mounts, after: Mounts): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (place) => before.get(place) !== after.get(place),
  );
}
