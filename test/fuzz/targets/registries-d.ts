import { parseReference } from '../../../shared/trust/reference.ts';
import {
  lookupRegistriesD,
  parseRegistriesD,
  signatureUrl,
} from '../../../shared/trust/registries-d.ts';
import { RegistriesDError } from '../../../shared/trust/registries-d-file.ts';
import { tableInputs } from '../cases.ts';
import type { FuzzTarget } from '../target.ts';

const OWN = [
  'default-docker:\n  lookaside: file:///var/lib/x\n  use-sigstore-attachments: true\n',
  'docker:\n  quay.io/a: &a {lookaside: "https://h/p", lookaside-staging: file:///s}\n  "*.io":\n    <<: *a\n    use-sigstore-attachments: yes\n',
];
const REFERENCES = ['quay.io/a/b:1', 'example.com/r:t', 'busybox'].map(parseReference);
/** The YAML library reads hardly a megabyte a second; files of this folder have some hundred bytes, and root writes them. */
const MAX_FILE_BYTES = 30_000;
const DIGEST = `sha256:${'0'.repeat(64)}`;

/** registries.d: a folder is refused with its own error, or every image gets an address and an answer. */
export const registriesD: FuzzTarget = {
  name: 'registries-d',
  prepare: async (conformance) => {
    const cases = await tableInputs<{ readonly files?: Readonly<Record<string, string>> }>(
      conformance,
      'registries-d',
    );
    const texts = [...OWN, ...cases.flatMap(({ input }) => Object.values(input.files ?? {}))];
    return { corpus: texts.map((text) => Buffer.from(text)), check, maxInputBytes: MAX_FILE_BYTES };
  },
};

function check(input: Uint8Array): string | undefined {
  const config = orRefusal(() => parseRegistriesD(new Map([['a.yaml', input]])));
  if (config === undefined) return undefined;
  for (const reference of REFERENCES) {
    const found = orRefusal(() => lookupRegistriesD(config, reference));
    if (found === undefined) continue;
    const isUsual = /^(?:https?|file):\/\//.test(found.lookaside.base); // others have no path to add to
    const url = signatureUrl(found.lookaside.base, reference, DIGEST, 0);
    if (isUsual && url?.includes(`@sha256=${'0'.repeat(64)}/signature-1`) !== true)
      return `address ${url}`;
    if (typeof found.useSigstoreAttachments !== 'boolean') return 'no answer on attachments';
  }
  return undefined;
}

function orRefusal<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof RegistriesDError) return undefined;
    throw error;
  }
}
