import { API_VERSION, type List } from '../../shared/api.ts';
import type { PolicyItem } from '../../shared/api-pools.ts';
import { counted } from '../../shared/counted.ts';
import type {
  ReportedKeyFile,
  ReportedPolicy,
  ReportedTrust,
} from '../../shared/reported-trust.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Registry } from '../../shared/trust/registries-conf-file.ts';
import { diffTrust, type TrustChange } from '../../shared/trust-changes.ts';
import { Client } from '../client.ts';
import type { Invocation } from '../command.ts';
import { coverageExit, coverageText, readPercent } from '../coverage.ts';
import { combineExits, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { changeLines } from '../output/change.ts';
import { type Style, styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { namesText } from '../output/names.ts';
import { trustText } from '../output/trust-table.ts';
import { answeredExit, fetchGroups, fetchTrust, type Target, targetOf } from '../trust-groups.ts';
import { type TrustRow, trustRows } from '../trust-rows.ts';

/** Nodes that trust images by the same, and by what. */
interface TrustGroupItem {
  readonly digest: string;
  readonly nodes: readonly string[];
  readonly pools: readonly string[];
  readonly majorityOf: readonly string[];
  readonly outliers: readonly string[];
  readonly policies: readonly Omit<ReportedPolicy, 'policy'>[];
  readonly scopes: readonly TrustRow[];
  readonly registries: readonly Registry[];
  readonly keyFiles: readonly ReportedKeyFile[];
  /** What sets the outliers apart from the majority of their pool; of several pools, of the first. */
  readonly differences: readonly TrustChange[];
}

interface Group extends TrustGroupItem {
  readonly trust: ReportedTrust;
}

const PRESENTATION: Presentation<TrustGroupItem> = {
  resource: 'policy',
  nameOf: ({ digest }) => digest,
  columns: [
    { header: 'DIGEST', key: 'digest', value: ({ digest }) => digest },
    { header: 'NODES', key: 'nodes', value: ({ nodes }) => nodes.length, align: 'right' },
    { header: 'POOLS', key: 'pools', value: ({ pools }) => pools.join(',') },
    { header: 'OUTLIERS', key: 'outliers', value: ({ outliers }) => outliers.join(',') || null },
    { header: 'SCOPES', key: 'scopes', value: ({ scopes }) => scopes.length, align: 'right' },
    { header: 'ON', key: 'on', value: ({ nodes }) => nodes.join(','), wide: true },
  ],
};

/** `trust show NODE|POOL` and `trust show --all-nodes`. */
export async function showFleet(
  name: string | undefined,
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const required = readPercent(invocation.value('require-coverage'));
  using client = await Client.open(invocation, io);
  const target: Target = name === undefined ? { kind: 'fleet' } : await targetOf(client, name);
  const { groups, coverage } = await fetchGroups(client, target);
  const items = await readGroups(client, groups, target, io.nowMs());
  const list: List<'TrustGroupList', TrustGroupItem> = {
    apiVersion: API_VERSION,
    kind: 'TrustGroupList',
    items: items.map(({ trust: _, ...item }) => item),
    coverage,
  };
  const output = invocation.value('output') ?? 'table';
  const headers = !invocation.flag('no-headers');
  const style = styleOf(io, invocation.value('color'));
  if (output === 'table' || output === 'wide') {
    io.stdout.write(peopleText(items, style, { wide: output === 'wide', headers }));
  } else if (isFormat(output)) {
    io.stdout.write(listText(list, PRESENTATION, output, style, headers));
  }
  io.stderr.write(`${coverageText(coverage)}\n`);
  return combineExits([coverageExit(coverage, required, io), answeredExit(items, io)]);
}

/** Each group with all of its trust, and with what sets its outliers apart. */
async function readGroups(
  client: Client,
  groups: readonly PolicyItem[],
  target: Target,
  nowMs: number,
): Promise<readonly Group[]> {
  const read = new Map<string, ReportedTrust>();
  const trustOf = async (digest: string): Promise<ReportedTrust> => {
    const trust = read.get(digest) ?? (await fetchTrust(client, digest));
    read.set(digest, trust);
    return trust;
  };
  // The majority may be outside of what was asked for.
  const { groups: all } =
    target.kind === 'node' ? await fetchGroups(client, { kind: 'fleet' }) : { groups };
  const found: Group[] = [];
  for (const group of groups) {
    const trust = await trustOf(group.digest);
    const majority = all.find(
      ({ digest, majorityOf }) =>
        digest !== group.digest && majorityOf.some((pool) => group.pools.includes(pool)),
    );
    const isApart = group.outliers.length > 0 && majority !== undefined;
    found.push({
      ...toItem(group, trust, await trustRows(trust, nowMs)),
      differences: isApart ? diffTrust(await trustOf(majority.digest), trust) : [],
      trust,
    });
  }
  return found;
}

function toItem(
  { digest, nodes, pools, majorityOf, outliers }: PolicyItem,
  trust: ReportedTrust,
  scopes: readonly TrustRow[],
): Omit<TrustGroupItem, 'differences'> {
  return {
    digest,
    nodes,
    pools,
    majorityOf,
    outliers,
    policies: trust.policies.map(({ policy: _, ...policy }) => policy),
    scopes,
    registries: [...(trust.registriesConf?.registries.values() ?? [])],
    keyFiles: [...trust.keyFiles.values()],
  };
}

/**
 * A group with everything where its nodes are the majority or nobody is; where they stand apart, what sets them apart,
 * and everything too when it was they alone that were asked for, or `wide`.
 */
function peopleText(
  groups: readonly Group[],
  style: Style,
  options: { readonly wide: boolean; readonly headers: boolean },
): string {
  return groups
    .map((group) => {
      const { trust, scopes, differences, outliers, nodes, majorityOf } = group;
      const isApart = outliers.length === nodes.length && differences.length > 0;
      const isWhole = !isApart || majorityOf.length > 0 || groups.length === 1 || options.wide;
      const whole = isWhole ? [trustText(trust, scopes, style, options)] : [];
      return [headText(group, style), ...changeLines(differences, style).map((line) => `${line}\n`)]
        .concat(whole)
        .join('');
    })
    .join('\n');
}

function headText(
  { digest, nodes, pools, majorityOf, outliers }: TrustGroupItem,
  style: Style,
): string {
  const count = counted(nodes.length, 'node');
  const where = `${count} of ${pools.length === 1 ? 'pool' : 'pools'} ${pools.join(', ')}`;
  const line = `policy ${shortDigest(digest)}  ${where}: ${namesText(nodes)}`;
  const says: string[] = [];
  if (majorityOf.length > 0) {
    const mark = style.paint(`${style.symbols.good} MAJORITY`, 'good');
    says.push(`${mark} of ${safeText(majorityOf.join(', '))}`);
  }
  if (outliers.length > 0) {
    const whose = outliers.length === nodes.length ? '' : ` (${safeText(namesText(outliers))})`;
    const mark = style.paint(`${style.symbols.bad} OUTLIER${whose}`, 'bad');
    says.push(`${mark}: unlike the majority of its pool`);
  }
  if (majorityOf.length === 0 && outliers.length === 0) {
    const mark = style.paint(`${style.symbols.warn} NO MAJORITY`, 'warn');
    says.push(`${mark}: no policy is that of more than half of its pool`);
  }
  return [safeText(line), ...says].map((text) => `${text}\n`).join('');
}

/** As people compare digests: their first 12 digits. */
function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
