import { isUtf8 } from 'node:buffer';
import { CandidateError, type CheckedCandidate, checkCandidate } from './candidate.ts';

export const POLICY_PATH = '/etc/containers/policy.json';
export const REGISTRIES_D_PATH = '/etc/containers/registries.d';

/** A file that a configuration writes on a node. */
export interface WantedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** True for a file that is part of a candidate by where it lies. */
export function isCandidatePath(path: string): boolean {
  return path === POLICY_PATH || path.startsWith(`${REGISTRIES_D_PATH}/`);
}

/** A candidate of the files that a configuration writes; it says nothing of others in registries.d, which stay. */
export function candidateFromFiles(name: string, files: readonly WantedFile[]): CheckedCandidate {
  const policy = files.find(({ path }) => path === POLICY_PATH);
  if (policy === undefined) throw new CandidateError(name, `writes no ${POLICY_PATH}`);
  const registriesD = files.flatMap(({ path, bytes }) =>
    path === POLICY_PATH
      ? []
      : [
          {
            name: path.slice(REGISTRIES_D_PATH.length + 1),
            text: textOf(`${name}: ${path}`, bytes),
          },
        ],
  );
  return checkCandidate(
    {
      policy: textOf(`${name}: ${POLICY_PATH}`, policy.bytes),
      policyMode: 'replace',
      ...(registriesD.length === 0 ? {} : { registriesD }),
      registriesDMode: 'add',
    },
    { policy: `${name}: ${POLICY_PATH}`, folder: `${name}: ${REGISTRIES_D_PATH}/` },
  );
}

/** Text of a file, as candidates travel. Throws `CandidateError` for what is none. */
export function textOf(place: string, bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new CandidateError(place, 'expected UTF-8 text');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
