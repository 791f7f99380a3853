import { createHash } from 'node:crypto';
import { compactJson, ListText } from './json-text.ts';
import { localObjective, reviewedControls } from './oscal-controls.ts';
import { resultOf } from './oscal-result.ts';
import { markup, property, propertyValue } from './oscal-text.ts';
import type { ExportFormat, ExportSource } from './source.ts';
import type { Statement } from './statement.ts';
import { uuidOf } from './uuid.ts';

export const OSCAL_VERSION = '1.1.3';

const PLAN = uuidOf('resource', 'assessment-plan');

/**
 * OSCAL assessment results (NIST), JSON: a result a node. The document's own uuid is that of its content, and like
 * everything that is known only at the end it stands behind the results.
 */
export const oscal: ExportFormat = {
  id: 'oscal',
  title: `OSCAL ${OSCAL_VERSION} assessment results, for auditors`,
  mediaType: 'application/json',
  extension: 'json',
  about: 'findings',
  async *write(source) {
    const content = createHash('sha256');
    const rules = new Map<string, Statement>();
    const results = new ListText();
    yield '{"assessment-results":{"results":[\n';
    for await (const node of source.findings()) {
      for (const statement of node.items) {
        const { fingerprint, outcome, message, ruleId } = statement;
        content.update(`${fingerprint} ${outcome} ${message}\n`);
        if (!rules.has(ruleId)) rules.set(ruleId, statement);
      }
      yield results.add([resultOf(node, source.generatedAt)]);
    }
    if (results.isEmpty) yield results.add([emptyResult(source)]);
    yield '],\n';
    yield compactJson({
      ...(rules.size === 0 ? {} : { 'local-definitions': definitions(rules) }),
      metadata: metadata(source),
      'import-ap': { href: `#${PLAN}` },
      'back-matter': { resources: [plan(source)] },
      uuid: uuidOf('assessment-results', content.digest('hex')),
    }).slice(1);
    yield '}\n';
  },
};

function metadata({ generatedAt, asOf, version, coverage, link }: ExportSource): object {
  return {
    title: 'nodeseal: whether nodes enforce SELinux, FIPS, seccomp and image trust',
    'last-modified': generatedAt,
    version: propertyValue(version),
    'oscal-version': OSCAL_VERSION,
    props: [
      property('coverage-expected', String(coverage.expected)),
      property('coverage-reporting', String(coverage.reporting)),
      ...coverage.missing.map(({ node, cause }) =>
        property('coverage-missing', `${node}: ${cause}`),
      ),
      ...(asOf === undefined ? [] : [property('as-of', asOf)]),
    ],
    ...(link === '' ? {} : { links: [{ href: link, rel: 'reference' }] }),
  };
}

/** Assessment results must name a plan; ours is that every rule is asked of every node all the time. */
function plan({ version }: ExportSource): object {
  return {
    uuid: PLAN,
    title: 'Continuous assessment by nodeseal',
    description: markup(
      `Every rule of nodeseal ${version} is asked of every node when what it looks at changes, and every few minutes.`,
    ),
  };
}

function definitions(rules: ReadonlyMap<string, Statement>): object {
  const known = [...rules.values()].sort((a, b) => (a.ruleId < b.ruleId ? -1 : 1));
  return { 'objectives-and-methods': known.map(localObjective) };
}

/** There must be a result, also where no node is known: it says so. */
function emptyResult({ generatedAt }: ExportSource): object {
  return {
    uuid: uuidOf('result', ''),
    title: 'No node',
    description: 'No node is known that these results could speak of.',
    start: generatedAt,
    'reviewed-controls': reviewedControls([]),
  };
}
