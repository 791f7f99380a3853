import { type FileError, isFileError } from '../check.ts';
import type { Host } from '../host.ts';
import type { Baseline } from './baseline.ts';
import { type MachineConfig, readMachineConfig } from './machine-config.ts';
import { type Owners, readOwners } from './owners.ts';
import { type UpdateSign, updateUnderWay } from './update-sign.ts';

/** What a file should be, and who says so. */
export interface DesiredFile {
  readonly source: 'machine-config' | 'baseline';
  /** Name of the MachineConfig, or who accepted the baseline when. */
  readonly name: string;
  /** `sha256:…` of the content. */
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
  /** Ids as seen from here; absent where nobody says, or the name that is said has none here. */
  readonly uid?: number;
  readonly gid?: number;
  /** Its absence is as good. */
  readonly isOptional?: true;
  /** The content, where the source has it. It may hold secrets and never leaves the node. */
  readonly bytes?: Buffer;
}

/** What the node should be: the MachineConfig it was given, else what a person accepted. */
export interface DesiredState {
  readonly machineConfig: MachineConfig | undefined;
  /** Why a MachineConfig that is there cannot be used; then nobody knows what is desired. */
  readonly problem: FileError | undefined;
  /** True when something says which files there should be. */
  readonly isKnown: boolean;
  /** True when a person accepted a state of this node. */
  readonly hasBaseline: boolean;
  /** Sign of an update that is under way: what differs may be in the middle of being made equal. */
  readonly update: UpdateSign | undefined;
  /** Every path somebody manages, sorted by code unit. */
  readonly paths: readonly string[];
  /**
   * What the file should be; undefined when nobody manages it. Throws `problem`, or `MachineConfigError` when the
   * content of this file does not decode.
   */
  file(path: string): DesiredFile | undefined;
}

/** The desired state of this node. Never throws for a state of the node. */
export async function desiredState(
  host: Host,
  baseline: Baseline | undefined,
): Promise<DesiredState> {
  const update = await updateUnderWay(host);
  try {
    const machineConfig = await readMachineConfig(host);
    const owners = await ownersOf(host, machineConfig);
    const paths = new Set([
      ...(machineConfig?.files.keys() ?? []),
      ...Object.keys(baseline?.files ?? {}),
    ]);
    return {
      machineConfig,
      problem: undefined,
      isKnown: machineConfig !== undefined || baseline !== undefined,
      hasBaseline: baseline !== undefined,
      update,
      paths: [...paths].sort(),
      file: (path) =>
        fromMachineConfig(machineConfig, owners, path) ?? fromBaseline(baseline, path),
    };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return {
      machineConfig: undefined,
      problem: error,
      isKnown: false,
      hasBaseline: baseline !== undefined,
      update,
      paths: [],
      file: () => {
        throw error;
      },
    };
  }
}

async function ownersOf(host: Host, config: MachineConfig | undefined): Promise<Owners> {
  const files = [...(config?.files.values() ?? [])];
  return await readOwners(host, {
    users: files.flatMap(({ user }) => (typeof user === 'string' ? [user] : [])),
    groups: files.flatMap(({ group }) => (typeof group === 'string' ? [group] : [])),
  });
}

function fromMachineConfig(
  config: MachineConfig | undefined,
  owners: Owners,
  path: string,
): DesiredFile | undefined {
  const file = config?.files.get(path);
  if (config === undefined || file === undefined) return undefined;
  const [uid, gid] = [owners.uid(file.user ?? 0), owners.gid(file.group ?? 0)];
  return {
    source: 'machine-config',
    name: config.name,
    sha256: file.digest(),
    mode: file.mode,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(file.isOptional === true ? { isOptional: true } : {}),
    get bytes(): Buffer {
      return file.read();
    },
  };
}

function fromBaseline(baseline: Baseline | undefined, path: string): DesiredFile | undefined {
  if (baseline === undefined || !Object.hasOwn(baseline.files, path)) return undefined;
  const file = baseline.files[path];
  if (file === undefined) return undefined;
  const name = `baseline accepted by ${baseline.acceptedBy} at ${baseline.acceptedAt}`;
  return { source: 'baseline', name, ...file };
}
