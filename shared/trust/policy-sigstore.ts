import { JsonError, type JsonNode } from './json.ts';
import { readObject, readString, readStringList } from './json-reader.ts';
import { DEFAULT_IDENTITY, readIdentity } from './policy-identity.ts';
import { itself, readBinary, readBinaryList } from './policy-members.ts';
import type { FulcioTrust, PkiTrust, SigstoreSigned } from './policy-types.ts';
import { present } from './present.ts';

const LISTS = ['keyPaths', 'keyDatas', 'rekorPublicKeyPaths', 'rekorPublicKeyDatas'] as const;

/**
 * The requirement `sigstoreSigned`, containers-policy.json(5). Unlike in `signedBy` it is the value that decides which
 * key source is meant: an empty `keyPath` is none. Throws `JsonError`.
 */
export function readSigstoreSigned(node: JsonNode): SigstoreSigned {
  const members = readObject(node, {
    type: readString,
    keyPath: readString,
    keyPaths: readStringList,
    keyData: readBinary,
    keyDatas: readBinaryList,
    fulcio: readFulcio,
    pki: readPki,
    rekorPublicKeyPath: readString,
    rekorPublicKeyPaths: readStringList,
    rekorPublicKeyData: readBinary,
    rekorPublicKeyDatas: readBinaryList,
    signedIdentity: itself,
  });
  const { signedIdentity } = members;
  const identity = signedIdentity === undefined ? DEFAULT_IDENTITY : readIdentity(signedIdentity);
  const empty = LISTS.find((name) => Object.hasOwn(members, name) && !members[name]?.length);
  if (empty !== undefined) {
    throw new JsonError('empty-list', node, `expected at least one entry in ${empty}`);
  }
  const keys = {
    ...present('keyPath', members.keyPath || undefined),
    ...present('keyPaths', members.keyPaths),
    ...present('keyData', members.keyData),
    ...present('keyDatas', members.keyDatas),
    ...present('fulcio', members.fulcio),
    ...present('pki', members.pki),
  };
  const rekorKeys = {
    ...present('rekorPublicKeyPath', members.rekorPublicKeyPath || undefined),
    ...present('rekorPublicKeyPaths', members.rekorPublicKeyPaths),
    ...present('rekorPublicKeyData', members.rekorPublicKeyData),
    ...present('rekorPublicKeyDatas', members.rekorPublicKeyDatas),
  };
  checkKeySources(node, keys, Object.keys(rekorKeys).length);
  return { type: 'sigstoreSigned', ...keys, ...rekorKeys, signedIdentity: identity };
}

function checkKeySources(
  node: JsonNode,
  keys: { readonly fulcio?: unknown; readonly pki?: unknown },
  rekorKeys: number,
): void {
  if (Object.keys(keys).length !== 1) {
    const sources = 'keyPath, keyPaths, keyData, keyDatas, fulcio, pki';
    throw new JsonError('exclusive-fields', node, `expected exactly one of ${sources}`);
  }
  if (rekorKeys > 1) {
    throw new JsonError('exclusive-fields', node, 'expected at most one member rekorPublicKey…');
  }
  if (keys.fulcio !== undefined && rekorKeys === 0) {
    throw new JsonError('missing-field', node, 'expected a member rekorPublicKey… beside fulcio');
  }
  if (keys.pki !== undefined && rekorKeys > 0) {
    throw new JsonError('exclusive-fields', node, 'expected no member rekorPublicKey… beside pki');
  }
}

function readFulcio(node: JsonNode): FulcioTrust {
  const members = readObject(node, {
    caPath: readString,
    caData: readBinary,
    oidcIssuer: readString,
    subjectEmail: readString,
  });
  const ca = {
    ...present('caPath', members.caPath || undefined),
    ...present('caData', members.caData),
  };
  checkOnlyOne(node, ca, 'caPath or caData');
  const { oidcIssuer, subjectEmail } = members;
  if (!oidcIssuer) throw new JsonError('missing-field', node, 'expected a value in oidcIssuer');
  if (!subjectEmail) throw new JsonError('missing-field', node, 'expected a value in subjectEmail');
  return { ...ca, oidcIssuer, subjectEmail };
}

function readPki(node: JsonNode): PkiTrust {
  const members = readObject(node, {
    caRootsPath: readString,
    caRootsData: readBinary,
    caIntermediatesPath: readString,
    caIntermediatesData: readBinary,
    subjectEmail: readString,
    subjectHostname: readString,
  });
  const roots = {
    ...present('caRootsPath', members.caRootsPath || undefined),
    ...present('caRootsData', members.caRootsData),
  };
  const intermediates = {
    ...present('caIntermediatesPath', members.caIntermediatesPath || undefined),
    ...present('caIntermediatesData', members.caIntermediatesData),
  };
  const subjects = {
    ...present('subjectEmail', members.subjectEmail || undefined),
    ...present('subjectHostname', members.subjectHostname || undefined),
  };
  checkOnlyOne(node, roots, 'caRootsPath or caRootsData');
  if (Object.keys(intermediates).length > 1) {
    const found = 'expected a value in caIntermediatesPath or caIntermediatesData, not in both';
    throw new JsonError('exclusive-fields', node, found);
  }
  if (Object.keys(subjects).length === 0) {
    const found = 'expected a value in subjectEmail or subjectHostname';
    throw new JsonError('missing-field', node, found);
  }
  return { ...roots, ...intermediates, ...subjects };
}

function checkOnlyOne(node: JsonNode, values: object, names: string): void {
  const count = Object.keys(values).length;
  if (count === 0) throw new JsonError('missing-field', node, `expected a value in ${names}`);
  if (count > 1) {
    throw new JsonError('exclusive-fields', node, `expected a value in ${names}, not in both`);
  }
}
