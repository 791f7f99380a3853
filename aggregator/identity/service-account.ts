import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import * as v from 'valibot';
import { CodedError, messageOf } from '../../shared/errors.ts';

/** What a projected token must say, besides being signed by the cluster. */
export interface ServiceAccountRules {
  /** The cluster's issuer, as its discovery document names it. */
  readonly issuer: string;
  /** Private to this product: a token for another audience is none for us. */
  readonly audience: string;
  /** `namespace/name` of the one account agents run under. */
  readonly serviceAccount: string;
}

/** Who a verified token speaks for: only the claims of the credential, nothing of the payload. */
export interface ServiceAccountIdentity {
  /** Undefined on clusters before Kubernetes 1.30, which do not bind a token to its node. */
  readonly node: { readonly name: string; readonly uid: string } | undefined;
  readonly podUid: string;
  /** Milliseconds since 1970; authority ends here. */
  readonly expiresAtMs: number;
}

export type TokenErrorCode =
  | 'ERR_TOKEN_SIGNATURE'
  | 'ERR_TOKEN_UNKNOWN_KEY'
  | 'ERR_TOKEN_EXPIRED'
  | 'ERR_TOKEN_CLAIM'
  | 'ERR_TOKEN_NO_NODE'
  | 'ERR_TOKEN_SYNTAX';

/** A token that gives nobody an identity; the message never holds the token. */
export class TokenError extends CodedError<TokenErrorCode> {}

/** Asymmetric only: with a shared-secret algorithm the public key would do as the secret. */
const ALGORITHMS = ['RS256', 'ES256'];
const LEEWAY_SECONDS = 60;

/** `kubernetes.io` of a token bound to a pod; `node` is there from Kubernetes 1.30 (OpenShift 4.17) on, KEP-4193. */
const claimsSchema = v.object({
  exp: v.number(),
  'kubernetes.io': v.object({
    pod: v.object({ uid: v.pipe(v.string(), v.minLength(1)) }),
    node: v.optional(
      v.object({
        name: v.pipe(v.string(), v.minLength(1), v.maxLength(253)),
        uid: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
      }),
    ),
  }),
});

/**
 * Verifies a projected ServiceAccount token offline, against keys fetched before (RFC 7519, KEP-1205, KEP-4193).
 * Throws `TokenError`; `ERR_TOKEN_UNKNOWN_KEY` means the keys may have been rotated since they were fetched.
 */
export async function verifyServiceAccountToken(
  token: string,
  keys: JSONWebKeySet,
  rules: ServiceAccountRules,
  nowMs: number,
): Promise<ServiceAccountIdentity> {
  const payload = await verifyClaims(token, keys, rules, nowMs);
  const claims = v.safeParse(claimsSchema, payload);
  if (!claims.success) {
    const [issue] = claims.issues;
    throw new TokenError('ERR_TOKEN_CLAIM', `claim ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  }
  const { pod, node } = claims.output['kubernetes.io'];
  return { node, podUid: pod.uid, expiresAtMs: claims.output.exp * 1000 };
}

async function verifyClaims(
  token: string,
  keys: JSONWebKeySet,
  rules: ServiceAccountRules,
  nowMs: number,
): Promise<unknown> {
  const [namespace, name] = rules.serviceAccount.split('/');
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ALGORITHMS,
      issuer: rules.issuer,
      audience: rules.audience,
      subject: `system:serviceaccount:${namespace}:${name}`,
      requiredClaims: ['exp', 'iat'],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (cause) {
    throw new TokenError(codeOf(cause), messageOf(cause), { cause });
  }
}

function codeOf(cause: unknown): TokenErrorCode {
  if (cause instanceof errors.JWTExpired) return 'ERR_TOKEN_EXPIRED';
  if (cause instanceof errors.JWTClaimValidationFailed) return 'ERR_TOKEN_CLAIM';
  if (cause instanceof errors.JWKSNoMatchingKey) return 'ERR_TOKEN_UNKNOWN_KEY';
  if (cause instanceof errors.JWSSignatureVerificationFailed) return 'ERR_TOKEN_SIGNATURE';
  // Not a token at all, an algorithm we do not take, several keys that match: nothing that a wait would mend.
  return 'ERR_TOKEN_SYNTAX';
}
