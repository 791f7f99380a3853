import { isDeepStrictEqual } from 'node:util';
import { PolicyError, parsePolicy } from '../../../shared/trust/policy.ts';
import { diffPolicies } from '../../../shared/trust/policy-diff.ts';
import type { Policy } from '../../../shared/trust/policy-types.ts';
import { findScope } from '../../../shared/trust/scope.ts';
import { decodeUtf8 } from '../../../shared/trust/utf8.ts';
import { tableInputs } from '../cases.ts';
import type { FuzzTarget } from '../target.ts';

const OWN = [
  '{"default":[{"type":"insecureAcceptAnything"}]}',
  '{"default":[{"type":"reject"}],"transports":{"docker":{"*.io":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k"}],"quay.io/a:1":[{"type":"sigstoreSigned","keyData":"AAAA","signedIdentity":{"type":"remapIdentity","prefix":"a.io","signedPrefix":"b.io"}}]},"dir":{"/srv":[{"type":"reject"}]}}}',
  '{"default":[{"type":"sigstoreSigned","fulcio":{"caData":"AA==","oidcIssuer":"i","subjectEmail":"e"},"rekorPublicKeyDatas":["AA=="]},{"type":"sigstoreSigned","pki":{"caRootsPath":"/r","subjectHostname":"h"}}]}',
  '{"default":[{"type":"signedBaseLayer","baseLayerIdentity":{"type":"exactReference","dockerReference":"a:b"}}]}',
];

/** The strict policy reader: what it accepts is JSON, means the same when written again, and differs in nothing from itself. */
export const policy: FuzzTarget = {
  name: 'policy',
  prepare: async (conformance) => {
    const cases = await tableInputs<{ readonly policyText: string }>(conformance, 'policy-parse');
    const texts = [...OWN, ...cases.map(({ input }) => input.policyText)];
    return { corpus: texts.map((text) => Buffer.from(text)), check };
  },
};

function check(input: Uint8Array): string | undefined {
  const parsed = parseOrRefuse(input);
  if (parsed === undefined) return undefined;
  try {
    JSON.parse(decodeUtf8(input));
  } catch {
    return 'accepted what is no JSON';
  }
  if (!isDeepStrictEqual(parsePolicy(written(parsed)), parsed))
    return 'means another thing when written again';
  if (diffPolicies({ policy: parsed }, { policy: parsed }).length > 0) return 'differs from itself';
  const { requirements } = findScope(parsed, 'docker', 'quay.io/a/b:1');
  return requirements.length === 0 ? 'an empty list of requirements speaks' : undefined;
}

function parseOrRefuse(input: Uint8Array): Policy | undefined {
  try {
    return parsePolicy(input);
  } catch (error) {
    if (error instanceof PolicyError && error.line >= 1 && error.column >= 1) return undefined;
    throw error;
  }
}

function written({ default: fallback, transports }: Policy): string {
  const all = [...transports].map(([name, scopes]) => [name, Object.fromEntries(scopes)]);
  return JSON.stringify({ default: fallback, transports: Object.fromEntries(all) });
}
