import type { Items, SectionName } from '../shared/report.ts';
import type { Check, CheckContext } from './check.ts';
import { describeImages } from './checks/images.ts';
import { desiredState } from './desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from './desired/machine-config.ts';
import { factItems, readFacts } from './facts.ts';
import { inspectFiles } from './survey.ts';
import { readNodeTrust } from './trust.ts';
import { describeTrust } from './trust-items.ts';
import { trustWatches, trustWatchesIn } from './trust-places.ts';
import { watchedWatches } from './watched-places.ts';

/** Where the items of a section come from. */
export interface SectionSource {
  readonly section: SectionName;
  /** Read anew when something in these folders changed, and at the interval; without, after its check alone. */
  readonly watches?: readonly string[];
  /** As of `Check`. */
  readonly watchesIn?: Check['watchesIn'];
  /** Id of the check whose every run makes the section new. */
  readonly after?: string;
  readonly collect: (context: CheckContext, signal: AbortSignal) => Promise<Items>;
}

export const sectionSources: readonly SectionSource[] = [
  {
    section: 'host',
    watches: [MACHINE_CONFIG_FOLDER],
    collect: async ({ host }) => factItems(await readFacts(host)),
  },
  {
    section: 'files',
    watches: [...new Set([...trustWatches, ...watchedWatches, MACHINE_CONFIG_FOLDER])],
    watchesIn: trustWatchesIn,
    collect: async ({ host, baseline }) =>
      await inspectFiles(host, await desiredState(host, baseline)),
  },
  {
    section: 'trust',
    watches: trustWatches,
    watchesIn: trustWatchesIn,
    collect: async ({ host, clock }) =>
      await describeTrust(await readNodeTrust(host), clock.nowMs()),
  },
  { section: 'images', after: 'images', collect: describeImages },
];
