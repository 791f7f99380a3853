import type { NodeDetail } from '../../shared/api.ts';
import { counted } from '../../shared/counted.ts';
import { countResults } from '../../shared/results.ts';
import { safeText } from '../../shared/safe-text.ts';
import { ago } from '../duration.ts';
import type { Style } from './colour.ts';
import { eventPresentation } from './event.ts';
import { exceptionLines } from './exception.ts';
import { blockText, type Fact, factsText } from './facts.ts';
import { byUrgency, countsText, findingLines } from './finding.ts';
import { IMAGE_COLUMNS } from './image.ts';
import { nodeStateText } from './node.ts';
import { tableText } from './table.ts';

/** So many events are shown; `get events` has them all. */
const SHOWN_EVENTS = 10;
/** Sections of which people ask how old they are. */
const AGED = ['trust', 'checks', 'images', 'files'] as const;

/** A node with everything one would ask next. */
export function nodeText(detail: NodeDetail, style: Style, nowMs: number): string {
  const { node, findings, images, events } = detail;
  const open = findings
    .filter(({ result }) => result !== 'pass' && result !== 'notapplicable')
    .sort(byUrgency)
    .map(({ since, message, ...finding }) => ({
      ...finding,
      message: since === undefined ? message : `${message} (for ${ago(since, nowMs)})`,
    }));
  const doubtful = images.filter(({ verdict }) => verdict !== 'accepted');
  const seen = node.lastSeen === null ? 'never' : `${ago(node.lastSeen, nowMs)} ago`;
  const facts: Fact[] = [
    ['Name', `${node.name} (uid ${node.uid})`],
    ['State', `${nodeStateText(node.state)}, last seen ${seen}`],
    ...absenceFacts(detail, nowMs),
    ['Pool', node.pool],
    ['Agent', node.agentVersion ?? '-'],
    ...(detail.session.connected ? [['Connection', connectionText(detail, nowMs)] as const] : []),
    ...conditionFacts(detail, nowMs),
    ['Data', dataText(detail, nowMs)],
    ...hostFacts(detail),
    ['Rules', countsText(countResults(findings.map(({ result }) => result)))],
    ['Drift', node.drift === 0 ? 'none' : `${node.drift} (nodeseal get drift)`],
  ];
  const next = nextStep(detail);
  const shown = events.slice(0, SHOWN_EVENTS);
  return [
    factsText(facts, style),
    blockText('Findings', findingLines(open, style).join('\n')),
    blockText('Exceptions', exceptionLines(findings).join('\n')),
    blockText(
      'Images not accepted',
      tableText(doubtful, IMAGE_COLUMNS, style, { headers: doubtful.length > 0 }),
    ),
    blockText(
      'Last events',
      tableText(shown, eventPresentation(nowMs).columns.slice(1), style, {
        headers: shown.length > 0,
      }),
    ),
    ...(next === undefined ? [] : [factsText([['Next', next]], style)]),
  ].join('\n');
}

/** Why it does not report, and what it said last. */
function absenceFacts({ absence, session }: NodeDetail, nowMs: number): readonly Fact[] {
  const { connected, lastWords, lostRecords } = session;
  if (connected) return absence === undefined ? [] : [['Missing', absence]];
  const why: Fact[] = absence === undefined ? [] : [['Missing', absence]];
  if (lastWords === undefined || lastWords === null) {
    const text = `not known: no session with it since this aggregator started; ${counted(lostRecords, 'event')} lost`;
    return [...why, ['Last words', text]];
  }
  const { at, since, unsentRecords, clockSkewSeconds, conditions } = lastWords;
  const says = [
    `${at} (${ago(at, nowMs)} ago), in a session since ${since}`,
    `${counted(unsentRecords, 'event')} unsent, more may have come since`,
    `${lostRecords} lost`,
    ...(clockSkewSeconds === null ? [] : [`clock skew ${Math.abs(clockSkewSeconds).toFixed(1)}s`]),
    conditions.length === 0 ? 'nothing wrong with its agent' : conditions.join(', '),
  ];
  return [...why, ['Last words', says.join('; ')]];
}

function connectionText({ session }: NodeDetail, nowMs: number): string {
  const { since, unsentRecords, lostRecords, clockSkewSeconds } = session;
  const skew =
    clockSkewSeconds === null ? '' : `, clock skew ${Math.abs(clockSkewSeconds).toFixed(1)}s`;
  // With another aggregator it is connected since a time not known here.
  const when = since === null ? 'connected elsewhere' : `connected since ${ago(since, nowMs)}`;
  return `${when}, ${counted(unsentRecords, 'event')} unsent, ${lostRecords} lost${skew}`;
}

/** What the agent said is wrong with itself, in the report that came last. */
function conditionFacts({ sections }: NodeDetail, nowMs: number): readonly Fact[] {
  return Object.entries(sections['agent'] ?? {}).flatMap(([key, item]): readonly Fact[] => {
    if (!key.startsWith('condition ')) return [];
    const { why, since } = asCondition(item);
    return [['Condition', `${key.slice('condition '.length)} for ${ago(since, nowMs)}: ${why}`]];
  });
}

function asCondition(item: unknown): { readonly why: string; readonly since: string } {
  const members = new Map(Object.entries(typeof item === 'object' && item !== null ? item : {}));
  return { why: String(members.get('why') ?? '-'), since: String(members.get('since') ?? '') };
}

/** How long each section has been saying what it says; what was never reported is named. */
function dataText({ reported = {}, absence }: NodeDetail, nowMs: number): string {
  if (Object.keys(reported).length === 0) return 'nothing was reported yet';
  const parts = AGED.map((name) => {
    const at = reported[name];
    return at === undefined ? `no ${name} yet` : `${name} the same for ${ago(at, nowMs)}`;
  });
  return parts.join(', ') + (absence === undefined ? '' : '; what it said last, not what is now');
}

/** The flat members of the section `host`: what the machine is. */
function hostFacts({ sections }: NodeDetail): readonly Fact[] {
  const host = sections['host'] ?? {};
  return Object.entries(host).map(([key, item]) => {
    const isFlat = typeof item !== 'object' || item === null;
    return [key, isFlat ? String(item) : membersText(item)] as const;
  });
}

/** What is not known of the machine is left out. */
function membersText(item: object): string {
  return Object.entries(item)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      return `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
    })
    .join(' ');
}

/** The command that tells more of what is most wrong. */
function nextStep({ node, findings, images, absence }: NodeDetail): string | undefined {
  const name = safeText(node.name);
  if (absence !== undefined) {
    switch (node.state) {
      case 'expected':
        return 'nodeseal node list (does it wait for approval?); journalctl -u nodeseal-agent on the node';
      case 'conflict':
        return `nodeseal get events --field-selector node=${name},class=high; nodeseal node revoke ${name}`;
      default:
        return `oc get node ${name}; journalctl -u nodeseal-agent on the node`;
    }
  }
  const worst = findings.filter(({ result }) => result === 'fail').sort(byUrgency)[0];
  if (worst !== undefined) return `nodeseal describe finding ${name}/${safeText(worst.ruleId)}`;
  const refused = images.find(({ verdict }) => verdict === 'rejected');
  if (refused !== undefined) {
    return `nodeseal trust explain ${safeText(refused.reference)} --node ${name}`;
  }
  if (node.drift > 0) return `nodeseal get drift --field-selector node=${name}`;
  return undefined;
}
