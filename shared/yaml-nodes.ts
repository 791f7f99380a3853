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
