import { parseDigest } from '../../../shared/trust/digest.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import {
  parseSignedPayload,
  parseSigstorePayload,
  type SignedClaims,
} from '../../../shared/trust/signature-payload.ts';
import { decodeUtf8 } from '../../../shared/trust/utf8.ts';
import { MANIFEST, payloadOf, REFERENCE } from '../../support/sigstore.ts';
import { simplePayload } from '../../support/simple-signing.ts';
import { tableInputs } from '../cases.ts';
import type { FuzzTarget } from '../target.ts';

const READERS = [
  ['atomic container signature', parseSignedPayload],
  ['cosign container image signature', parseSigstorePayload],
] as const;

/** The signed document: what the strict reader takes from it is what any reader of JSON finds there. */
export const payload: FuzzTarget = {
  name: 'payload',
  prepare: async (conformance) => {
    const cases = await tableInputs<{ readonly payloadText: string }>(
      conformance,
      'signature-payload',
    );
    return {
      corpus: [
        payloadOf({ optional: { creator: 'x', timestamp: 1_700_000_000, more: [] } }),
        simplePayload(MANIFEST, REFERENCE),
        ...cases.map(({ input }) => Buffer.from(input.payloadText)),
      ],
      check: (input) => {
        for (const [type, read] of READERS) {
          const claims = orRefusal(() => read(input));
          const wrong = claims && compare(input, type, claims);
          if (wrong !== undefined) return wrong;
        }
        return undefined;
      },
    };
  },
};

interface Loose {
  readonly critical?: {
    readonly type?: unknown;
    readonly image?: Readonly<Record<string, unknown>>;
    readonly identity?: Readonly<Record<string, unknown>>;
  };
  readonly optional?: Readonly<Record<string, unknown>> | null;
}

function compare(input: Uint8Array, type: string, claims: SignedClaims): string | undefined {
  // of a document that the strict reader accepted; if it is of another shape, the comparison says so
  const found = JSON.parse(decodeUtf8(input).toWellFormed()) as Loose;
  const { critical, optional } = found;
  const names = [found, critical, critical?.image, critical?.identity].map((it) =>
    Object.keys(it ?? {})
      .sort()
      .join(),
  );
  if (
    names.join(' ') !==
    'critical,optional identity,image,type docker-manifest-digest docker-reference'
  ) {
    return `members ${names.join(' ')}`;
  }
  if (critical?.type !== type) return 'another type';
  if (parseDigest(claims.digest) === undefined) return 'a digest that is none';
  const reference = critical.identity?.['docker-reference'];
  const isSame =
    critical.image?.['docker-manifest-digest'] === claims.digest &&
    (typeof reference === 'string' ? reference.toWellFormed() : '') === claims.reference &&
    (claims.timestamp ?? 0) === (optional?.['timestamp'] ?? 0);
  return isSame ? undefined : 'other values than those in the document';
}

function orRefusal(attempt: () => SignedClaims): SignedClaims | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof SignatureError && error.code === 'payload-invalid') return undefined;
    throw error;
  }
}
