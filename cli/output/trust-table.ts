import type { ReportedPolicy, ReportedTrust } from '../../shared/reported-trust.ts';
import { safeText } from '../../shared/safe-text.ts';
import { policyWarnings } from '../../shared/trust/policy-lint.ts';
import type { TrustRow } from '../trust-rows.ts';
import type { Style } from './colour.ts';
import type { Presentation } from './column.ts';
import { tableText } from './table.ts';
import { placeTables } from './trust-places.ts';

/** Requirements as `podman image trust show` has them; `wide` and CSV with every field. */
export const TRUST: Presentation<TrustRow> = {
  resource: 'scope',
  nameOf: ({ transport, scope }) => `${transport}/${scope}`,
  columns: [
    { header: 'TRANSPORT', key: 'transport', value: ({ transport }) => transport },
    { header: 'NAME', key: 'scope', value: ({ scope }) => scope || '""', shrink: 'start' },
    {
      header: 'TYPE',
      key: 'type',
      value: ({ type }) => type,
      tone: ({ type }) => (type === 'insecureAcceptAnything' ? 'warn' : undefined),
    },
    { header: 'ID', key: 'keys', value: idText, shrink: 'end' },
    { header: 'STORE', key: 'lookaside', value: ({ lookaside }) => lookaside, shrink: 'start' },
    {
      header: 'IDENTITY',
      key: 'signedIdentity',
      value: ({ requirement }) =>
        'signedIdentity' in requirement ? requirement.signedIdentity.type : null,
      wide: true,
    },
    {
      header: 'STAGING',
      key: 'lookasideStaging',
      value: ({ lookasideStaging }) => lookasideStaging,
      wide: true,
    },
    {
      header: 'ATTACHMENTS',
      key: 'useSigstoreAttachments',
      value: ({ useSigstoreAttachments }) => useSigstoreAttachments,
      wide: true,
    },
    {
      header: 'HIDES',
      key: 'hides',
      value: ({ hides }) => (hides === '' ? '""' : hides),
      wide: true,
    },
    { header: 'REACHABLE', key: 'isReachable', value: (row) => row.isReachable, wide: true },
    { header: 'POLICY', key: 'policy', value: ({ policy }) => policy, wide: true },
    {
      header: 'NAMESPACE',
      key: 'namespace',
      value: ({ namespace }) => namespace ?? null,
      wide: true,
    },
    {
      header: 'REQUIREMENT',
      key: 'requirement',
      value: ({ requirement }) => JSON.stringify(requirement),
      wide: true,
    },
  ],
};

/** Fingerprints; behind `!` what keeps the requirement from being met. */
function idText({ type, keys, unreadable }: TrustRow): string | null {
  const isKeyless = type === 'signedBy' && keys.length === 0 && unreadable.length === 0;
  const obstacles = isKeyless ? ['no-usable-key'] : unreadable;
  return [...keys, ...obstacles.map((obstacle) => `!${obstacle}`)].join(',') || null;
}

/**
 * A node's whole trust in images for people: each policy with its requirements, the keys it names, where signatures and
 * images come from, and what can hardly be meant. `wide` has every field.
 */
export function trustText(
  trust: ReportedTrust,
  rows: readonly TrustRow[],
  style: Style,
  { wide, headers }: { readonly wide: boolean; readonly headers: boolean },
): string {
  const tables = trust.policies.flatMap((policy, at) => {
    const own = rows.filter(
      ({ role, policy: path }) => role === policy.role && path === policy.path,
    );
    const table = tableText(own, TRUST.columns, style, {
      wide,
      headers: headers && own.length > 0,
    });
    // Of the system's alone what is wrong is said elsewhere.
    if (at === 0 && trust.policies.length === 1) return own.length === 0 ? [] : [table];
    return [`${safeText(headingOf(policy))}\n${table}`];
  });
  const options = { wide, headers };
  const blocks = [...tables, ...placeTables(trust, style, options), notesText(trust, style)];
  return blocks.filter((block) => block !== '').join('\n');
}

/** `policy of CRI-O: /etc/…`, with why it cannot be used. */
function headingOf({ role, path, namespace, origin, problem }: ReportedPolicy): string {
  const whose = { system: 'policy', crio: 'policy of CRI-O', namespace: 'policy of namespace' }[
    role
  ];
  const name = namespace === undefined ? whose : `${whose} ${namespace}`;
  const from = origin === undefined || origin === 'system' ? '' : ` (of the ${origin})`;
  const why = problem === undefined ? '' : `: cannot be used: ${problem.message}`;
  return `${name}: ${path}${from}${why}`;
}

/** That the default accepts anything says the table itself. */
function notesText({ policies }: ReportedTrust, style: Style): string {
  const notes = policies.flatMap(({ path, policy }) =>
    (policy === undefined ? [] : policyWarnings(policy))
      .filter(({ reason }) => reason !== 'accepts-anything')
      .map((warning) => ({ ...warning, policy: path })),
  );
  return notes
    .map(({ policy, path, message }) => {
      const mark = style.paint(style.symbols.warn, 'warn');
      return `${mark} ${safeText(`${policy}: ${path}: ${message}`)}\n`;
    })
    .join('');
}
