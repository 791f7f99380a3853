import type { Json } from '../../shared/canonical.ts';
import { fieldOf } from '../../shared/field-of.ts';
import type { PolicyRequirement } from '../../shared/trust/policy-types.ts';
import { requirementText } from '../../shared/trust-text.ts';
import { type Html, html } from './html.ts';
import { noneFound, table } from './table.ts';
import { cut, digest, mark } from './words.ts';

interface ScopeRow {
  readonly scope: string;
  readonly requirements: string;
}

/** A policy.json in force, as a node told of it: what each scope asks for. */
export function policyView(policy: Json): Html {
  const problem = fieldOf(policy, 'problem.message') ?? fieldOf(policy, 'problem.reason');
  const path = text(fieldOf(policy, 'path'));
  const rows: readonly ScopeRow[] = [
    { scope: 'default', requirements: requirementsText(fieldOf(policy, 'default')) },
    ...list(fieldOf(policy, 'scopes')).map((one) => ({
      scope: `${text(fieldOf(one, 'transport'))} ${text(fieldOf(one, 'scope')) || '(all of it)'}`,
      requirements: requirementsText(fieldOf(one, 'requirements')),
    })),
  ];
  const sha256 = fieldOf(policy, 'sha256');
  return html`<p><code>${cut(path, 200)}</code> ${typeof sha256 === 'string' && digest(sha256)}</p>
${
  problem === undefined
    ? table({
        caption: `What ${cut(path, 200)} asks of an image, by scope`,
        columns: [
          { header: 'Scope', cell: ({ scope }) => html`<bdi>${cut(scope, 200)}</bdi>` },
          { header: 'Requirements', cell: ({ requirements }) => cut(requirements, 1000) },
        ],
        rows,
        empty: noneFound('The policy has no scope.'),
      })
    : html`<p>${mark('bad', 'no policy')} ${cut(text(problem))}</p>`
}`;
}

function requirementsText(value: unknown): string {
  const requirements = list(value).filter(isRequirement).map(requirementText);
  return requirements.length === 0 ? '–' : requirements.join('; ');
}

/** What a node told has a type at least; members are shown as they are. */
function isRequirement(value: unknown): value is PolicyRequirement {
  return typeof fieldOf(value, 'type') === 'string';
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
