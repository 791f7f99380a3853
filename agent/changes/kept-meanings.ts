import * as v from 'valibot';
import { readRegular } from '../../shared/read-file.ts';
import { replaceFile } from '../replace-file.ts';
import { type Meaning, meaningSchema } from './meaning.ts';
import { type SeenMachineConfig, seenMachineConfigSchema } from './seen-machine-config.ts';

/** What a file was when it was last looked at. */
export interface KeptMeaning {
  /** Of the content it is the meaning of. */
  readonly sha256: string;
  readonly meaning: Meaning;
}

/** What is kept across restarts, so that a change made while the agent was not running is explained too. */
export interface Kept {
  /** The deployment that was booted at the last look. */
  readonly deployment?: string;
  readonly machineConfig?: SeenMachineConfig;
  readonly files: ReadonlyMap<string, KeptMeaning>;
}

const schema = v.strictObject({
  format: v.literal(1),
  deployment: v.exactOptional(v.string()),
  machineConfig: v.exactOptional(seenMachineConfigSchema),
  files: v.array(
    v.tuple([v.string(), v.strictObject({ sha256: v.string(), meaning: meaningSchema })]),
  ),
});

/** Far more than a node's files say. */
const LIMIT_BYTES = 67_108_864;

/** Nothing when nothing is kept, or nothing that can be used: then the next changes are told without what they mean. */
export async function recallMeanings(path: string): Promise<Kept> {
  try {
    const text = (await readRegular(path, LIMIT_BYTES)).toString();
    const parsed = v.safeParse(schema, JSON.parse(text));
    if (!parsed.success) return { files: new Map() };
    const { format: _, files, ...others } = parsed.output;
    return { ...others, files: new Map(files) };
  } catch {
    return { files: new Map() };
  }
}

/** Replaces what is kept, whole or not at all (mode 0600: policies of the node are in it). Rejects when it cannot. */
export async function keepMeanings(path: string, { files, ...others }: Kept): Promise<void> {
  await replaceFile(path, JSON.stringify({ format: 1, ...others, files: [...files] }));
}
