import { sha256 } from '../../shared/canonical.ts';
import { type FileError, isFileError } from '../check.ts';
import type { Host } from '../host.ts';
import type { Baseline } from './baseline.ts';
import { type MachineConfig, readMachineConfig } from './machine-config.ts';

/** What a file should be, and who says so. */
export interface DesiredFile {
  readonly source: 'machine-config' | 'baseline';
  /** Name of the MachineConfig, or who accepted the baseline when. */
  readonly name: string;
  /** `sha256:…` of the content. */
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
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
  try {
    return stateOf(await readMachineConfig(host), baseline);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return {
      machineConfig: undefined,
      problem: error,
      isKnown: false,
      paths: [],
      file: () => {
        throw error;
      },
    };
  }
}

function stateOf(
  machineConfig: MachineConfig | undefined,
  baseline: Baseline | undefined,
): DesiredState {
  const paths = new Set([
    ...(machineConfig?.files.keys() ?? []),
    ...Object.keys(baseline?.files ?? {}),
  ]);
  return {
    machineConfig,
    problem: undefined,
    isKnown: machineConfig !== undefined || baseline !== undefined,
    paths: [...paths].sort(),
    file: (path) => fromMachineConfig(machineConfig, path) ?? fromBaseline(baseline, path),
  };
}

function fromMachineConfig(
  config: MachineConfig | undefined,
  path: string,
): DesiredFile | undefined {
  const file = config?.files.get(path);
  if (config === undefined || file === undefined) return undefined;
  const bytes = file.read();
  return {
    source: 'machine-config',
    name: config.name,
    sha256: sha256(bytes),
    mode: file.mode,
    bytes,
  };
}

function fromBaseline(baseline: Baseline | undefined, path: string): DesiredFile | undefined {
  if (baseline === undefined || !Object.hasOwn(baseline.files, path)) return undefined;
  const file = baseline.files[path];
  if (file === undefined) return undefined;
  const name = `baseline accepted by ${baseline.acceptedBy} at ${baseline.acceptedAt}`;
  return { source: 'baseline', name, ...file };
}
