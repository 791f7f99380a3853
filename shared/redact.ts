import type { Json } from './canonical.ts';

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** A member whose name ends so holds a secret; `tokenFile` says only where one is. */
const SECRET_NAME =
  /(?:pass(?:word|wd|phrase)?|secrets?|tokens?|authorization|cookie|api[-_]?key|private[-_]?key|credentials?|auth)$/i;

/**
 * Secrets by the look of them, wherever they stand in a text. Too much goes rather than too little: what is redacted is
 * meant to be handed to somebody else. Repetitions that may begin anywhere are bounded: the texts come from nodes.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // PEM of any private key, cut off or not, with line breaks or their escapes
  [
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)/g,
    REDACTED,
  ],
  // RFC 9110 §11.4: a scheme and its credentials
  [/\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // our own tokens, those of OpenShift, JSON Web Tokens
  [/\bns[a-z]_[0-9a-f]{16}\.[\w-]+(?:@sha256:[0-9a-f]+)?/g, REDACTED],
  [/\bsha256~[\w-]{16,}/g, REDACTED],
  [/\beyJ[\w-]{6,1024}\.[\w-]+\.?[\w-]*/g, REDACTED],
  // crypt(5)
  [/\$(?:1|2[abxy]|5|6|7|y|gy|sha1)\$[\w./$=,+-]{8,}/g, REDACTED],
  // of other services
  [
    /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[a-z]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}/g,
    REDACTED,
  ],
  // RFC 3986 §3.2.1; a digest behind the @ is that of an image
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#<>"']*@(?!sha\d+:)/gi, `$1${REDACTED}@`],
  // name=value, name: value, "name":"value", --name value
  [
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token|auth(?:orization)?|cookie|(?:api|access|private|secret)[-_]?key(?:[-_]id)?)\\?["']?(?:\s*[=:]\s*|%3[dD]))(?!\s*\[redacted\]|(?:bearer|basic|digest|negotiate) \[)(\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"']+)/gi,
    `$1${REDACTED}`,
  ],
  [
    /((?<![\w-])--(?:[\w-]{0,40}-)?(?:password|passwd|secret|token|key)\s+)(?!-)\S+/gi,
    `$1${REDACTED}`,
  ],
];

/** The text without what looks like a secret; one in percent-encoding counts as what it stands for. */
export function redactText(text: string): string {
  const plain = text.replaceAll(/(?:%[0-9a-f]{2})+/gi, decoded);
  const left = withoutSecrets(plain);
  return left === plain ? withoutSecrets(text) : left;
}

function withoutSecrets(text: string): string {
  return SECRETS.reduce((left, [pattern, instead]) => left.replaceAll(pattern, instead), text);
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** The value without secrets: neither under names that speak of one, nor in any text, keys included. */
export function redact(value: Json): Json {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => redact(item));
  const entries = Object.entries(value).map(([name, member = null]): [string, Json] => [
    redactText(name),
    SECRET_NAME.test(name) && isTelling(member) ? REDACTED : redact(member),
  ]);
  return Object.fromEntries(entries);
}

/** A secret is a text or a number; lists and objects are looked into. */
function isTelling(member: Json): boolean {
  return typeof member === 'number' || (typeof member === 'string' && member !== '');
}
