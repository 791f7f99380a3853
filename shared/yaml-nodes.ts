/** What we use of the YAML library; nobody else imports it, so that it can be replaced or pinned here. */
export {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  Scalar,
  stringify,
  visit,
  type YAMLMap,
} from 'yaml';

/**
 * What the library says of a text that is nested deeper than the stack: it keeps the error to itself, and where the stack
 * ended is another place each time.
 */
export const TOO_DEEP: RegExp = /call stack size|stack overflow/i;

/** Characters that YAML does not have as they are, NUL among them. */
export const UNPRINTABLE: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;
