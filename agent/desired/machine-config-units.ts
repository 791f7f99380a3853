import type { JsonMember } from '../json-member.ts';
import { contentsBy, DEFAULT_MODE, type FileEntry } from './machine-config-file.ts';

export const UNITS = '/etc/systemd/system';

/** What a MachineConfig says of a unit beside its files. */
export interface MachineConfigUnit {
  readonly name: string;
  /** Absent when it is left as it is. */
  readonly enabled?: boolean;
  /** A link to /dev/null stands in its place. */
  readonly isMasked: boolean;
  /** Its own text; absent for one of the operating system that is only enabled, masked or extended. */
  readonly contents?: string;
}

export function unitsOf(config: JsonMember): readonly MachineConfigUnit[] {
  return unitMembers(config).map((unit) => {
    const enabled = unit.at('enabled').boolean();
    // An empty text is no content: the daemon writes nothing.
    const contents = unit.at('contents').text() || undefined;
    return {
      name: nameOf(unit),
      isMasked: isMasked(unit),
      ...(enabled === undefined ? {} : { enabled }),
      ...(contents === undefined ? {} : { contents }),
    };
  });
}

/** The files of units and drop-ins; a masked unit has none of its own. */
export function unitFiles(config: JsonMember): readonly FileEntry[] {
  return unitMembers(config).flatMap((unit) => {
    const name = nameOf(unit);
    const contents = unit.at('contents').text() ?? '';
    const hasOwn = contents !== '' && !isMasked(unit);
    const own = hasOwn ? [textFile(`${UNITS}/${name}`, contents)] : [];
    const dropIns = unit
      .at('dropins')
      .list()
      .map((dropIn) => {
        const path = `${UNITS}/${name}.d/${nameOf(dropIn)}`;
        return textFile(path, dropIn.at('contents').text() ?? '');
      });
    return [...own, ...dropIns];
  });
}

function unitMembers(config: JsonMember): readonly JsonMember[] {
  return config.at('systemd', 'units').list();
}

function isMasked(unit: JsonMember): boolean {
  return unit.at('mask').boolean() === true;
}

function nameOf(member: JsonMember): string {
  const name = member.at('name').text() ?? '';
  if (!/^[^/]+$/.test(name)) throw member.at('name').error('expected a file name');
  return name;
}

function textFile(path: string, contents: string): FileEntry {
  const file = { mode: DEFAULT_MODE, ...contentsBy(() => Buffer.from(contents, 'utf8')) };
  return [path, contents === '' ? { ...file, isOptional: true } : file];
}
