import { isUtf8 } from 'node:buffer';
import { type DerElement, DerError, DerReader, TAG } from './der.ts';

/** Characters of PrintableString; `*` and `&` are not among them, but Go lets them through, and so names in use. */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?*&]*$/;

/** Names of a subjectAltName extension, by kind. IP addresses have 4 or 16 bytes. */
export interface SubjectNames {
  readonly emails: readonly string[];
  readonly hosts: readonly string[];
  readonly uris: readonly string[];
  readonly addresses: readonly Uint8Array[];
}

/** Throws `DerError` for a Name (RFC 5280 §4.1.2.4) with a string that does not keep to its type, as Go does. */
export function checkName(name: DerElement): void {
  const sets = new DerReader(name.content);
  while (!sets.isAtEnd) {
    const attributes = sets.inside(TAG.set);
    while (!attributes.isAtEnd) {
      const attribute = attributes.inside(TAG.sequence);
      attribute.objectIdentifier();
      const value = attribute.element();
      if (!isString(value)) throw new DerError('expected a string of its type in a name');
    }
  }
}

/** Is it a character string that holds only what its type allows? */
export function isString({ tag, content }: DerElement): boolean {
  switch (tag) {
    case TAG.printableString:
      return PRINTABLE.test(latin1(content));
    case TAG.utf8String:
      return isUtf8(content);
    case TAG.ia5String:
      return isAscii(content);
    case TAG.numericString:
      return /^[0-9 ]*$/.test(latin1(content));
    case TAG.bmpString:
      return content.length % 2 === 0;
    case TAG.t61String:
      return true;
    default:
      return false;
  }
}

export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
