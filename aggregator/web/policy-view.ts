import type { Json } from '../../shared/canonical.ts';
import { fieldOf } from '../../shared/field-of.ts';
import { type Html, html } from './html.ts';
import { list, requirementTexts } from './reported.ts';
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
  return requirementTexts(value).join('; ') || '–';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
