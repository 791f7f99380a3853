import t from 'tap';
import { movedMounts, parseMounts } from '../../agent/mounts.ts';

const FOLDERS = new Set(['/etc/containers', '/with space']);
const line = (id: number, place: string, root = '/x'): string =>
  `${id} 22 253:1 ${root} ${place} ro,relatime shared:1 - ext4 /dev/vda1 rw`;

const tables: readonly (readonly [name: string, text: string, places: readonly string[]])[] = [
  ['nothing', '', []],
  ['a mount elsewhere', line(1, '/var/lib/containers/storage/overlay'), []],
  ['a file in a folder', line(1, '/etc/containers/policy.json'), ['/etc/containers/policy.json']],
  ['the folder itself', line(1, '/etc/containers'), ['/etc/containers']],
  ['something deeper', line(1, '/etc/containers/registries.d/a.yaml'), []],
  ['a place with a space', line(1, '/with\\040space/a'), ['/with space/a']],
  ['a line cut short', '1 22 253:1', []],
  ['bytes of no table', '\u0000\u0001 x\n\n', []],
];
for (const [name, text, places] of tables) {
  t.same([...parseMounts(text, FOLDERS).keys()], places, name);
}

const at = (...lines: readonly string[]) => parseMounts(lines.join('\n'), FOLDERS);
const PLACE = '/etc/containers/policy.json';
const moves: readonly (readonly [
  name: string,
  before: string[],
  after: string[],
  moved: string[],
])[] = [
  ['the same', [line(1, PLACE)], [line(1, PLACE)], []],
  ['mounted', [], [line(1, PLACE)], [PLACE]],
  ['unmounted', [line(1, PLACE)], [], [PLACE]],
  ['another file', [line(1, PLACE)], [line(2, PLACE, '/y')], [PLACE]],
  ['one more on top', [line(1, PLACE)], [line(1, PLACE), line(2, PLACE)], [PLACE]],
];
for (const [name, before, after, moved] of moves) {
  t.same(movedMounts(at(...before), at(...after)), moved, name);
}
