import { parseDigest } from './digest.ts';
import { JsonError, type JsonNode, parseJson } from './json.ts';
import { readMap, readNumber, readString, readWholeObject } from './json-reader.ts';
import { quoted } from './member-path.ts';
import { SignatureError } from './signature-error.ts';

/**
 * What a signed document claims of an image (containers-signature(5)). Reading it says nothing about who made it: until
 * the signature around it is verified these are claims, for messages and never for decisions.
 */
export interface SignedClaims {
  /** `critical.image.docker-manifest-digest`: well formed, of an algorithm that containers/image knows. */
  readonly digest: string;
  /** `critical.identity.docker-reference`: any text. */
  readonly reference: string;
  /** `optional.creator`: the program that signed. */
  readonly creator?: string;
  /** `optional.timestamp`: seconds since 1970. */
  readonly timestamp?: number;
}

/** Reads the document of a simple signature; throws `SignatureError` "payload-invalid" for the least deviation. */
export function parseSignedPayload(bytes: Uint8Array): SignedClaims {
  return parse(bytes, 'atomic container signature', false);
}

/** As `parseSignedPayload` for a sigstore payload, whose `optional` may be null as cosign writes it. */
export function parseSigstorePayload(bytes: Uint8Array): SignedClaims {
  return parse(bytes, 'cosign container image signature', true);
}

function parse(bytes: Uint8Array, type: string, mayOptionalBeNull: boolean): SignedClaims {
  try {
    const { critical, optional } = readWholeObject(parseJson(bytes), {
      critical: readCritical,
      optional: (node) => (mayOptionalBeNull && node.kind === 'null' ? {} : readOptional(node)),
    });
    if (critical.type !== type) {
      throw refused(`critical.type: expected ${quoted(type)}, found ${quoted(critical.type)}`);
    }
    const digest = critical.image['docker-manifest-digest'];
    if (parseDigest(digest) === undefined) {
      const place = 'critical.image.docker-manifest-digest';
      throw refused(`${place}: expected a digest, found ${quoted(digest)}`);
    }
    return { digest, reference: critical.identity['docker-reference'], ...optional };
  } catch (error) {
    if (error instanceof JsonError) throw refused(error.message, error);
    throw error;
  }
}

const readImage = (node: JsonNode) =>
  readWholeObject(node, { 'docker-manifest-digest': readString });
const readIdentity = (node: JsonNode) => readWholeObject(node, { 'docker-reference': readString });
const readCritical = (node: JsonNode) =>
  readWholeObject(node, { type: readString, image: readImage, identity: readIdentity });

/** Unknown members may hold anything, but none may be there twice. */
function readOptional(node: JsonNode): Pick<SignedClaims, 'creator' | 'timestamp'> {
  const optional = readMap(node, (value) => value);
  const creator = optional.get('creator');
  const timestamp = optional.get('timestamp');
  return {
    ...(creator === undefined ? {} : { creator: readString(creator) }),
    ...(timestamp === undefined ? {} : { timestamp: readTimestamp(timestamp) }),
  };
}

/** A double that is a whole number within int64, as Go converts it on amd64 (arm64 would let 2^63 through). */
function readTimestamp(node: JsonNode): number {
  const value = readNumber(node);
  if (!Number.isInteger(value) || value < -(2 ** 63) || value >= 2 ** 63) {
    throw new JsonError('invalid-value', node, 'expected a whole number of seconds');
  }
  return value === 0 ? 0 : value;
}

function refused(message: string, cause?: unknown): SignatureError {
  return new SignatureError('payload-invalid', `signed document: ${message}`, { cause });
}
