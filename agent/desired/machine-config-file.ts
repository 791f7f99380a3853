import { sha256 } from '../../shared/canonical.ts';

/** What a file gets when nothing is said: of the daemon, and of Ignition itself. */
export const DEFAULT_MODE = 0o644;

/** An id, or a name that the node's own passwd or group knows. */
export type MachineConfigOwner = number | string;

/** A file as a MachineConfig wants it. */
export interface MachineConfigFile {
  /** Permission bits. */
  readonly mode: number;
  /** Absent for root. */
  readonly user?: MachineConfigOwner;
  /** Absent for root. */
  readonly group?: MachineConfigOwner;
  /** Its absence is as good: the daemon removes a drop-in without contents, but leaves an empty one that is there. */
  readonly isOptional?: true;
  /** Decodes the content; throws `MachineConfigError` when it does not decode. */
  read(): Buffer;
  /** `sha256:…` of the content, decoded once; throws as `read`. */
  digest(): string;
}

export type FileEntry = readonly [path: string, file: MachineConfigFile];

/** Both ways to ask for a content. */
export function contentsBy(read: () => Buffer): Pick<MachineConfigFile, 'read' | 'digest'> {
  return { read, ...digestBy(read) };
}

/** A digest that is made at the first question, and again when that failed. */
export function digestBy(read: () => string | Buffer): Pick<MachineConfigFile, 'digest'> {
  let known: string | undefined;
  return {
    digest: () => {
      known ??= sha256(read());
      return known;
    },
  };
}
