import { decodeBase64 } from './base64.ts';
import { JsonError, type JsonNode } from './json.ts';
import { type JsonReader, listNode, readString, wrongType } from './json-reader.ts';

/** A []byte of Go: base64 text, kept as written; a list of byte values, which Go takes too; null for none. */
export const readBinary: JsonReader<string | undefined> = (node) => {
  if (node.kind === 'null') return undefined;
  if (node.kind === 'list') return Buffer.from(node.items.map(readByte)).toString('base64');
  const text = readString(node);
  if (decodeBase64(text) !== undefined) return text;
  throw new JsonError('invalid-value', node, 'expected base64 with padding and without blanks');
};

/** A list of `readBinary`; null for none. */
export const readBinaryList: JsonReader<readonly string[] | undefined> = (node) =>
  node.kind === 'null' ? undefined : listNode(node).items.map((item) => readBinary(item) ?? '');

/** A member that is read later, when the whole object was found to be as it should. */
export const itself: JsonReader<JsonNode> = (node) => node;

function readByte(node: JsonNode): number {
  if (node.kind === 'null') return 0;
  const value = node.kind === 'number' && /^\d+$/.test(node.text) ? Number(node.text) : 256;
  if (value > 255) throw wrongType(node, 'a byte from 0 to 255');
  return value;
}
