import { DIFFERING_CLASSES } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import type { Verdict } from '../../shared/images.ts';
import type { Items } from '../../shared/report.ts';
import { SEVERITIES, type Severity, WORST_FIRST } from '../../shared/results.ts';
import { toDriftItem, toFindingItem, toImageItem } from '../section-items.ts';
import type { IndexedSection } from './store.ts';
import { storable } from './text.ts';

/** What an item of a section is found by; the item itself stands in the section alone. */
export interface ItemIndex {
  /** Rule id, image reference, path. */
  readonly subject: string;
  /** Outcome and severity as one number, lower is worse. */
  readonly rank: number;
}

/*
 * A rank is kept in databases: it is the place of an outcome in one of these lists. To change their order is to
 * change the schema.
 */
const VERDICTS_WORST_FIRST: readonly Verdict[] = ['rejected', 'unknown', 'unenforced', 'accepted'];
const OUTCOMES: Readonly<Record<IndexedSection, readonly string[]>> = {
  checks: WORST_FIRST,
  images: VERDICTS_WORST_FIRST,
  // Others are not indexed: files that are as they should be, which are most of what a node has.
  files: DIFFERING_CLASSES,
  trust: ['present'],
};

/**
 * Outcomes whose items stand in the index as well: what is asked for over all nodes, and what few items have. To read
 * one of them from its section is to read the whole section.
 */
const KEPT: Readonly<Record<IndexedSection, readonly string[]>> = {
  checks: ['fail', 'unknown', 'error'],
  images: ['rejected', 'unknown'],
  files: DIFFERING_CLASSES,
  trust: [],
};
/** Characters of JSON; larger items are read from their section. */
const MOST_KEPT = 8192;

/** Worst first within one outcome; only findings have a severity. */
const SEVERITY_ORDER: Readonly<Record<IndexedSection, readonly (Severity | '')[]>> = {
  checks: SEVERITIES.toReversed(),
  images: [''],
  files: [''],
  trust: [''],
};

/**
 * Sorts an item into the index. What a node says is never believed to be well formed: an item that cannot be read
 * counts as `error` or `unknown`, so that it stays visible and cannot turn green. Undefined for what nobody asks
 * over all nodes.
 */
export function indexItem(section: IndexedSection, key: string, item: Json): ItemIndex | undefined {
  switch (section) {
    case 'checks': {
      const { ruleId, result, severity } = toFindingItem('', key, item);
      return indexOf(section, ruleId, result, severity);
    }
    case 'images': {
      const { reference, verdict } = toImageItem('', key, item);
      return indexOf(section, reference, verdict);
    }
    case 'files': {
      const { path, class: outcome } = toDriftItem('', key, item);
      return OUTCOMES.files.includes(outcome) ? indexOf(section, path, outcome) : undefined;
    }
    case 'trust':
      return indexOf(section, key, 'present');
  }
}

function indexOf(
  section: IndexedSection,
  subject: string,
  outcome: string,
  severity: Severity | '' = '',
): ItemIndex {
  const severities = SEVERITY_ORDER[section];
  const rank =
    OUTCOMES[section].indexOf(outcome) * severities.length + severities.indexOf(severity);
  return { subject: storable(subject), rank };
}

/** What a rank stands for. */
export function meaningOf(
  section: IndexedSection,
  rank: number,
): { readonly outcome: string; readonly severity: Severity | '' } {
  const severities = SEVERITY_ORDER[section];
  return {
    outcome: OUTCOMES[section][Math.floor(rank / severities.length)] ?? '',
    severity: severities[rank % severities.length] ?? '',
  };
}

/** The item as the index keeps it, JSON; null where it does not. */
export function keptItem(section: IndexedSection, rank: number, item: Json): string | null {
  if (!KEPT[section].includes(meaningOf(section, rank).outcome)) return null;
  const json = JSON.stringify(item);
  return json.length <= MOST_KEPT ? json : null;
}

/** The ranks that a query is about, worst first. */
export function ranksOf(
  section: IndexedSection,
  outcomes: readonly string[] | undefined,
  severities: readonly Severity[] | undefined,
): readonly number[] {
  const ranks: number[] = [];
  for (const outcome of OUTCOMES[section]) {
    if (outcomes !== undefined && !outcomes.includes(outcome)) continue;
    for (const severity of SEVERITY_ORDER[section]) {
      const isAsked =
        severities === undefined || (severity !== '' && severities.includes(severity));
      if (isAsked) ranks.push(indexOf(section, '', outcome, severity).rank);
    }
  }
  return ranks;
}

/** One item for each subject and rank. */
export function bySubject(section: IndexedSection, items: Items): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  for (const [key, item] of items) {
    const index = indexItem(section, key, item);
    if (index !== undefined) found.set(`${index.rank} ${index.subject}`, item);
  }
  return found;
}
