import { JsonError, type JsonNode } from './json.ts';
import {
  type JsonReader,
  readByType,
  readObject,
  readString,
  readStringList,
  readWholeObject,
} from './json-reader.ts';
import { quoted } from './member-path.ts';
import { DEFAULT_IDENTITY, readIdentity } from './policy-identity.ts';
import { itself, readBinary } from './policy-members.ts';
import { readSigstoreSigned } from './policy-sigstore.ts';
import { KEY_TYPES, type KeyType, type PolicyRequirement, type SignedBy } from './policy-types.ts';
import { present } from './present.ts';

const REQUIREMENTS: Readonly<Record<PolicyRequirement['type'], JsonReader<PolicyRequirement>>> = {
  insecureAcceptAnything: (node) => {
    readWholeObject(node, { type: readString });
    return { type: 'insecureAcceptAnything' };
  },
  reject: (node) => {
    readWholeObject(node, { type: readString });
    return { type: 'reject' };
  },
  signedBaseLayer: (node) => {
    const members = readWholeObject(node, { type: readString, baseLayerIdentity: itself });
    return { type: 'signedBaseLayer', baseLayerIdentity: readIdentity(members.baseLayerIdentity) };
  },
  signedBy: readSignedBy,
  sigstoreSigned: readSigstoreSigned,
};

/** One requirement of a policy, containers-policy.json(5). Throws `JsonError`; opens and decodes no key. */
export const readRequirement: JsonReader<PolicyRequirement> = (node) =>
  readByType(node, REQUIREMENTS, 'a requirement type');

const KEY_SOURCES = ['keyPath', 'keyPaths', 'keyData'] as const;

/** Presence decides which key source is meant, and that one must then have a value. */
function readSignedBy(node: JsonNode): SignedBy {
  const members = readObject(node, {
    type: readString,
    keyType: readKeyType,
    keyPath: readString,
    keyPaths: readStringList,
    keyData: readBinary,
    signedIdentity: itself,
  });
  const { keyType, signedIdentity } = members;
  const identity = signedIdentity === undefined ? DEFAULT_IDENTITY : readIdentity(signedIdentity);
  const [source, second] = KEY_SOURCES.filter((name) => Object.hasOwn(members, name));
  if (source === undefined || second !== undefined) {
    const expected = `expected exactly one of ${KEY_SOURCES.join(', ')}`;
    throw new JsonError('exclusive-fields', node, expected);
  }
  if (keyType === undefined)
    throw new JsonError('missing-field', node, 'expected a member keyType');
  const keys = {
    ...present('keyPath', members.keyPath || undefined),
    ...present('keyPaths', members.keyPaths),
    ...present('keyData', members.keyData),
  };
  if (Object.keys(keys).length === 0) {
    throw new JsonError('exclusive-fields', node, `expected a value in ${source}`);
  }
  return { type: 'signedBy', keyType, ...keys, signedIdentity: identity };
}

function readKeyType(node: JsonNode): KeyType {
  const written = readString(node);
  const keyType = KEY_TYPES.find((candidate) => candidate === written);
  if (keyType !== undefined) return keyType;
  const found = `expected ${KEY_TYPES.join(', ')}, found ${quoted(written)}`;
  throw new JsonError('invalid-value', node, found);
}
