import { DIFFERING_CLASSES, type FileClass } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import type { Verdict } from '../../shared/images.ts';
import { SEVERITIES, type Severity, WORST_FIRST } from '../../shared/results.ts';
import { toDriftItem, toFindingItem, toImageItem } from '../section-items.ts';
import type { IndexedSection } from './store.ts';

/** What an item of a section is filtered and sorted by. */
export interface ItemIndex {
  /** Rule id, image reference, path. */
  readonly subject: string;
  readonly outcome: string;
  readonly severity: Severity | '';
  /** Lower is worse. */
  readonly rank: number;
}

const VERDICTS_WORST_FIRST: readonly Verdict[] = ['rejected', 'unknown', 'unenforced', 'accepted'];
/** Others are not indexed. */
const FILES_WORST_FIRST: readonly FileClass[] = DIFFERING_CLASSES;

/**
 * Sorts an item into the index. What a node says is never believed to be well formed: an item that cannot be read
 * counts as `error` or `unknown`, so that it stays visible and cannot turn green. Undefined for what nobody asks
 * over all nodes: files that are as they should be, which are most of what a node has.
 */
export function indexItem(section: IndexedSection, key: string, item: Json): ItemIndex | undefined {
  switch (section) {
    case 'checks': {
      const { ruleId, result, severity } = toFindingItem('', key, item);
      const severityRank = SEVERITIES.length - 1 - SEVERITIES.indexOf(severity);
      const rank = WORST_FIRST.indexOf(result) * SEVERITIES.length + severityRank;
      return { subject: ruleId, outcome: result, severity, rank };
    }
    case 'images': {
      const { reference, verdict } = toImageItem('', key, item);
      const rank = VERDICTS_WORST_FIRST.indexOf(verdict);
      return { subject: reference, outcome: verdict, severity: '', rank };
    }
    case 'files': {
      const { path, class: outcome } = toDriftItem('', key, item);
      const rank = FILES_WORST_FIRST.indexOf(outcome);
      return rank < 0 ? undefined : { subject: path, outcome, severity: '', rank };
    }
    case 'trust':
      return { subject: key, outcome: 'present', severity: '', rank: 0 };
  }
}
