import { decodeBase64 } from '../base64.ts';
import { JsonError, type JsonNode, type JsonObject } from '../json.ts';
import { foldedMembers, listNode, wrongType } from '../json-reader.ts';

/** Bytes as Go's encoding/json reads them: base64, or a list of numbers up to 255; null is none. */
export function readBytes(node: JsonNode): Uint8Array {
  if (node.kind === 'null') return new Uint8Array();
  if (node.kind === 'list') return Uint8Array.from(listNode(node).items.map(readByte));
  const bytes = node.kind === 'string' ? decodeBase64(node.value) : undefined;
  if (bytes === undefined) throw wrongType(node, 'base64');
  return bytes;
}

function readByte(node: JsonNode): number {
  const value = node.kind === 'number' && /^\d{1,3}$/.test(node.text) ? Number(node.text) : 256;
  if (node.kind === 'null') return 0;
  if (value > 255) throw wrongType(node, 'a number up to 255');
  return value;
}

/** A whole number that fits in 64 bits, written in any way; null is zero. */
export function readInt64(node: JsonNode): number {
  if (node.kind === 'null') return 0;
  const text = node.kind === 'number' ? JSON.stringify(Number(node.text)) : '';
  if (!/^-?\d+$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    throw wrongType(node, 'a whole number');
  }
  return Number(text);
}

/**
 * The member of this name without regard to case; undefined when it is null or not there. Throws `JsonError` when it
 * is there twice, where Go would lay one over the other.
 */
export function foldedMember(node: JsonObject, name: string): JsonNode | undefined {
  const [value, again] = foldedMembers(node, name);
  if (again !== undefined) {
    throw new JsonError('duplicate-key', again, `expected the member ${name} once`);
  }
  return value?.kind === 'null' ? undefined : value;
}
