import { VERDICTS, type Verdict } from '../../shared/images.ts';
import { safeText } from '../../shared/safe-text.ts';
import {
  IMAGE_CHANGES,
  type ImageChange,
  type ImageChangeKind,
  type ShadowedScope,
  type SimulationResult,
} from '../../shared/simulation.ts';
import type { Style, Tone } from './colour.ts';
import type { Presentation } from './column.ts';
import { documentText } from './document.ts';
import type { Format } from './format.ts';
import { listText } from './list.ts';
import { tableText } from './table.ts';

/** Rows of one kind of change that people are shown; `-o wide` has all. */
const MOST_ROWS = 10;

interface Look {
  readonly title: string;
  readonly symbol: 'good' | 'bad' | 'warn' | 'unknown';
  readonly tone: Tone;
}

const LOOKS: Readonly<Record<ImageChangeKind, Look>> = {
  newlyRefused: { title: 'NEWLY REFUSED', symbol: 'bad', tone: 'bad' },
  newlyAccepted: {
    title: 'NEWLY ACCEPTED: refused now, a weakening',
    symbol: 'warn',
    tone: 'warn',
  },
  noLongerVerified: {
    title: 'NO LONGER VERIFIED: signed now, nothing asked then, a weakening',
    symbol: 'warn',
    tone: 'warn',
  },
  undecided: { title: 'UNDECIDED', symbol: 'unknown', tone: 'warn' },
};

/** Images by what changes for them, as every simulation lists them. */
export const IMAGE_CHANGE: Presentation<ImageChange> = {
  resource: 'image',
  nameOf: ({ reference, digest }) => (reference === '<none>' ? digest : reference),
  columns: [
    { header: 'IMAGE', key: 'reference', value: ({ reference }) => reference, shrink: 'start' },
    { header: 'CHANGE', key: 'change', value: ({ change }) => change, wide: true },
    { header: 'NODES', key: 'nodes', value: ({ nodes }) => nodes.length, align: 'right' },
    { header: 'PODS', key: 'pods', value: ({ pods }) => pods, align: 'right' },
    {
      header: 'WHY',
      key: 'reason',
      value: ({ reason, nowReason }) => reason ?? nowReason ?? null,
    },
    { header: 'NOW', key: 'now', value: ({ now }) => now, wide: true },
    { header: 'THEN', key: 'after', value: ({ after }) => after, wide: true },
    { header: 'SCOPE', key: 'scope', value: ({ scope }) => scope, wide: true },
    { header: 'DIGEST', key: 'digest', value: ({ digest }) => digest, wide: true },
    {
      header: 'NAMESPACES',
      key: 'namespaces',
      value: ({ namespaces }) => namespaces.join(';') || null,
      wide: true,
    },
    { header: 'ON', key: 'nodeNames', value: ({ nodes }) => nodes.join(';'), wide: true },
    { header: 'MESSAGE', key: 'message', value: ({ message }) => message ?? null, wide: true },
    { header: 'FIX', key: 'hint', value: ({ hint }) => hint ?? null, wide: true },
  ],
};

/** A result in one of the formats of `-o`; of one node or of a fleet. */
export function simulationText(
  result: SimulationResult,
  format: Format,
  style: Style,
  headers = true,
): string {
  switch (format) {
    case 'table':
    case 'wide':
      return peopleText(result, format === 'wide', style, headers);
    case 'json':
    case 'yaml':
      return documentText(result, format, () => '');
    default:
      return listText(result, IMAGE_CHANGE, format, style, headers);
  }
}

function peopleText(
  result: SimulationResult,
  wide: boolean,
  style: Style,
  headers: boolean,
): string {
  return [
    `${headline(result)}\n`,
    countsText(result, style),
    ...IMAGE_CHANGES.map((kind) => changesText(kind, result, wide, style, headers)),
    scopesText('Matched nothing', result.neverMatched),
    scopesText('Shadowed', result.shadowed.map(shadowText)),
    scopesText('Not from now', result.nodes.flatMap(standingText)),
  ].join('');
}

function headline({ summary, onlyRunning, nodes }: SimulationResult): string {
  const asked = nodes.filter(({ source }) => source === 'live').length;
  const others = asked === nodes.length ? '' : ` (${number(asked)} asked now)`;
  const uses = onlyRunning
    ? `${count(summary.uses, 'image')} in use`
    : count(summary.uses, 'image use');
  const images = `${number(summary.images)} distinct`;
  return `${count(nodes.length, 'node')}${others}, ${uses}, ${images}`;
}

const WORDS: Readonly<Record<Verdict, string>> = {
  accepted: 'accepted',
  unenforced: 'unenforced (nothing asked)',
  rejected: 'refused',
  unknown: 'unknown',
};

function countsText({ summary, strict, items }: SimulationResult, style: Style): string {
  const refused = items.filter(({ change }) => change === 'newlyRefused');
  const images = new Set(refused.map(({ digest, reference }) => digest || reference)).size;
  const nodes = new Set(refused.flatMap((item) => item.nodes)).size;
  const news = summary.changes.newlyRefused;
  const where = `${count(images, 'image')} on ${count(nodes, 'node')}`;
  const notes: Partial<Record<Verdict, string>> = {
    ...(news > 0 ? { rejected: `${number(news)} newly refused: ${where}` } : {}),
    ...(summary.after.unknown > 0
      ? { unknown: strict ? 'counted as refused' : 'counted as refused with --strict' }
      : {}),
  };
  const rows = VERDICTS.map((verdict) => {
    const [now, after] = [summary.now[verdict], summary.after[verdict]];
    const note = notes[verdict];
    const text = `${WORDS[verdict].padEnd(28)}${number(now).padStart(9)}${number(after).padStart(9)}`;
    return note === undefined ? text : `${text}   ${style.paint(note, toneOf(verdict))}`;
  });
  const head = style.paint(`${' '.repeat(28)}${'NOW'.padStart(9)}${'THEN'.padStart(9)}`, 'dim');
  return [head, ...rows].map((line) => `${line}\n`).join('');
}

function toneOf(verdict: Verdict): Tone {
  return verdict === 'rejected' ? 'bad' : 'warn';
}

function changesText(
  kind: ImageChangeKind,
  { items, summary }: SimulationResult,
  wide: boolean,
  style: Style,
  headers: boolean,
): string {
  const all = items.filter(({ change }) => change === kind);
  if (all.length === 0) return '';
  const { title, symbol, tone } = LOOKS[kind];
  const shown = wide ? all : all.slice(0, MOST_ROWS);
  const more = all.length - shown.length;
  const hints = new Map(shown.map(({ reason, hint }) => [reason, hint]));
  const fixes = [...hints].flatMap(([reason, hint]) =>
    hint === undefined ? [] : [`fix ${safeText(`${reason}: ${hint}`)}\n`],
  );
  return [
    `\n${style.paint(`${style.symbols[symbol]} ${title}`, tone)} (${number(summary.changes[kind])})\n`,
    tableText(shown, IMAGE_CHANGE.columns, style, { wide, headers }),
    more > 0 ? `${style.symbols.cut}${number(more)} more (-o wide)\n` : '',
    ...(wide ? [] : fixes),
  ].join('');
}

function scopesText(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return [`\n${title} (${number(lines.length)})`, ...lines.map((line) => `  ${safeText(line)}`)]
    .map((line) => `${line}\n`)
    .join('');
}

function shadowText({ scope, by, hidden, matched }: ShadowedScope): string {
  const left = matched === 0 ? 'none is left to it' : `${number(matched)} left to it`;
  return `${scope}: ${by.join(', ')} ${by.length === 1 ? 'takes' : 'take'} ${number(hidden)}, ${left}`;
}

function standingText({
  node,
  source,
  asOf,
  problem,
}: SimulationResult['nodes'][number]): readonly string[] {
  if (source === 'live') return [];
  const known = source === 'none' ? 'nothing is known' : `as of ${asOf ?? 'an unknown time'}`;
  return [`${node}: ${[known, problem].filter(Boolean).join(', ')}`];
}

function count(amount: number, noun: string): string {
  return `${number(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

function number(amount: number): string {
  return amount.toLocaleString('en-GB');
}
