import { isDeepStrictEqual } from 'node:util';
import { matchesIdentity } from '../../../shared/trust/identity.ts';
import { parseImageName } from '../../../shared/trust/image-name.ts';
import {
  ImageReferenceError,
  isNameOnly,
  parseReference,
  referenceText,
  tryParseReference,
} from '../../../shared/trust/reference.ts';
import { scopeCandidates } from '../../../shared/trust/scope-candidates.ts';
import { tableInputs } from '../cases.ts';
import type { FuzzTarget } from '../target.ts';

const hex = '0123456789abcdef'.repeat(4);
const OWN = [
  ...[
    'busybox',
    'quay.io/ns/repo:v1',
    'localhost/x',
    'h:5000/a/b_c--d.e:T_-.9',
    `a.b/c@sha256:${hex}`,
  ],
  ...[
    `[overlay@/var/lib/s+/run]quay.io/x:1@${hex}`,
    'containers-storage:[o@/s]x',
    'docker://a.b/c',
    'oci:/a/b:c',
  ],
];
const TRANSPORTS = [
  'docker',
  'atomic',
  'docker-daemon',
  'dir',
  'oci',
  'docker-archive',
  'containers-storage',
];

/** References: a normal form is its own normal form, matches itself, and has scopes; all else is refused by name. */
export const reference: FuzzTarget = {
  name: 'reference',
  prepare: async (conformance) => {
    const cases = await tableInputs<{ readonly reference: string }>(
      conformance,
      'reference-normalisation',
    );
    const names = await tableInputs<{ readonly signed: string }>(conformance, 'identity-match');
    const texts = [
      ...OWN,
      ...cases.map(({ input }) => input.reference),
      ...names.map(({ input }) => input.signed),
    ];
    return { corpus: texts.map((text) => Buffer.from(text)), check };
  },
};

function check(input: Uint8Array): string | undefined {
  const text = Buffer.from(input).toString();
  for (const transport of TRANSPORTS) orRefusal(() => scopeCandidates(transport, text));
  orRefusal(() => parseImageName(text));
  const parsed = tryParseReference(text);
  if (parsed === undefined) {
    return orRefusal(() => parseReference(text)) === undefined
      ? undefined
      : 'two opinions on one text';
  }
  const normal = referenceText(parsed);
  if (!/^[\w./:@-]{1,500}$/.test(normal)) return `normal form ${JSON.stringify(normal)}`;
  const isOdd = parsed.domain === ''; // names whose first part only looks like a host do not read the same again
  if (!isOdd && !isDeepStrictEqual(tryParseReference(normal), parsed))
    return `${normal} is another again`;
  const isExact = matchesIdentity({ type: 'matchExact' }, text, text);
  if (isExact === isNameOnly(parsed)) return 'does not match itself as it should';
  if (matchesIdentity({ type: 'matchExact' }, text, `${normal}x`)) return 'matches something else';
  return undefined;
}

function orRefusal<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}
