import * as v from 'valibot';
import { CodedError } from '../errors.ts';
import { CANDIDATE_LIMITS, type CandidateFile, type SimulationCandidate } from '../simulation.ts';
import { PolicyError, parsePolicy } from '../trust/policy.ts';
import { policyWarnings } from '../trust/policy-lint.ts';
import type { Policy } from '../trust/policy-types.ts';
import { parseRegistriesD, type RegistriesD } from '../trust/registries-d.ts';
import { RegistriesDError } from '../trust/registries-d-file.ts';

/** A candidate that no node is asked about: it is none, is too large, or the node's own tools would not take it. */
export class CandidateError extends CodedError<'ERR_CANDIDATE'> {
  /** File, and where there is one the place in it: `new-policy.json:3:5`. */
  readonly place: string;
  /** What is wrong there. */
  readonly what: string;
  constructor(place: string, what: string, options?: ErrorOptions) {
    super('ERR_CANDIDATE', `${place}: ${what}`, options);
    this.place = place;
    this.what = what;
  }
}

/** What the parts of a candidate are called in errors, by where they come from. */
export interface CandidateNames {
  readonly policy: string;
  /** Put before the name of a file of registries.d. */
  readonly folder: string;
}

/** A candidate that containers/image would take. */
export interface CheckedCandidate {
  readonly candidate: SimulationCandidate;
  readonly policy: Policy;
  /** Absent when every node keeps its own. */
  readonly registriesD?: RegistriesD;
  /** What is accepted and can hardly be meant. */
  readonly warnings: readonly string[];
}

const IN_COMMAND: CandidateNames = { policy: 'policy', folder: 'registriesD/' };

const shape = v.strictObject({
  policy: v.string(),
  policyMode: v.optional(v.picklist(['replace', 'add']), 'replace'),
  registriesD: v.optional(
    v.pipe(
      v.array(v.strictObject({ name: v.string(), text: v.string() })),
      v.maxLength(CANDIDATE_LIMITS.files),
    ),
  ),
  registriesDMode: v.optional(v.picklist(['replace', 'add']), 'replace'),
});

/** A candidate as it comes over a network. Throws `CandidateError`. */
export function readCandidate(
  value: unknown,
  names: CandidateNames = IN_COMMAND,
): CheckedCandidate {
  const parsed = v.safeParse(shape, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new CandidateError(v.getDotPath(issue) ?? 'candidate', issue.message.slice(0, 200));
  }
  const { registriesD, ...rest } = parsed.output;
  const candidate = registriesD === undefined ? rest : { ...rest, registriesD };
  return checkCandidate(candidate, names);
}

/** Reads it as the tools of a node would. Throws `CandidateError` for the first thing they would stumble over. */
export function checkCandidate(
  candidate: SimulationCandidate,
  names: CandidateNames,
): CheckedCandidate {
  const { policy: text, registriesD: files } = candidate;
  refuseSize(candidate, names);
  const policy = readPolicy(text, names.policy);
  const registriesD = files === undefined ? undefined : readFiles(files, names.folder);
  return {
    candidate,
    policy,
    ...(registriesD === undefined ? {} : { registriesD }),
    warnings: [
      ...policyWarnings(policy).map(({ path, message }) => `${names.policy}: ${path}: ${message}`),
      ...(registriesD?.warnings ?? []).map(({ file, path, message }) => {
        return [`${names.folder}${file}`, path, message].filter(Boolean).join(': ');
      }),
    ],
  };
}

function refuseSize(
  { policy, registriesD = [] }: SimulationCandidate,
  names: CandidateNames,
): void {
  const texts = [policy, ...registriesD.map(({ text }) => text)];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > CANDIDATE_LIMITS.bytes) {
    const most = `expected at most ${CANDIDATE_LIMITS.bytes}`;
    throw new CandidateError(names.policy, `${bytes} bytes with registries.d, ${most}`);
  }
  if (registriesD.length > CANDIDATE_LIMITS.files) {
    const most = `expected at most ${CANDIDATE_LIMITS.files}`;
    throw new CandidateError(names.folder, `${registriesD.length} files, ${most}`);
  }
  const seen = new Set<string>();
  for (const { name } of registriesD) {
    const isName = /^[^/\0]+$/.test(name) && name !== '.' && name !== '..';
    if (!isName || Buffer.byteLength(name) > CANDIDATE_LIMITS.name) {
      throw new CandidateError(
        names.folder,
        `${JSON.stringify(name.slice(0, 80))}: expected a file name`,
      );
    }
    if (seen.has(name)) throw new CandidateError(`${names.folder}${name}`, 'is there twice');
    seen.add(name);
  }
}

function readPolicy(text: string, name: string): Policy {
  try {
    return parsePolicy(text);
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause;
    throw new CandidateError(`${name}:${cause.line}:${cause.column}`, cause.message, { cause });
  }
}

function readFiles(files: readonly CandidateFile[], folder: string): RegistriesD {
  try {
    return parseRegistriesD(new Map(files.map(({ name, text }) => [name, text])));
  } catch (cause) {
    if (!(cause instanceof RegistriesDError)) throw cause;
    const { file, line, column, message } = cause;
    const place = [`${folder}${file}`, line, column].filter((part) => part !== undefined);
    // The message begins with the file.
    throw new CandidateError(place.join(':'), message.replace(`${file}: `, ''), { cause });
  }
}
