import type {
  ReportedKeyFile,
  ReportedPolicy,
  ReportedTrust,
} from '../../shared/reported-trust.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { RegistriesDSection } from '../../shared/trust/registries-d-file.ts';
import { requirementText } from '../../shared/trust-text.ts';
import { type Html, html } from './html.ts';
import { noData, noneFound, table } from './table.ts';
import { cut, digest, mark } from './words.ts';

/** What a node trusts images by: its policies, where signatures are looked for, the keys. */
export function trustView(trust: ReportedTrust): Html {
  const { policies, registriesD, registriesDProblem, keyFiles } = trust;
  const sections: readonly (readonly [string, RegistriesDSection])[] = [
    ...(registriesD?.defaultDocker ? [['default-docker', registriesD.defaultDocker] as const] : []),
    ...(registriesD?.docker ?? []),
  ];
  return html`${policies.map(policyView)}
${table({
  caption: 'Where signatures are looked for (registries.d)',
  columns: [
    { header: 'Scope', cell: ([scope]) => html`<bdi>${cut(scope, 200)}</bdi>` },
    {
      header: 'Lookaside',
      cell: ([, section]) => cut(section.lookaside ?? section.sigstore ?? '–', 200),
    },
    {
      header: 'Attachments',
      cell: ([, { useSigstoreAttachments: uses }]) =>
        uses === undefined ? '–' : uses ? 'yes' : 'no',
    },
  ],
  rows: sections,
  empty:
    registriesDProblem === undefined
      ? noneFound('Nothing is configured: what the library has built in holds.')
      : noData(cut(registriesDProblem.message)),
})}
${table<ReportedKeyFile>({
  caption: 'Keys that the policies name',
  columns: [
    {
      header: 'File',
      cell: ({ path }) => html`<bdi>${cut(path, 200)}</bdi>`,
      sort: ({ path }) => path,
    },
    { header: 'Content', cell: ({ sha256 }) => digest(sha256) },
    { header: 'Keys', cell: keysText },
  ],
  rows: [...keyFiles.values()],
  empty: noneFound('No policy names a key file.'),
})}`;
}

function keysText({ keys = [], problem }: ReportedKeyFile): Html {
  if (problem !== undefined) return html`${mark('bad', 'not usable')} ${cut(problem.message)}`;
  const words = keys.map(({ fingerprint, algorithm, ends, isRevoked }) => {
    const end = ends === undefined ? '' : `, until ${ends.slice(0, 10)}`;
    return `${fingerprint} (${algorithm}${end}${isRevoked ? ', revoked' : ''})`;
  });
  return html`${cut(words.join('; ') || '–', 1000)}`;
}

const WHOSE = { system: 'of the node', crio: 'of CRI-O', namespace: 'of the namespace' } as const;

function policyView({ role, path, namespace, sha256, policy, problem }: ReportedPolicy): Html {
  const whose = namespace === undefined ? WHOSE[role] : `${WHOSE[role]} ${cut(namespace, 64)}`;
  if (policy === undefined) {
    return html`<p>Policy ${whose}, <code>${cut(path, 200)}</code>: ${mark('bad', 'not usable')} ${cut(problem?.message ?? 'it is not known')}</p>`;
  }
  return html`${table({
    caption: `Policy ${whose}: what ${cut(path, 200)} asks of an image`,
    columns: [
      { header: 'Scope', cell: ([scope]) => html`<bdi>${cut(scope, 200)}</bdi>` },
      { header: 'Requirements', cell: ([, requirements]) => cut(requirements, 1000) },
    ],
    rows: scopesOf(policy),
    empty: noneFound('The policy has no scope.'),
  })}<p>Content ${digest(sha256)}</p>`;
}

function scopesOf({
  default: fallback,
  transports,
}: Policy): readonly (readonly [string, string])[] {
  const text = (requirements: Policy['default']): string =>
    requirements.map(requirementText).join('; ');
  const scopes = [...transports].flatMap(([transport, entries]) =>
    [...entries].map(([scope, requirements]) => {
      return [`${transport} ${scope || '(all of it)'}`, text(requirements)] as const;
    }),
  );
  return [['default', text(fallback)], ...scopes];
}
