import type { ReportedKey, ReportedKeyFile, ReportedTrust } from '../../shared/reported-trust.ts';
import type { Registry } from '../../shared/trust/registries-conf-file.ts';
import type { RegistriesDSection } from '../../shared/trust/registries-d-file.ts';
import type { Style } from './colour.ts';
import type { Column } from './column.ts';
import { type TableOptions, tableText } from './table.ts';

interface KeyRow {
  readonly file: ReportedKeyFile;
  readonly key?: ReportedKey;
}

const KEYS: readonly Column<KeyRow>[] = [
  { header: 'KEY-FILE', key: 'path', value: ({ file }) => file.path, shrink: 'start' },
  {
    header: 'KEY',
    key: 'fingerprint',
    value: ({ key }) => key?.fingerprint ?? null,
    shrink: 'end',
  },
  { header: 'ALGORITHM', key: 'algorithm', value: ({ key }) => key?.algorithm ?? null },
  { header: 'ENDS', key: 'ends', value: ({ key }) => key?.ends?.slice(0, 10) ?? null },
  {
    header: 'PROBLEM',
    key: 'problem',
    value: ({ file, key }) => file.problem?.reason ?? (key?.isRevoked === true ? 'revoked' : null),
    tone: () => 'bad',
  },
  { header: 'SHA256', key: 'sha256', value: ({ file }) => file.sha256 ?? null, wide: true },
];

interface LookasideRow extends Partial<RegistriesDSection> {
  readonly scope: string;
}

const LOOKASIDES: readonly Column<LookasideRow>[] = [
  { header: 'SIGNATURES-OF', key: 'scope', value: ({ scope }) => scope, shrink: 'start' },
  {
    header: 'LOOKASIDE',
    key: 'lookaside',
    value: ({ lookaside, sigstore }) => lookaside ?? sigstore ?? null,
    shrink: 'end',
  },
  {
    header: 'ATTACHMENTS',
    key: 'useSigstoreAttachments',
    value: ({ useSigstoreAttachments }) => useSigstoreAttachments ?? null,
  },
  { header: 'FILE', key: 'file', value: ({ file }) => file ?? null },
  {
    header: 'STAGING',
    key: 'lookasideStaging',
    value: ({ lookasideStaging, sigstoreStaging }) => lookasideStaging ?? sigstoreStaging ?? null,
    wide: true,
  },
];

const REGISTRIES: readonly Column<Registry>[] = [
  { header: 'REGISTRY', key: 'prefix', value: ({ prefix }) => prefix, shrink: 'start' },
  {
    header: 'BLOCKED',
    key: 'blocked',
    value: ({ blocked }) => blocked,
    tone: ({ blocked }) => (blocked ? 'warn' : undefined),
  },
  {
    header: 'INSECURE',
    key: 'insecure',
    value: ({ insecure }) => insecure,
    tone: ({ insecure }) => (insecure ? 'bad' : undefined),
  },
  { header: 'FROM', key: 'location', value: fromText, shrink: 'end' },
];

/** Mirrors and the registry itself, in the order in which they are asked. */
function fromText({ mirrors, location, prefix }: Registry): string {
  const places = mirrors.map(({ location: place, insecure, use }) => {
    const marks = [...(use === 'all' ? [] : [use]), ...(insecure ? ['insecure'] : [])];
    return marks.length === 0 ? place : `${place}(${marks.join(',')})`;
  });
  return [...places, location || prefix].join(',');
}

/** Keys, places of signatures and places of images: a table for each of them that there is. */
export function placeTables(
  { keyFiles, registriesD, registriesConf }: ReportedTrust,
  style: Style,
  options: TableOptions,
): readonly string[] {
  const keys = [...keyFiles.values()].flatMap((file): readonly KeyRow[] =>
    file.keys === undefined || file.keys.length === 0
      ? [{ file }]
      : file.keys.map((key) => ({ file, key })),
  );
  const lookasides: LookasideRow[] = [
    ...(registriesD?.docker ?? []),
    ...(registriesD?.defaultDocker ? [['(all others)', registriesD.defaultDocker] as const] : []),
  ].map(([scope, section]) => ({ scope, ...section }));
  const registries = [...(registriesConf?.registries.values() ?? [])];
  const table = <Row>(rows: readonly Row[], columns: readonly Column<Row>[]): readonly string[] =>
    rows.length === 0 ? [] : [tableText(rows, columns, style, options)];
  return [...table(keys, KEYS), ...table(lookasides, LOOKASIDES), ...table(registries, REGISTRIES)];
}
