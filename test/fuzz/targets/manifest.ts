import { sha256 } from '../../../shared/canonical.ts';
import {
  configDigest,
  guessManifestType,
  MANIFEST_TYPE,
  ManifestError,
  manifestDigest,
  manifestInstances,
} from '../../../shared/trust/manifest.ts';
import { MANIFEST } from '../../support/sigstore.ts';
import { tableFile, tableInputs } from '../cases.ts';
import type { FuzzTarget } from '../target.ts';

const OWN = [
  '{"schemaVersion":2,"manifests":[{"digest":"sha256:x","mediaType":"m","platform":{"os":"linux"}}]}',
  '{"schemaVersion":1,"signatures":[{"protected":"eyJmb3JtYXRMZW5ndGgiOjIwLCJmb3JtYXRUYWlsIjoiZlEifQ"}]}',
  '{"schemaVersion":1,"signatures":[]}',
];

/** A quarter of a megabyte, for each of four questions reads the manifest anew. */
const MAX_BYTES = 250_000;

/** Manifests: only a signed one of schema 1 has another digest than its bytes, and only a ManifestError is thrown. */
export const manifest: FuzzTarget = {
  name: 'manifest',
  prepare: async (conformance) => {
    const cases = await tableInputs<{ readonly manifest?: string; readonly text?: string }>(
      conformance,
      'manifest-digest',
    );
    const files = cases.map(async ({ input }) =>
      input.manifest === undefined
        ? Buffer.from(input.text ?? '')
        : await tableFile(conformance ?? '', input.manifest),
    );
    const corpus = [
      MANIFEST,
      ...OWN.map((text) => Buffer.from(text)),
      ...(await Promise.all(files)),
    ];
    return { corpus, check, maxInputBytes: MAX_BYTES };
  },
};

function check(input: Uint8Array): string | undefined {
  const type = guessManifestType(input);
  orRefusal(() => manifestInstances(input));
  orRefusal(() => configDigest(input));
  const digest = orRefusal(() => manifestDigest(input));
  if (digest === undefined) {
    return type === MANIFEST_TYPE.schema1Signed ? undefined : 'no digest';
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return `digest ${digest}`;
  if (type !== MANIFEST_TYPE.schema1Signed && digest !== sha256(input))
    return 'not the digest of its bytes';
  return undefined;
}

function orRefusal<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}
