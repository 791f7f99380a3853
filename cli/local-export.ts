import { EXPORT_FORMATS } from '../shared/exports/index.ts';
import type { ExportFormat, ExportSource } from '../shared/exports/source.ts';
import { toStatements } from '../shared/exports/statement.ts';
import type { RuleResult } from '../shared/findings.ts';
import { safeText } from '../shared/safe-text.ts';
import { VERSION } from '../shared/version.ts';
import { isFormat } from './output/format.ts';

/** What `check -o` has besides the formats of every list: the exports that are about findings. */
export const FINDING_EXPORTS: readonly ExportFormat[] = EXPORT_FORMATS.filter(
  ({ id, about }) => about === 'findings' && !isFormat(id),
);

/** What one node says, without a server: it speaks for itself, as of now. */
export function localSource(
  node: string,
  findings: readonly RuleResult[],
  now: string,
): ExportSource {
  const report = {
    name: safeText(node),
    pool: '',
    lastSeen: now,
    agentVersion: VERSION,
    dataAsOf: now,
  };
  return {
    generatedAt: now,
    version: VERSION,
    link: '',
    coverage: { expected: 1, reporting: 1, missing: [] },
    async *findings() {
      yield { ...report, items: toStatements({ name: node }, findings) };
    },
    async *images() {
      yield { ...report, items: [] };
    },
  };
}
