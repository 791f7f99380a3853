import type { EventRecord, FindingItem } from '../../shared/api.ts';
import { findingKey } from '../../shared/findings.ts';
import type { Store } from '../store/store.ts';

/** Changes of findings looked back upon, for each node. */
const EVENTS = 1000;
/** Of more nodes the first are told. */
const NODES = 50;
const OPEN: ReadonlySet<string> = new Set(['fail', 'error', 'unknown']);

/**
 * The same findings, those that do not pass with the time since when they say so. It is in the events, which a node
 * sends for each change of a result.
 */
export async function withSince(
  store: Pick<Store, 'events'>,
  findings: readonly FindingItem[],
): Promise<readonly FindingItem[]> {
  const open = findings.filter(({ result }) => OPEN.has(result));
  const nodes = [...new Set(open.map(({ node }) => node))].slice(0, NODES);
  const begun = new Map<string, ReadonlyMap<string, Beginning>>();
  for (const node of nodes) {
    const page = await store.events({ node, kind: 'finding.changed', limit: EVENTS });
    begun.set(node, beginningsIn(page.rows));
  }
  return findings.map((finding) => {
    if (!OPEN.has(finding.result)) return finding;
    const found = begun.get(finding.node)?.get(findingKey(finding));
    return found?.result === finding.result ? { ...finding, since: found.at } : finding;
  });
}

interface Beginning {
  readonly result: string;
  readonly at: string;
}

/** When each finding took its newest result. Another reason for the same result is no beginning. */
function beginningsIn(newestFirst: readonly EventRecord[]): ReadonlyMap<string, Beginning> {
  const beginnings = new Map<string, Beginning>();
  const results = new Map<string, unknown>();
  for (const { at, data } of newestFirst) {
    const { ruleId, subject, was, now } = data;
    if (typeof ruleId !== 'string') continue;
    const key = findingKey({ ruleId, ...(typeof subject === 'string' ? { subject } : {}) });
    if (!results.has(key)) results.set(key, now);
    if (beginnings.has(key) || now === was || typeof now !== 'string') continue;
    if (now === results.get(key)) beginnings.set(key, { result: now, at });
  }
  return beginnings;
}
