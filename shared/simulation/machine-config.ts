import * as v from 'valibot';
import { ConfigError, parseConfig } from '../config.ts';
import { IgnitionContentError, ignitionContent } from '../ignition/content.ts';
import { CandidateError, type CheckedCandidate } from './candidate.ts';
import { candidateFromFiles, isCandidatePath, type WantedFile } from './written-files.ts';

const contents = v.nullish(
  v.looseObject({ source: v.nullish(v.string()), compression: v.nullish(v.string()) }),
);
const file = v.looseObject({ path: v.string(), contents, append: v.optional(v.unknown()) });
const VERSION = /^(2\.2|3\.[0-5])\./;
const VERSIONS = 'expected Ignition 2.2 or 3.0 to 3.5';
const machineConfig = v.looseObject({
  kind: v.literal('MachineConfig'),
  spec: v.looseObject({
    config: v.looseObject({
      ignition: v.looseObject({ version: v.pipe(v.string(), v.regex(VERSION, VERSIONS)) }),
      storage: v.nullish(v.looseObject({ files: v.nullish(v.array(file)) })),
    }),
  }),
});

/**
 * The candidate that a MachineConfig (YAML or JSON) contains: /etc/containers/policy.json, and files of registries.d, which
 * are put beside those a node has. `name` is what the file is called in errors. Throws `CandidateError`.
 */
export function readMachineConfigCandidate(name: string, text: string): CheckedCandidate {
  const { spec } = parsed(name, text, machineConfig);
  const wanted = new Map<string, WantedFile>();
  for (const { path, contents, append } of spec.config.storage?.files ?? []) {
    if (!isCandidatePath(path)) continue;
    const place = `${name}: ${path}`;
    if (append !== undefined && append !== null && append !== false) {
      throw new CandidateError(place, 'append: no machine-config-operator appends');
    }
    // Of two entries for one path the later one wins, as Ignition 2 has it.
    wanted.set(path, { path, bytes: contentAt(place, contents?.source, contents?.compression) });
  }
  return candidateFromFiles(name, [...wanted.values()]);
}

/** One YAML or JSON document of this shape. Throws `CandidateError`. */
export function parsed<T>(name: string, text: string, schema: v.GenericSchema<unknown, T>): T {
  try {
    return parseConfig(text, name, schema);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const [first = ''] = cause.message.split('\n');
    const [, place = name, what = first] = /^(.*?(?::\d+:\d+)?): (.*)$/s.exec(first) ?? [];
    throw new CandidateError(place, what, { cause });
  }
}

/** Throws `CandidateError` for what is not written in the file itself. */
export function contentAt(
  place: string,
  source: string | null | undefined,
  compression: string | null | undefined,
): Uint8Array {
  try {
    return ignitionContent(source || 'data:,', compression ?? '');
  } catch (cause) {
    if (!(cause instanceof IgnitionContentError)) throw cause;
    throw new CandidateError(place, `contents: ${cause.message}`, { cause });
  }
}
