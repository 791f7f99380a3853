import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../../canonical.ts';
import { messageOf } from '../../errors.ts';
import { JsonError, type JsonNode, parseJson } from '../json.ts';
import { objectNode, readMap, readNumber, readString, readWholeObject } from '../json-reader.ts';
import { SignatureError } from '../signature-error.ts';
import { foldedMember, readBytes, readInt64 } from './go-json.ts';
import { verifiesEntry } from './keys.ts';
import { nextPemBlock } from './pem.ts';
import type { PublicKey } from './public-key.ts';

/** What a transparency log says that it has recorded, once one of its keys signed that. */
export interface LogEntry {
  /** DER of the public key or certificate of the signer. */
  readonly keyOrCertificate: Uint8Array;
  readonly signature: Uint8Array;
  /** SHA-256 of what was signed. */
  readonly payloadHash: Uint8Array;
  /** When the log took it in, in milliseconds since 1970. */
  readonly integratedAtMs: number;
}

/** Same length and bytes as what the log recorded? `signed` is what the caller is about to trust. */
export function isEntryFor(
  entry: LogEntry,
  signed: {
    readonly keyOrCertificate: Uint8Array;
    readonly signature: Uint8Array;
    readonly payload: Uint8Array;
  },
): boolean {
  const hash = createHash('sha256').update(signed.payload).digest();
  return (
    Buffer.from(signed.keyOrCertificate).equals(entry.keyOrCertificate) &&
    Buffer.from(signed.signature).equals(entry.signature) &&
    hash.equals(entry.payloadHash)
  );
}

/**
 * Verifies a Rekor bundle: the signed entry timestamp over the canonical JSON (RFC 8785) of its payload, by any of the
 * log's keys, and reads the `hashedrekord` 0.0.1 inside. Neither log ID nor inclusion proof is looked at. Throws
 * `SignatureError` "rekor-set", or "payload-invalid" for JSON of another shape.
 */
export function verifyLogEntry(bundle: string, keys: readonly PublicKey[]): LogEntry {
  try {
    const { Payload: payload, SignedEntryTimestamp: timestamp } = readWholeObject(
      parseJson(bundle),
      { SignedEntryTimestamp: readBytes, Payload: (node) => node },
    );
    const signed = Buffer.from(canonicalJson(readJson(payload, 0)));
    if (!keys.some((key) => verifiesEntry(key, signed, timestamp))) {
      throw refused('the timestamp is not signed by a configured log key');
    }
    return readEntry(payload);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const isShape = SHAPE.includes(error.reason);
    throw new SignatureError(
      isShape ? 'payload-invalid' : 'rekor-set',
      `Rekor bundle: ${messageOf(error)}`,
    );
  }
}

/** Reasons that containers/image reports as an object of another shape. */
const SHAPE: readonly string[] = ['unknown-field', 'duplicate-key', 'missing-field'];
/** An entry has no nesting at all; deeper values are no bundle. */
const MAX_DEPTH = 16;

function readJson(node: JsonNode, depth: number): Json {
  if (depth > MAX_DEPTH) throw refused(`expected at most ${MAX_DEPTH} levels of nesting`);
  switch (node.kind) {
    case 'null':
      return null;
    case 'string':
    case 'boolean':
      return node.value;
    case 'number':
      return readNumber(node);
    case 'list':
      return node.items.map((item) => readJson(item, depth + 1));
    case 'object':
      return Object.fromEntries(readMap(node, (value) => readJson(value, depth + 1)));
  }
}

function readEntry(payload: JsonNode): LogEntry {
  const { body, integratedTime } = readWholeObject(payload, {
    body: readBytes,
    integratedTime: readInt64,
    logIndex: readInt64,
    logID: readString,
  });
  try {
    return { ...readBody(parseJson(body)), integratedAtMs: integratedTime * 1000 };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw refused(`entry body: ${messageOf(error)}`);
  }
}

function readBody(body: JsonNode): Omit<LogEntry, 'integratedAtMs'> {
  const kind = readString(member(body, 'kind'));
  if (kind !== 'hashedrekord') throw refused('expected an entry of the kind hashedrekord');
  const version = readString(member(body, 'apiVersion'));
  if (version !== '0.0.1') throw refused('expected a hashedrekord of version 0.0.1');
  const spec = member(body, 'spec');
  const signature = member(spec, 'signature');
  const hash = member(member(spec, 'data'), 'hash');
  if (readString(member(hash, 'algorithm')) !== 'sha256') {
    throw refused('expected a hash of the algorithm sha256');
  }
  const hex = readString(member(hash, 'value'));
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) throw refused('expected a hash in hexadecimal digits');
  const content = foldedMember(objectNode(signature), 'content');
  return {
    keyOrCertificate: readOnlyPemBlock(
      readBytes(member(member(signature, 'publicKey'), 'content')),
    ),
    signature: content === undefined ? new Uint8Array() : readBytes(content),
    payloadHash: Buffer.from(hex, 'hex'),
  };
}

function member(node: JsonNode, name: string): JsonNode {
  const value = foldedMember(objectNode(node), name);
  if (value === undefined) throw new JsonError('missing-field', node, `expected a member ${name}`);
  return value;
}

function readOnlyPemBlock(pem: Uint8Array): Uint8Array {
  return onlyPemBlock(Buffer.from(pem).toString('latin1'), 'the key in the entry');
}

/** Content of the first PEM block, after which not even a line feed may come. Throws "rekor-set". */
export function onlyPemBlock(pem: string, what: string): Uint8Array {
  const block = nextPemBlock(pem);
  if (block === undefined) throw refused(`expected ${what} in PEM`);
  if (block.end !== pem.length) throw refused(`expected nothing after ${what}`);
  return block.bytes;
}

function refused(message: string): SignatureError {
  return new SignatureError('rekor-set', `Rekor bundle: ${message}`);
}
