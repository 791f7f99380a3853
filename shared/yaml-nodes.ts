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
  parseAllDocuments,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
