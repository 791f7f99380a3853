import type { Json } from '../../shared/canonical.ts';
import { counted } from '../../shared/counted.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Difference, DiffSide, NodeDiff } from '../node-diff.ts';
import { changeLines } from './change.ts';
import type { Style, Tone } from './colour.ts';

const TITLES: Readonly<Record<Difference['section'], string>> = {
  checks: 'Rules',
  files: 'Files',
  images: 'Images',
  host: 'Facts',
};
const SIGNS: Readonly<Record<Difference['change'], string>> = {
  removed: '-',
  added: '+',
  changed: '~',
};

/** A diff of nodes, as `kubectl diff` has it: which is which, then `-`, `+` and `~` by section. */
export function nodeDiffText(diff: NodeDiff, style: Style): string {
  const { from, to, trust, differences, notCompared, varying } = diff;
  const lines: string[] = [
    style.paint(`--- ${safeText(sideText(from))}`, 'dim'),
    style.paint(`+++ ${safeText(sideText(to))}`, 'dim'),
  ];
  if (trust.length > 0) lines.push('', 'Trust in images', ...changeLines(trust, style));
  for (const [section, found] of Map.groupBy(differences, (one) => one.section)) {
    lines.push('', TITLES[section], ...found.map((one) => differenceLine(one, style)));
  }
  if (trust.length === 0 && differences.length === 0) {
    lines.push('', notCompared.length === 0 ? 'nothing differs' : 'nothing that is known differs');
  }
  for (const [why, parts] of Map.groupBy(notCompared, (one) => one.why)) {
    const mark = style.paint(`${style.symbols.unknown} not compared`, 'warn');
    lines.push(`${mark}  ${parts.map(({ section }) => section).join(', ')}: ${safeText(why)}`);
  }
  for (const [section, count] of Object.entries(varying)) {
    const items = counted(count, 'item');
    const text = `${style.symbols.none} ${section}: on ${items} the pool has no majority`;
    lines.push(style.paint(text, 'dim'));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function sideText({ node, pool, asOf, nodeState }: DiffSide): string {
  const name = pool === undefined ? (node ?? '') : `majority of pool ${pool}`;
  const when = asOf === undefined ? '' : ` as of ${asOf}`;
  return name + when + (nodeState === undefined ? '' : ` (${nodeState}: as it said last)`);
}

function differenceLine({ key, change, from, to }: Difference, style: Style): string {
  const sign = SIGNS[change];
  const tone: Tone | undefined =
    change === 'removed' ? 'bad' : change === 'added' ? 'good' : 'warn';
  const says =
    change === 'changed'
      ? `${valueText(from, to)} ${style.symbols.arrow} ${valueText(to, from)}`
      : valueText(change === 'added' ? to : from);
  return `${style.paint(sign, tone)} ${safeText(key)}  ${safeText(says)}`;
}

/** The members of a value that differ from another's; of one that stands alone all. */
function valueText(value: Json | undefined, other?: Json): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value === undefined ? '-' : String(value);
  }
  const others =
    typeof other === 'object' && other !== null ? new Map(Object.entries(other)) : undefined;
  const names = new Set([...Object.keys(value), ...(others?.keys() ?? [])]);
  const members = new Map(Object.entries(value));
  const parts = [...names].flatMap((name) => {
    const [mine, theirs] = [members.get(name) ?? null, others?.get(name) ?? null];
    if (others !== undefined && JSON.stringify(mine) === JSON.stringify(theirs)) return [];
    if (mine === null) return [];
    return [`${name}=${memberText(name, mine)}`];
  });
  return parts.join(' ') || '-';
}

function memberText(name: string, value: Json): string {
  if (value === null) return '-';
  if (name === 'mode' && typeof value === 'number') return `0${value.toString(8)}`;
  if (name === 'override') return overrideText(value);
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  // Both sides of a digest are told apart by their first digits.
  return text.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1');
}

function overrideText(value: Json): string {
  const members = new Map(Object.entries(typeof value === 'object' && value !== null ? value : {}));
  return `${members.get('authority')} until ${members.get('until')}`;
}
