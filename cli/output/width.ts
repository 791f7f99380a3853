const ZERO_WIDTH = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Regional_Indicator}{2}/u;
const ASCII = /^[\x20-\x7e]*$/;

/** East Asian Wide and Fullwidth blocks (Unicode TR 11), as pairs of first and last code point. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

let segmenter: Intl.Segmenter | undefined;

/** What a terminal shows as one character. Making a segmenter costs 10 ms, which a table of ASCII does not need. */
function clustersOf(text: string): readonly string[] {
  if (ASCII.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** Columns a text takes on a terminal: 2 for CJK and emoji, 0 for combining marks. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const cluster of clustersOf(text)) width += clusterWidth(cluster);
  return width;
}

/** A path that is cut keeps at least so many characters. */
const LEAST_PATH = 8;

/** The text cut to `columns`, with an ellipsis where something is missing: at its end, or at its start. */
export function truncate(
  text: string,
  columns: number,
  from: 'start' | 'end',
  mark: string,
): string {
  if (displayWidth(text) <= columns) return text;
  const room = columns - displayWidth(mark);
  if (room <= 0) return mark.slice(0, Math.max(columns, 0));
  const clusters = from === 'start' ? clustersOf(text).toReversed() : clustersOf(text);
  const kept: string[] = [];
  let width = 0;
  for (const cluster of clusters) {
    width += clusterWidth(cluster);
    if (width > room) break;
    kept.push(cluster);
  }
  if (from === 'end') return kept.join('') + mark;
  const rest = kept.reverse().join('');
  // A path is cut between its names, unless little would be left.
  const slash = rest.indexOf('/');
  return mark + (slash > 0 && slash < rest.length - LEAST_PATH ? rest.slice(slash) : rest);
}

/** The text with blanks up to `columns`. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

function clusterWidth(cluster: string): number {
  if (ZERO_WIDTH.test(cluster)) return 0;
  if (EMOJI.test(cluster)) return 2;
  const code = cluster.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
