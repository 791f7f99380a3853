import * as v from 'valibot';
import { isFileError } from '../check.ts';
import { readMachineConfig } from '../desired/machine-config.ts';
import type { Host } from '../host.ts';
import type { EventDraft } from '../spool.ts';

/** The MachineConfig of the last look. */
export interface SeenMachineConfig {
  readonly name: string;
  /** Of its spec. */
  readonly digest: string;
  /** Its content is another than it was under the same name, which no operator ever does: somebody edited the file. */
  readonly isAltered: boolean;
}

export const seenMachineConfigSchema: v.GenericSchema<SeenMachineConfig> = v.strictObject({
  name: v.string(),
  digest: v.string(),
  isAltered: v.boolean(),
});

/** What is there now, by what was there before; what it was before where there is none, or none that can be used. */
export async function seeMachineConfig(
  host: Host,
  was: SeenMachineConfig | undefined,
): Promise<SeenMachineConfig | undefined> {
  try {
    const config = await readMachineConfig(host);
    if (config === undefined) return was;
    const { name } = config;
    const digest = config.digest();
    const isSameName = was?.name === name;
    const isAltered = isSameName && (was.isAltered || was.digest !== digest);
    return { name, digest, isAltered };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return was;
  }
}

/** The event of a MachineConfig that was rolled out, or altered; undefined for the first one, and for the same. */
export function machineConfigEvent(
  was: SeenMachineConfig | undefined,
  now: SeenMachineConfig | undefined,
): EventDraft | undefined {
  if (was === undefined || now === undefined || was.digest === now.digest) return undefined;
  return {
    kind: 'machine-config.changed',
    class: now.isAltered ? 'high' : 'low',
    data: { was: was.name, now: now.name, altered: now.isAltered },
  };
}
