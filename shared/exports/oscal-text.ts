const NAMESPACE = 'https://nodeseal.dev/ns/oscal';

export interface OscalProperty {
  readonly name: string;
  readonly ns: string;
  readonly value: string;
}

/** A property of ours. */
export function property(name: string, value: string): OscalProperty {
  return { name, ns: NAMESPACE, value: propertyValue(value) };
}

/** OSCAL's data type string: not empty, and without a blank at either end. */
export function propertyValue(text: string): string {
  return text.trim() || '-';
}

/** OSCAL's data type token, of any text. */
export function token(text: string): string {
  const plain = text.replace(/[^\p{L}\p{N}._-]/gu, '_');
  return /^[\p{L}_]/u.test(plain) ? plain : `_${plain}`;
}

/** Plain text where OSCAL expects Markdown: what would be markup, HTML or a parameter is escaped. */
export function markup(text: string): string {
  return text.replace(/[\\`*[\]<>&{}]/g, '\\$&');
}
