import { API_VERSION } from '../../shared/api.ts';
import { sha256 } from '../../shared/canonical.ts';
import {
  diffPolicies,
  type PolicyChange,
  type TrustConfiguration,
} from '../../shared/trust/policy-diff.ts';
import type { Command } from '../command.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { readInput } from '../files.ts';
import type { Io } from '../io.ts';
import { outputOption } from '../options.ts';
import { changeLines } from '../output/change.ts';
import { type Style, styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { parsePolicyInput, readRegistriesDFolder } from '../policy-files.ts';

interface PolicyDiff {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'PolicyDiff';
  readonly changes: readonly PolicyChange[];
  /** Of the files themselves: equal meaning need not be equal text. */
  readonly bytes: { readonly equal: boolean; readonly old: string; readonly new: string };
}

export const policyDiff: Command = {
  description: `Says what changes from one policy.json to another by what it means, not by its text: for each scope whether images
that were refused may now be accepted (weakened), the other way round (strengthened), or neither (neutral).

Exit code 0: they mean the same. 1: something changes. 7: one of them is not valid.`,
  arguments: [
    { name: 'OLD', description: 'the policy.json before, - for standard input', required: true },
    { name: 'NEW', description: 'the policy.json after, - for standard input', required: true },
  ],
  options: [
    { flags: '--old-registries-d <dir>', description: 'registries.d that goes with the old one' },
    { flags: '--new-registries-d <dir>', description: 'registries.d that goes with the new one' },
    outputOption(DOCUMENT_FORMATS),
  ],
  examples: [
    {
      line: 'nodeseal policy diff /etc/containers/policy.json new-policy.json',
      meaning: 'does the new one let something through',
    },
    {
      line: 'nodeseal policy diff -o json old.json new.json | jq -e \'all(.changes[]; .effect != "weakened")\'',
      meaning: 'a gate for a pipeline: no change may weaken',
    },
  ],
  async run(invocation, io) {
    const [old = '', now = ''] = invocation.positional;
    if (old === '-' && now === '-') throw usageError('only one of the policies can be read from -');
    const [oldBytes, newBytes] = [
      await readInput(old, 'policy', io),
      await readInput(now, 'policy', io),
    ];
    const changes = diffPolicies(
      await configuration(old, oldBytes, invocation.value('old-registries-d'), io),
      await configuration(now, newBytes, invocation.value('new-registries-d'), io),
    );
    const answer: PolicyDiff = {
      apiVersion: API_VERSION,
      kind: 'PolicyDiff',
      changes,
      bytes: { equal: oldBytes.equals(newBytes), old: sha256(oldBytes), new: sha256(newBytes) },
    };
    const style = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(answer, invocation.value('output'), () => peopleText(answer, style)),
    );
    return changes.length === 0 ? EXIT.clean : EXIT.findings;
  },
};

async function configuration(
  file: string,
  bytes: Uint8Array,
  folder: string | undefined,
  io: Io,
): Promise<TrustConfiguration> {
  const policy = parsePolicyInput(file, bytes);
  if (folder === undefined) return { policy };
  return { policy, registriesD: await readRegistriesDFolder(folder, io) };
}

function peopleText({ changes, bytes }: PolicyDiff, style: Style): string {
  const lines = [...changeLines(changes, style)];
  if (changes.length === 0) lines.push('no change in meaning');
  lines.push(bytes.equal ? 'bytes: equal' : `bytes: ${bytes.old} -> ${bytes.new}`);
  return lines.map((line) => `${line}\n`).join('');
}
