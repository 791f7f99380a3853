import type { NodeDetail } from '../../../shared/api.ts';
import type { PoolBaseline } from '../../../shared/api-pools.ts';
import { canonicalJson, type Json } from '../../../shared/canonical.ts';
import {
  COMPARED_SECTIONS,
  type ComparedSection,
  comparablesOf,
} from '../../../shared/comparable.ts';
import { findingKey } from '../../../shared/findings.ts';
import { readReportedTrust } from '../../../shared/reported-trust.ts';
import { diffTrust } from '../../../shared/trust-changes.ts';
import { type Html, html } from '../html.ts';
import { noData, noneFound, table } from '../table.ts';
import { trustChangesView } from '../trust-changes-view.ts';
import { cut } from '../words.ts';

/** What a node is compared with. */
interface Side {
  readonly name: string;
  readonly trust: ReadonlyMap<string, Json> | undefined;
  readonly sections: Readonly<Record<ComparedSection, ReadonlyMap<string, Json>>>;
  /** Whether a section was reported. */
  isKnown(section: ComparedSection): boolean;
  /** Keys on which nothing can be said to differ: those of a pool that has no majority. */
  isComparable(section: ComparedSection, key: string): boolean;
}

const TITLES: Readonly<Record<ComparedSection, string>> = {
  checks: 'Results of rules that differ',
  files: 'Files that differ',
  images: 'Images that differ',
  host: 'Facts that differ',
};

/** How a node differs from another, or from what more than half of the nodes of a pool say. */
export function compareTab(one: NodeDetail, other: NodeDetail | PoolBaseline): Html {
  const [here, there] = [sideOf(one), other.kind === 'Node' ? sideOf(other) : majorityOf(other)];
  return html`${trustDifferences(here, there)}
${COMPARED_SECTIONS.map((section) => differences(section, here, there))}`;
}

function trustDifferences(here: Side, there: Side): Html {
  if (here.trust === undefined || there.trust === undefined) {
    const which = here.trust === undefined ? here.name : there.name;
    return noData(`What ${cut(which, 64)} trusts images by is not known, or has no majority.`);
  }
  const changes = diffTrust(readReportedTrust(there.trust), readReportedTrust(here.trust));
  return trustChangesView(
    `Trust in images, from ${cut(there.name, 64)} to ${cut(here.name, 64)}`,
    changes,
  );
}

function differences(section: ComparedSection, here: Side, there: Side): Html {
  const isKnown = here.isKnown(section) && there.isKnown(section);
  const [a, b] = [here.sections[section], there.sections[section]];
  const text = (items: ReadonlyMap<string, Json>, key: string): string => {
    const item = items.get(key);
    return item === undefined ? 'not there' : canonicalJson(item);
  };
  const keys = isKnown ? [...new Set([...a.keys(), ...b.keys()])] : [];
  const rows = keys
    .filter((key) => there.isComparable(section, key) && text(a, key) !== text(b, key))
    .sort();
  return table({
    caption: TITLES[section],
    columns: [
      { header: 'What', cell: (key) => html`<bdi>${cut(key, 200)}</bdi>` },
      { header: cut(here.name, 64), cell: (key) => html`<code>${cut(text(a, key))}</code>` },
      { header: cut(there.name, 64), cell: (key) => html`<code>${cut(text(b, key))}</code>` },
    ],
    rows,
    empty: isKnown
      ? noneFound(`${a.size} on one side and ${b.size} on the other were compared.`)
      : noData('One side has not reported it.'),
  });
}

function sideOf({ node, sections, findings, images, reported = {} }: NodeDetail): Side {
  const trust = Object.entries(sections['trust'] ?? {});
  const plain = (item: object): Json => ({ ...item }) as Json; // plain data by their types
  return {
    name: node.name,
    trust: trust.length === 0 ? undefined : new Map(trust),
    sections: {
      checks: comparablesOf(
        'checks',
        findings.map((one) => [findingKey(one), plain(one)]),
      ),
      files: comparablesOf('files', Object.entries(sections['files'] ?? {})),
      images: comparablesOf(
        'images',
        images.map((one) => [one.reference, plain(one)]),
      ),
      host: comparablesOf('host', Object.entries(sections['host'] ?? {})),
    },
    isKnown: (section) => reported[section] !== undefined,
    isComparable: () => true,
  };
}

function majorityOf({ pool, trust, sections }: PoolBaseline): Side {
  const items = (section: ComparedSection) => new Map(Object.entries(sections[section].items));
  return {
    name: `pool ${pool}`,
    trust: trust === null ? undefined : new Map(Object.entries(trust.items)),
    sections: {
      checks: items('checks'),
      files: items('files'),
      images: items('images'),
      host: items('host'),
    },
    isKnown: (section) => sections[section].nodes > 0,
    // Which node holds which image is the scheduler's choice.
    isComparable: (section, key) =>
      !sections[section].varying.includes(key) &&
      (section !== 'images' || sections[section].items[key] !== undefined),
  };
}
