import { BUILT_INS, builtInCandidate } from '../../shared/simulation/built-in.ts';
import { readButaneCandidate } from '../../shared/simulation/butane.ts';
import {
  CandidateError,
  type CheckedCandidate,
  checkCandidate,
} from '../../shared/simulation/candidate.ts';
import { readMachineConfigCandidate } from '../../shared/simulation/machine-config.ts';
import { textOf } from '../../shared/simulation/written-files.ts';
import type { Form } from './forms.ts';

/** What a candidate may be given as, and how that is called. */
export const CANDIDATE_KINDS: ReadonlyMap<string, string> = new Map([
  ['policy', 'policy.json, with or without files of registries.d'],
  ['machine-config', 'MachineConfig that writes /etc/containers/policy.json'],
  ['butane', 'Butane file that writes it'],
  ...BUILT_INS.map((name) => [name, `ClusterImagePolicy of ${name}`] as const),
]);

/** The candidate that somebody chose as a file, or wrote. Throws `CandidateError`. */
export function candidateOf({ fields, files }: Form): CheckedCandidate {
  const kind = fields.get('kind') ?? 'policy';
  const builtIn = BUILT_INS.find((name) => name === kind);
  if (builtIn !== undefined) return builtInCandidate(builtIn);
  const { name, text } = mainFile({ fields, files }, kind);
  if (kind === 'machine-config') return readMachineConfigCandidate(name, text);
  if (kind === 'butane') return readButaneCandidate(name, text);
  const registriesD = files.get('registriesD')?.map((file) => {
    return { name: file.name, text: textOf(file.name, file.bytes) };
  });
  return checkCandidate(
    {
      policy: text,
      policyMode: 'replace',
      registriesDMode: 'replace',
      ...(registriesD === undefined ? {} : { registriesD }),
    },
    { policy: name, folder: 'registries.d/' },
  );
}

function mainFile(
  { fields, files }: Form,
  kind: string,
): { readonly name: string; readonly text: string } {
  if (!CANDIDATE_KINDS.has(kind)) throw new CandidateError('kind', 'expected one of the list');
  const [file] = files.get('file') ?? [];
  if (file !== undefined) return { name: file.name, text: textOf(file.name, file.bytes) };
  const text = fields.get('text') ?? '';
  if (text.trim() === '') throw new CandidateError('file', 'expected a file, or its text');
  return { name: 'the text', text };
}
