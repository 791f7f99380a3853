import { findingLine, findingText } from '../../shared/finding-text.ts';
import type { RuleResult } from '../../shared/findings.ts';
import {
  RESULTS,
  type ResultCounts,
  resultWord,
  SEVERITIES,
  WORST_FIRST,
} from '../../shared/results.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Style } from './colour.ts';
import type { Column } from './column.ts';
import { lookOf, resultLabel, resultSymbol, resultTone } from './result.ts';
import { displayWidth, pad, truncate } from './width.ts';
import { wrap } from './wrap.ts';

/** Failures first, the gravest of them first, then by rule and subject. */
export function byUrgency(a: RuleResult, b: RuleResult): number {
  return (
    WORST_FIRST.indexOf(a.result) - WORST_FIRST.indexOf(b.result) ||
    SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
    compare(a.ruleId, b.ruleId) ||
    compare(a.subject ?? '', b.subject ?? '')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The columns of a finding, whoever lists it. */
export const FINDING_COLUMNS: readonly Column<RuleResult>[] = [
  // Never cut: it is what `explain` and selectors take.
  { header: 'RULE', key: 'ruleId', value: ({ ruleId }) => ruleId },
  {
    header: 'RESULT',
    key: 'result',
    value: ({ result }) => result,
    show: ({ result }) => resultWord(result),
    symbol: ({ result }) => resultSymbol(result),
    tone: ({ result }) => resultTone(result),
  },
  { header: 'SEVERITY', key: 'severity', value: ({ severity }) => severity, drop: 2 },
  {
    header: 'SUBJECT',
    key: 'subject',
    value: ({ subject }) => subject ?? null,
    wide: true,
  },
  { header: 'REASON', key: 'reason', value: ({ reason }) => reason ?? null, wide: true },
  {
    header: 'MESSAGE',
    key: 'message',
    value: ({ message }) => message,
    show: findingText,
    // Which subject it is, the wide columns say.
    showAlone: findingLine,
    shrink: 'end',
    least: 16,
    drop: 1,
  },
];

/** `2 failed, 1 unknown, 14 passed of 17`. */
export function countsText(counts: ResultCounts): string {
  const parts = WORST_FIRST.filter((result) => counts[result] > 0).map((result) => {
    return `${counts[result]} ${lookOf(result).counted}`;
  });
  const total = RESULTS.reduce((sum, result) => sum + counts[result], 0);
  return total === 0 ? 'no rule was asked' : `${parts.join(', ')} of ${total}`;
}

const GAP = 2;
/** Below this a message that is cut says nothing any more. */
const LEAST_CUT_COLUMNS = 8;
/** A message gets at least this much of the line, or a line of its own. */
const LEAST_MESSAGE_COLUMNS = 32;

/**
 * One line a finding, in the given order. On a terminal a message that is too long is cut when the rule passed and
 * continued below when it did not, so that nothing one must read is missing; piped, a line is a finding.
 */
export function findingLines(findings: readonly RuleResult[], style: Style): readonly string[] {
  const labels = findings.map(({ result }) => resultLabel(result, style));
  const widthOf = (texts: readonly string[]): number =>
    texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0) + GAP;
  const labelWidth = widthOf(labels);
  const severityWidth = widthOf(findings.map(({ severity }) => severity));
  const ruleWidth = widthOf(findings.map(({ ruleId }) => safeText(ruleId)));
  const indent = labelWidth + severityWidth + ruleWidth;
  return findings.flatMap((finding, at) => {
    const { result, severity, ruleId } = finding;
    const label = labels[at] ?? '';
    const start =
      style.paint(label, resultTone(result)) +
      ' '.repeat(labelWidth - displayWidth(label)) +
      pad(severity, severityWidth);
    const rule = safeText(ruleId);
    const text = safeText(findingLine(finding));
    const room = style.columns - indent;
    if (!style.isTerminal) return [start + pad(rule, ruleWidth) + text];
    if (lookOf(result).tone === 'good' || lookOf(result).tone === 'dim') {
      const columns = Math.max(room, LEAST_CUT_COLUMNS);
      return [start + pad(rule, ruleWidth) + truncate(text, columns, 'end', style.symbols.cut)];
    }
    const hasRoom = room >= LEAST_MESSAGE_COLUMNS;
    const [first = '', ...more] = wrap(text, hasRoom ? room : style.columns - labelWidth);
    const margin = ' '.repeat(hasRoom ? indent : labelWidth);
    const rest = [...(hasRoom ? [] : [first]), ...more].map((line) => margin + line);
    return [hasRoom ? start + pad(rule, ruleWidth) + first : start + rule, ...rest];
  });
}
