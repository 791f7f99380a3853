import { messageOf } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { ClaimsJudge, claimsOf, conclusion } from './claims.ts';
import { readCertificates } from './openpgp/certificate.ts';
import { importedKeys, type Keyring } from './openpgp/keyring.ts';
import { loadKeys } from './openpgp/keys.ts';
import { readSignedMessage } from './openpgp/message.ts';
import { type VerifiedMessage, verifyMessage } from './openpgp/verify.ts';
import type { SignedBy } from './policy-types.ts';
import type { SignatureBlob } from './signature-blob.ts';
import { SignatureError } from './signature-error.ts';
import { parseSignedPayload, type SignedClaims } from './signature-payload.ts';
import type {
  CandidateImage,
  EvaluationContext,
  RequirementVerdict,
  SignatureVerdict,
} from './verdict-types.ts';

/**
 * Judges a `signedBy` requirement: one simple signature that its keys made, for this manifest, under an identity its rule
 * accepts, is enough; sigstore signatures do not count here. Every signature is judged, so that the answer can say who
 * signed. Refusals are values, never thrown. containers-policy.json(5), "signedBy".
 */
export async function evaluateSignedBy(
  requirement: SignedBy,
  image: CandidateImage,
  blobs: readonly SignatureBlob[],
  context: EvaluationContext,
): Promise<RequirementVerdict> {
  const data = blobs.flatMap((blob, index) =>
    blob.format === 'simple-signing' ? [{ index, data: blob.data }] : [],
  );
  if (data.length === 0) {
    const keys = await namedKeys(requirement, context);
    return { requirement, keys, signatures: [], ...conclusion([], NO_SIGNATURE) };
  }
  const keys = await keysOf(requirement, context);
  const judge = new SignatureJudge(requirement, image, keys, context);
  const signatures = data.map(({ index, data }) => judge.judge(index, data));
  return {
    requirement,
    keys: keys instanceof SignatureError ? [] : keys.fingerprints,
    signatures,
    ...conclusion(signatures, NO_SIGNATURE),
  };
}

/** With nothing to verify the keys are named for people only: nobody checks them, and files that cannot be read hold none. */
async function namedKeys(
  requirement: SignedBy,
  context: EvaluationContext,
): Promise<readonly string[]> {
  try {
    const certificates = readCertificates(await keyFiles(requirement, context));
    return certificates.map(({ primary }) => primary.fingerprint.toUpperCase());
  } catch (error) {
    if (error instanceof SignatureError) return [];
    throw error;
  }
}

const NO_SIGNATURE = {
  none: 'a signature is required, but the image has none',
  reason: 'openpgp-invalid',
} as const;

interface Keys {
  readonly keyring: Keyring;
  /** Upper-case hex, of primary keys. */
  readonly fingerprints: readonly string[];
}

/** The requirement's keys, or why it has none; what stands against them is the reason of every signature. */
async function keysOf(
  requirement: SignedBy,
  context: EvaluationContext,
): Promise<Keys | SignatureError> {
  try {
    if (requirement.keyType !== 'GPGKeys') {
      throw new SignatureError(
        'unsupported-key-type',
        `keyType ${requirement.keyType} is not implemented by containers/image`,
      );
    }
    const keyring = await loadKeys(await keyFiles(requirement, context));
    const fingerprints = importedKeys(keyring, context.nowMs / 1000).map((key) =>
      key.toUpperCase(),
    );
    const [undecided] = keyring.undecided;
    if (fingerprints.length === 0 && undecided !== undefined) throw undecided.error;
    if (fingerprints.length === 0) {
      throw new SignatureError('no-usable-keys', 'the requirement has no usable OpenPGP key');
    }
    return { keyring, fingerprints };
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
}

/** One file that cannot be read spoils the requirement, though another key might have verified. */
async function keyFiles(
  { keyPath, keyPaths, keyData }: SignedBy,
  { readFile }: EvaluationContext,
): Promise<readonly Uint8Array[]> {
  if (keyData !== undefined) {
    const data = decodeBase64(keyData);
    if (data === undefined) throw new SignatureError('key-invalid', 'keyData: expected base64');
    return [data];
  }
  const paths = keyPaths ?? (keyPath === undefined ? [] : [keyPath]);
  const files: Uint8Array[] = [];
  for (const path of paths) {
    try {
      files.push(await readFile(path));
    } catch (cause) {
      const message = `key file ${path} cannot be read: ${messageOf(cause)}`;
      throw new SignatureError('key-unreadable', message, { cause });
    }
  }
  return files;
}

/** Holds signatures against one requirement. */
class SignatureJudge {
  readonly #claims: ClaimsJudge;
  readonly #keys: Keys | SignatureError;
  readonly #context: EvaluationContext;

  constructor(
    requirement: SignedBy,
    image: CandidateImage,
    keys: Keys | SignatureError,
    context: EvaluationContext,
  ) {
    this.#claims = new ClaimsJudge(image, requirement.signedIdentity);
    this.#keys = keys;
    this.#context = context;
  }

  judge(index: number, data: Uint8Array): SignatureVerdict {
    const format = 'simple-signing' as const;
    let signer: string | undefined;
    try {
      if (this.#keys instanceof SignatureError) throw this.#keys;
      const message = verifyMessage(this.#keys.keyring, data, this.#context.nowMs);
      signer = this.#signerOf(message);
      const claims = parseSignedPayload(message.content);
      this.#claims.require(claims);
      return { index, format, accepted: true, signer, ...claimsOf(claims) };
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const { code: reason, message } = error;
      const verdict = { index, format, accepted: false, reason, message };
      const claims = claimsOf(untrustedClaims(data));
      return signer === undefined ? { ...verdict, ...claims } : { ...verdict, signer, ...claims };
    }
  }

  /** The primary key is the identity, whichever of its subkeys signed. */
  #signerOf({ fingerprint, primaryFingerprint }: VerifiedMessage): string {
    if (fingerprint !== primaryFingerprint && this.#context.signingSubkeys === false) {
      throw new SignatureError(
        'openpgp-invalid',
        `signed by the subkey ${fingerprint}, which counts from containers/image 5.37.0 on only`,
      );
    }
    return primaryFingerprint;
  }
}

/** What a signature says of itself before anyone checked who made it: for messages, never for decisions. */
export function untrustedClaims(data: Uint8Array): SignedClaims | undefined {
  try {
    return parseSignedPayload(readSignedMessage(data).untrustedContent);
  } catch (error) {
    if (error instanceof SignatureError) return undefined;
    throw error;
  }
}
