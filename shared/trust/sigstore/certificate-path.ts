import type { Certificate } from './certificate.ts';
import { SUBJECT_ALT_NAME } from './extensions.ts';
import { allowsNames } from './name-constraints.ts';
import { verifies } from './public-key.ts';

/** What a leaf is to be proven with. */
export interface PathOptions {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  /** Moment at which every certificate of the path must be valid, in milliseconds since 1970. */
  readonly atMs: number;
  /** The leaf's own subjectAltName may be critical and hold only names that nobody compares (Fulcio). */
  readonly forgivesLeafNames?: boolean;
}

const ANY_USAGE = '2.5.29.37.0';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
/** crypto/x509 of Go gives up after as many signature checks. */
const MAX_SIGNATURE_CHECKS = 100;

/**
 * Why there is no path from the leaf to an anchor on which code may be signed; undefined when there is one. The rules
 * are those of Go's `Certificate.Verify`: names chain byte for byte, an anchor may be any certificate and must be
 * valid too, extended key usages nest, revocation is not looked at. One rule is our own: a path with
 * requireExplicitPolicy is refused, for certificate policies are not computed.
 */
export function refusePath(leaf: Certificate, options: PathOptions): string | undefined {
  const search = new PathSearch(options);
  const refusal = search.refuseLeaf(leaf);
  if (refusal !== undefined) return refusal;
  const isAnchor = options.anchors.some((anchor) => isSame(anchor.raw, leaf.raw));
  const isProven = isAnchor ? search.completes([leaf]) : search.extend([leaf]);
  return isProven ? undefined : search.nearest;
}

class PathSearch {
  readonly #options: PathOptions;
  readonly #identities = new Map<Certificate, string>();
  #signatureChecks = 0;
  /** What stopped the last candidate, for the message. */
  nearest = 'no configured CA certificate bears the name of its issuer';

  constructor(options: PathOptions) {
    this.#options = options;
  }

  refuseLeaf(leaf: Certificate): string | undefined {
    return this.#refuse(leaf, [], 'leaf');
  }

  /** Depth first, anchors before intermediates, until one path serves. */
  extend(path: readonly [Certificate, ...Certificate[]]): boolean {
    const child = path.at(-1) ?? path[0];
    for (const anchor of this.#options.anchors) {
      if (this.#isIssuer(anchor, child, path, 'anchor') && this.completes([...path, anchor])) {
        return true;
      }
    }
    for (const issuer of this.#options.intermediates) {
      if (this.#isIssuer(issuer, child, path, 'intermediate') && this.extend([...path, issuer])) {
        return true;
      }
    }
    return false;
  }

  completes(path: readonly Certificate[]): boolean {
    const serves = path.every(({ extensions }) => allowsCodeSigning(extensions.extendedKeyUsages));
    if (!serves) {
      this.nearest = 'its extended key usage is not code signing';
      return false;
    }
    const issued = path.length === 1 ? [] : path.slice(0, -1);
    if (issued.some(({ extensions }) => extensions.requiresExplicitPolicy)) {
      this.nearest = 'it needs certificate policies, which are not computed';
      return false;
    }
    return true;
  }

  #isIssuer(
    candidate: Certificate,
    child: Certificate,
    path: readonly Certificate[],
    role: 'anchor' | 'intermediate',
  ): boolean {
    if (!isSame(candidate.subject, child.issuer) || candidate.publicKey === undefined) return false;
    if (this.#signatureChecks >= MAX_SIGNATURE_CHECKS) {
      this.nearest = `it took more than ${MAX_SIGNATURE_CHECKS} signature checks`;
      return false;
    }
    const identity = this.#identity(candidate);
    if (path.some((certificate) => this.#identity(certificate) === identity)) return false;
    this.#signatureChecks++;
    const refusal = refuseSignature(candidate, child) ?? this.#refuse(candidate, path, role);
    if (refusal !== undefined) this.nearest = refusal;
    return refusal === undefined;
  }

  /** The same subject with the same key and names: once in a path is enough. */
  #identity(certificate: Certificate): string {
    const known = this.#identities.get(certificate);
    if (known !== undefined) return known;
    const { subject, spki, extensions } = certificate;
    const names = extensions.all.find(({ oid }) => oid === SUBJECT_ALT_NAME)?.value;
    const parts = [subject, spki, ...(names === undefined ? [] : [names])];
    const identity = parts.map((part) => Buffer.from(part).toString('base64')).join(' ');
    this.#identities.set(certificate, identity);
    return identity;
  }

  #refuse(
    { notBeforeMs, notAfterMs, extensions }: Certificate,
    below: readonly Certificate[],
    role: 'leaf' | 'anchor' | 'intermediate',
  ): string | undefined {
    const { atMs, forgivesLeafNames = false } = this.#options;
    const unhandled = extensions.unhandledCritical.find(
      (oid) => !(role === 'leaf' && forgivesLeafNames && oid === SUBJECT_ALT_NAME),
    );
    if (unhandled !== undefined) return `its critical extension ${unhandled} is not understood`;
    if (atMs < notBeforeMs) return `${named(role)} was not valid yet at ${timeText(atMs)}`;
    if (atMs > notAfterMs) return `${named(role)} was no longer valid at ${timeText(atMs)}`;
    const { nameConstraints, basicConstraints } = extensions;
    if (nameConstraints !== undefined) {
      const isAllowed = below.every((certificate) =>
        allowsNames(nameConstraints, certificate.extensions.subjectNames),
      );
      if (!isAllowed) return `the name constraints of ${named(role)} do not allow its names`;
    }
    if (role === 'intermediate' && basicConstraints?.isCa !== true) {
      return 'an intermediate certificate is not a CA';
    }
    const { maxPathLength } = basicConstraints ?? {};
    if (maxPathLength !== undefined && BigInt(below.length - 1) > maxPathLength) {
      return `${named(role)} allows fewer intermediate certificates`;
    }
    return undefined;
  }
}

function refuseSignature(issuer: Certificate, child: Certificate): string | undefined {
  const { basicConstraints, mayCertify = true } = issuer.extensions;
  const isBarred = basicConstraints === undefined ? issuer.version === 3 : !basicConstraints.isCa;
  if (isBarred || !mayCertify) return 'its issuer is not allowed to sign certificates';
  const { signatureScheme, tbs, signature } = child;
  if (signatureScheme === undefined || issuer.publicKey === undefined) {
    return 'it is signed with an algorithm that is not accepted';
  }
  return verifies(issuer.publicKey, signatureScheme, tbs, signature)
    ? undefined
    : 'the signature of its issuer does not verify';
}

function allowsCodeSigning(usages: readonly string[]): boolean {
  return usages.length === 0 || usages.includes(ANY_USAGE) || usages.includes(CODE_SIGNING);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(one.buffer, one.byteOffset, one.length).equals(other);
}

function named(role: 'leaf' | 'anchor' | 'intermediate'): string {
  return role === 'leaf' ? 'the certificate' : role === 'anchor' ? 'the CA' : 'an intermediate';
}

function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms after 1970`;
}
