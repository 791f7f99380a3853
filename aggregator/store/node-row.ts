import type { Hashes } from '../../shared/protocol.ts';
import { SECTIONS, type SectionName } from '../../shared/report.ts';
import { integer, integerOrNull, type Row, text, textOrNull } from './row.ts';
import type { NodeSummary, StoredNode } from './stored-node.ts';
import { summarize, type Tally } from './summary.ts';

/** What the sections of a node are, without their items. */
export interface SectionsOf {
  readonly hashes: Hashes;
  readonly summary: NodeSummary;
}

/** From rows of name, hash and tally. */
export function sectionsOf(rows: readonly Row[]): SectionsOf {
  const hashes: Partial<Record<SectionName, string>> = {};
  for (const row of rows) {
    const name = SECTIONS.find((known) => known === text(row, 'name'));
    if (name !== undefined) hashes[name] = text(row, 'hash');
  }
  const summary = summarize(
    // What was written with the section.
    rows.map((row) => [text(row, 'name'), JSON.parse(text(row, 'tally')) as Tally] as const),
  );
  return { hashes, summary };
}

/** From a row of `node` and those of its sections. */
export function readNode(row: Row, sections: readonly Row[], elsewhere: boolean): StoredNode {
  const { hashes, summary } = sectionsOf(sections);
  return {
    uid: text(row, 'uid'),
    name: text(row, 'name'),
    pool: text(row, 'pool'),
    session: integer(row, 'session'),
    agentVersion: textOrNull(row, 'agent_version'),
    hostName: textOrNull(row, 'host_name'),
    machineId: textOrNull(row, 'machine_id'),
    bootId: textOrNull(row, 'boot_id'),
    firstSeenMs: integer(row, 'first_seen'),
    lastSeenMs: integer(row, 'last_seen'),
    retiredAtMs: integerOrNull(row, 'retired_at'),
    sections: hashes,
    summary,
    lost: integer(row, 'lost'),
    elsewhere,
  };
}

/** Rows by the number in their column `node`. */
export function byNode(rows: Iterable<Row>): ReadonlyMap<number, readonly Row[]> {
  return Map.groupBy(rows, (row) => integer(row, 'node'));
}
