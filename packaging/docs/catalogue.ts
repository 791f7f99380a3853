import type { Check } from '../../agent/check.ts';
import type { Mapping, RemediationKind, Rule } from '../../shared/findings.ts';

/** Where the page lies in the repository. */
export const PAGE = 'docs/checks.md';

const HEAD = `# Rules

Written by \`npm run docs\` from the rules themselves; do not edit. \`nodeseal explain RULE\` says the same on a node, with
\`--profile\` also how a rule counts in a profile.

Severity is that of a failure; a statement may weigh less or more and says so, and a profile may refine it. Controls:
*upstream* where the control's own content names the rule, *derived* where it is our judgement that the intent is the
same.
`;

/** Who puts a failing rule right, in words. */
const KINDS: Readonly<Record<RemediationKind, string>> = {
  MachineConfig: 'by a MachineConfig',
  'API object': 'by an object of the cluster’s API',
  'host command': 'on the host',
  pod: 'in the pod or its SCC',
  node: 'by making the node anew',
  none: 'by whoever runs nodeseal',
};

/** The page of every rule of some checks, Markdown. */
export function catalogue(checks: readonly Check[]): string {
  const parts = checks.map((check) => [
    `## ${check.id}: ${check.title}\n`,
    ...check.rules.map(entry),
  ]);
  return [HEAD, overview(checks), ...parts.flat()].join('\n');
}

function overview(checks: readonly Check[]): string {
  const rows = checks.flatMap(({ rules }) =>
    rules.map(
      ({ id, severity, title }) => `| [${id}](#${anchorOf(id)}) | ${severity} | ${cell(title)} |`,
    ),
  );
  return ['| Rule | Severity | Asks |', '|---|---|---|', ...rows, ''].join('\n');
}

/** As GitHub makes an anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function entry({ id, title, severity, rationale, remediation, mappings }: Rule): string {
  return [
    `### ${id}\n`,
    `${title}. Severity: ${severity}.\n`,
    `- Why: ${rationale}`,
    `- Fix (${KINDS[remediation.kind]}): ${remediation.text}`,
    `- Controls: ${['upstream', 'derived'].flatMap((basis) => controls(mappings, basis)).join('; ')}\n`,
  ].join('\n');
}

function controls(mappings: readonly Mapping[], basis: string): readonly string[] {
  const ours = mappings.filter((mapping) => mapping.basis === basis);
  const frameworks = [...new Set(ours.map(({ framework }) => framework))];
  const named = frameworks.map((framework) => {
    const ids = ours.filter((mapping) => mapping.framework === framework).map(({ id }) => id);
    return `${framework} ${ids.join(', ')}`;
  });
  return named.length === 0 ? [] : [`${basis}: ${named.join(' · ')}`];
}
