import { messageOf } from '../../errors.ts';
import { JsonError, type JsonObject, parseJson } from '../json.ts';
import { foldedMembers, objectNode, readString } from '../json-reader.ts';
import { SignatureError } from '../signature-error.ts';
import { readBytes } from './go-json.ts';

/** A sigstore attachment as containers/image stores it: one layer of the `.sig` image. Nothing is verified. */
export interface SigstoreBlob {
  readonly mediaType: string;
  readonly payload: Uint8Array;
  readonly annotations: ReadonlyMap<string, string>;
}

/** Attachments of any other media type are no signatures; it is compared as it is, parameters included. */
export const SIGNATURE_MEDIA_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';

/**
 * Reads the JSON behind the format name `sigstore-json`, as leniently as containers/image does: names without regard
 * to case, unknown ones ignored, the last of several counts, null is nothing. Throws `SignatureError` "blob-format".
 */
export function readSigstoreBlob(json: Uint8Array): SigstoreBlob {
  try {
    const node = parseJson(json);
    if (node.kind === 'null')
      return { mediaType: '', payload: new Uint8Array(), annotations: NONE };
    return readMembers(objectNode(node));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new SignatureError('blob-format', `sigstore signature: ${messageOf(error)}`);
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

function readMembers(node: JsonObject): SigstoreBlob {
  let mediaType = '';
  for (const value of foldedMembers(node, 'mimeType')) {
    if (value.kind !== 'null') mediaType = readString(value);
  }
  let payload = new Uint8Array();
  for (const value of foldedMembers(node, 'payload')) payload = Uint8Array.from(readBytes(value));
  const annotations = new Map<string, string>();
  for (const value of foldedMembers(node, 'annotations')) {
    if (value.kind === 'null') annotations.clear();
    else {
      for (const { name, value: text } of objectNode(value).members) {
        annotations.set(name, readString(text));
      }
    }
  }
  return { mediaType, payload, annotations };
}
