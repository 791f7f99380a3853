import { createPublicKey } from 'node:crypto';
import { decodeBase64 } from './base64.ts';
import { JsonError, type JsonNode, type JsonObject, type JsonPlace, parseJson } from './json.ts';
import { foldedMembers, listNode, objectNode, readString, wrongType } from './json-reader.ts';

/**
 * A signed schema 1 manifest without its own signatures: the protected header of each says how many of the first bytes
 * were signed and what came after them (libtrust, `ParsePrettySignature`). The signatures themselves are not verified.
 * Throws `JsonError` when they cannot be read or contradict each other. No signatures at all strip to no bytes.
 */
export function strippedSchema1(bytes: Uint8Array, manifest: JsonObject): Uint8Array {
  const signatures = manifest.members.findLast(({ name }) => name === 'signatures');
  if (signatures === undefined) throw invalid(manifest, 'expected signatures');
  const list = signatures.value.kind === 'null' ? [] : listNode(signatures.value).items;
  let length = 0;
  let tail: Uint8Array = new Uint8Array();
  for (const node of list) {
    const format = readFormat(node);
    if (length !== 0 && format.length !== length) {
      throw invalid(node, 'its length is not that of the signature before');
    }
    if (tail.length !== 0 && Buffer.compare(tail, format.tail) !== 0) {
      throw invalid(node, 'its tail is not that of the signature before');
    }
    ({ length, tail } = format);
  }
  if (length < 0 || length > bytes.length) throw invalid(signatures, 'signs more than there is');
  return Buffer.concat([bytes.subarray(0, length), tail]);
}

interface Format {
  readonly length: number;
  readonly tail: Uint8Array;
}

function readFormat(node: JsonNode): Format {
  const signature = objectNode(node);
  readHeader(signature);
  const encoded = foldedMembers(signature, 'protected').map(readString).at(-1) ?? '';
  const header = objectNode(parseJson(base64Url(node, encoded)));
  const last = (name: string): JsonNode | undefined =>
    header.members.findLast((member) => member.name === name)?.value;
  const length = last('formatLength');
  const tail = last('formatTail');
  if (length?.kind !== 'number') throw invalid(node, 'expected a length in the protected header');
  if (tail?.kind !== 'string') throw invalid(node, 'expected a tail in the protected header');
  return { length: Math.trunc(Number(length.text)), tail: base64Url(node, tail.value) };
}

/** The key in a header has to be one, though nobody verifies with it. */
function readHeader(signature: JsonObject): void {
  const value = foldedMembers(signature, 'header').at(-1);
  if (value === undefined) throw invalid(signature, 'expected a header');
  const header = objectNode(value);
  foldedMembers(header, 'alg').map(readString);
  const jwk = foldedMembers(header, 'jwk').at(-1);
  if (jwk === undefined) return;
  const members = objectNode(jwk).members.map(({ name, value }) => [name, readString(value)]);
  try {
    createPublicKey({ key: Object.fromEntries(members), format: 'jwk' });
  } catch {
    throw wrongType(jwk, 'a public key');
  }
}

/** As libtrust: without padding, blanks and line feeds skipped. */
function base64Url(node: JsonNode, text: string): Uint8Array {
  const data = text.replace(/[ \n]/g, '');
  const isUrlAlphabet = !/[+/=]/.test(data);
  const standard = data.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = isUrlAlphabet
    ? decodeBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, '='))
    : undefined;
  if (bytes === undefined) throw invalid(node, 'expected base64url');
  return bytes;
}

function invalid(node: JsonPlace, message: string): JsonError {
  return new JsonError('invalid-value', node, message);
}
