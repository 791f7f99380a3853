import { JsonError } from './json.ts';
import {
  type JsonReader,
  type Placed,
  placed,
  readByType,
  readString,
  readWholeObject,
} from './json-reader.ts';
import { quoted } from './member-path.ts';
import type { SignedIdentity } from './policy-types.ts';
import {
  ImageReferenceError,
  isHostOrName,
  isNameOnly,
  parseReference,
  type Reference,
} from './reference.ts';

/** What stands for a `signedIdentity` that is left out; null is an error instead. */
export const DEFAULT_IDENTITY: SignedIdentity = { type: 'matchRepoDigestOrExact' };

const IDENTITIES: Readonly<Record<SignedIdentity['type'], JsonReader<SignedIdentity>>> = {
  matchExact: (node) => {
    readWholeObject(node, { type: readString });
    return { type: 'matchExact' };
  },
  matchRepoDigestOrExact: (node) => {
    readWholeObject(node, { type: readString });
    return { type: 'matchRepoDigestOrExact' };
  },
  matchRepository: (node) => {
    readWholeObject(node, { type: readString });
    return { type: 'matchRepository' };
  },
  exactReference: (node) => {
    const members = { type: readString, dockerReference: placed(readString) };
    const { dockerReference } = readWholeObject(node, members);
    if (isNameOnly(referenceAt(dockerReference))) {
      const found = `expected a tag or digest in it, found ${quoted(dockerReference.value)}`;
      throw new JsonError('invalid-value', dockerReference.node, found);
    }
    return { type: 'exactReference', dockerReference: dockerReference.value };
  },
  exactRepository: (node) => {
    const members = { type: readString, dockerRepository: placed(readString) };
    const { dockerRepository } = readWholeObject(node, members);
    referenceAt(dockerRepository);
    return { type: 'exactRepository', dockerRepository: dockerRepository.value };
  },
  remapIdentity: (node) => {
    const members = {
      type: readString,
      prefix: placed(readString),
      signedPrefix: placed(readString),
    };
    const { prefix, signedPrefix } = readWholeObject(node, members);
    return {
      type: 'remapIdentity',
      prefix: prefixAt(prefix),
      signedPrefix: prefixAt(signedPrefix),
    };
  },
};

/** The object of `signedIdentity` and `baseLayerIdentity`, containers-policy.json(5). Throws `JsonError`. */
export const readIdentity: JsonReader<SignedIdentity> = (node) =>
  readByType(node, IDENTITIES, 'a type of identity rule');

function referenceAt({ node, value }: Placed<string>): Reference {
  try {
    return parseReference(value);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new JsonError('invalid-value', node, error.message);
  }
}

function prefixAt({ node, value }: Placed<string>): string {
  if (isHostOrName(value)) return value;
  const found = `expected a host, or a name that begins with one, found ${quoted(value)}`;
  throw new JsonError('invalid-value', node, found);
}
