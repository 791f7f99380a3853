import { ContentError } from './content-error.ts';
import { JsonMember } from './json-member.ts';

/**
 * What a runtime was told of a container, as its `config.json` has it: the members of the OCI runtime specification
 * that the checks ask for. Absent members are empty or undefined, as the specification reads them.
 */
export interface ContainerSpec {
  readonly annotations: ReadonlyMap<string, string>;
  /** `process.user.uid`, inside the container's user namespace. */
  readonly uid: number | undefined;
  readonly noNewPrivileges: boolean;
  /** `user:role:type:level`; undefined where the runtime left it to the policy. */
  readonly selinuxLabel: string | undefined;
  /** Names with `CAP_`, upper-case. */
  readonly capabilities: Readonly<Record<CapabilitySet, readonly string[]>>;
  /** By type (`pid`, `network`, `ipc`, …), with the path of a namespace that exists; a type that is absent is shared. */
  readonly namespaces: ReadonlyMap<string, string | undefined>;
  /** How many user ids of the container are mapped to others of the node; empty without a user namespace. */
  readonly uidMappings: readonly UidMapping[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly mounts: readonly SpecMount[];
}

export interface UidMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export interface SpecMount {
  readonly destination: string;
  readonly type: string | undefined;
  /** A path of the node for a bind mount. */
  readonly source: string | undefined;
  readonly options: readonly string[];
}

const CAPABILITY_SETS = ['bounding', 'effective', 'permitted', 'ambient'] as const;
export type CapabilitySet = (typeof CAPABILITY_SETS)[number];

/** A `config.json` that no runtime could start a container with. */
export class ContainerSpecError extends ContentError<'ERR_CONTAINER_SPEC'> {}

/** Reads a `config.json` (OCI runtime specification, config.md and config-linux.md). Throws `ContainerSpecError`. */
export function parseContainerSpec(path: string, text: string): ContainerSpec {
  const refuse = (message: string): Error =>
    new ContainerSpecError('ERR_CONTAINER_SPEC', path, message);
  const root = new JsonMember(parseJson(text, refuse), refuse);
  if (root.value === undefined) throw root.error('expected an object');
  const process = root.at('process');
  const linux = root.at('linux');
  return {
    annotations: texts(root.at('annotations')),
    uid: id(process.at('user', 'uid')),
    noNewPrivileges: process.at('noNewPrivileges').boolean() ?? false,
    selinuxLabel: process.at('selinuxLabel').text() || undefined,
    capabilities: capabilitiesOf(process.at('capabilities')),
    namespaces: new Map(
      linux
        .at('namespaces')
        .list()
        .map((item) => [required(item.at('type')), item.at('path').text() || undefined]),
    ),
    uidMappings: linux
      .at('uidMappings')
      .list()
      .map((item) => ({
        containerId: id(item.at('containerID')) ?? 0,
        hostId: id(item.at('hostID')) ?? 0,
        size: id(item.at('size')) ?? 0,
      })),
    maskedPaths: linux.at('maskedPaths').texts(),
    readonlyPaths: linux.at('readonlyPaths').texts(),
    mounts: root.at('mounts').list().map(mountOf),
  };
}

function parseJson(text: string, refuse: (message: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the file, and its environment may hold secrets.
    throw refuse('the document: expected JSON');
  }
}

function capabilitiesOf(member: JsonMember): ContainerSpec['capabilities'] {
  const of = (set: CapabilitySet): readonly string[] => member.at(set).texts();
  return {
    bounding: of('bounding'),
    effective: of('effective'),
    permitted: of('permitted'),
    ambient: of('ambient'),
  };
}

function mountOf(member: JsonMember): SpecMount {
  return {
    destination: required(member.at('destination')),
    type: member.at('type').text(),
    source: member.at('source').text(),
    options: member.at('options').texts(),
  };
}

function texts(member: JsonMember): ReadonlyMap<string, string> {
  return new Map([...member.entries()].map(([name, value]) => [name, value.text() ?? '']));
}

function required(member: JsonMember): string {
  const text = member.text() ?? '';
  if (text === '') throw member.error('expected text');
  return text;
}

function id(member: JsonMember): number | undefined {
  const number = member.number();
  if (number === undefined || (Number.isSafeInteger(number) && number >= 0)) return number;
  throw member.error('expected a whole number, 0 or more');
}
