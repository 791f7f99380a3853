import type { Figure } from '../figure.ts';
import { type Asked, KNOWN, type Known, knownOf } from './asked.ts';
import type { Kept } from './kept.ts';
import { outcomeOf, ratioOf } from './outcome.ts';
import { CAPABILITIES, STEPS } from './steps.ts';

/** The page of all figures, as Markdown, from what the steps left. */
export function pageOf(kept: readonly Kept[]): string {
  const ofStep = new Map(kept.map((one) => [one.step, one]));
  const sections = CAPABILITIES.map(({ title, steps }) =>
    [`## ${title}`, ...steps.map(({ name }) => partOf(name, ofStep.get(name)))].join('\n\n'),
  );
  return `${[
    '# Figures',
    'Written by `npm run figures` from the results in [figures/](figures/), never by hand; the tables say under what each was\n' +
      'measured. What the figures mean is in [Benchmarks](benchmarks.md). A ratio is ours to the bare limit or the peer of the same\n' +
      'run; the number in brackets is the issue that asked.',
    summaryOf(kept),
    ...sections,
    conditionsOf(kept),
  ].join('\n\n')}\n`;
}

function summaryOf(kept: readonly Kept[]): string {
  const figures = kept.filter(({ isShort }) => !isShort).flatMap((one) => one.figures);
  const short = figures.filter((figure) => outcomeOf(figure) === 'falls short');
  const holding = figures.filter((figure) => outcomeOf(figure) === 'holds');
  const notRun = STEPS.filter(({ name }) => !kept.some((one) => one.step === name));
  const failed = kept.filter((one) => one.failed !== undefined);
  const lines = [
    `Of ${short.length + holding.length} figures of which something was asked ${holding.length} hold, ${short.length} fall short.`,
    ...short.map(
      (figure) =>
        `- **falls short**: [${stepOf(figure)}](#${stepOf(figure)}): ${nameOf(figure)}: ${shown(figure, askedValue)}`,
    ),
    ...failed.map(({ step, failed }) => `- not whole: \`${step}\`: ${failed}`),
    ...notRun.map(({ name }) => `- not run yet: \`${name}\``),
  ];
  return [lines[0], '', ...lines.slice(1)].join('\n').trimEnd();
}

function partOf(name: string, kept: Kept | undefined): string {
  const heading = `### ${name}`;
  if (kept === undefined) return `${heading}\n\nNot run yet.`;
  const rows = KNOWN.filter(({ id }) => id === name || id.startsWith(`${name}.`)).flatMap(
    (known) => {
      const found = kept.figures.filter(({ id }) => id === known.id);
      return found.length === 0 ? [emptyRow(known)] : found.map((figure) => rowOf(known, figure));
    },
  );
  const parts = [
    heading,
    ...(kept.isShort ? ['Small sizes, to see that the step works: no figures.'] : []),
    ...(kept.failed === undefined ? [] : [`**Not whole**: ${kept.failed}.`]),
    [
      '| | ours | bare or peer | ratio | asked | |',
      '| --- | ---: | --- | ---: | --- | --- |',
      ...rows,
    ].join('\n'),
    ...whyOf(kept),
  ];
  return parts.join('\n\n');
}

/** The profile of what falls short. */
function whyOf({ figures, profile }: Kept): readonly string[] {
  if (profile !== undefined) return [profileOf(profile)];
  const isShort = figures.some((figure) => outcomeOf(figure) === 'falls short');
  return isShort ? ['No profile is made of this step.'] : [];
}

function rowOf(known: Known, figure: Figure): string {
  const { bare } = figure;
  const ratio = ratioOf(figure);
  const outcome = outcomeOf(figure);
  return row([
    nameOf(figure),
    `${numberOf(figure.ours)} ${known.unit}`,
    bare === undefined ? '' : `${numberOf(bare)} ${known.unit}: ${known.bare ?? ''}`,
    ratio === undefined ? '' : numberOf(ratio),
    known.asked === undefined ? '' : askedText(known.asked, known.unit, figure.at),
    outcome === 'falls short' ? '**falls short**' : (outcome ?? ''),
  ]);
}

function emptyRow({ what, asked, unit }: Known): string {
  return row([what, '', '', '', asked ? askedText(asked, unit, asked.at) : '', 'not measured']);
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.trim()).join(' | ')} |`;
}

function stepOf({ id }: Figure): string {
  return id.split('.')[0] ?? id;
}

function nameOf({ id, at }: Figure): string {
  const { what } = knownOf(id);
  return at === undefined ? what : `${what} (${at})`;
}

/** `ratio ≤ 1.5 (5)`; with the size it was asked for where that is another. */
function askedText(asked: Asked, unit: string, at: string | undefined): string {
  const size = asked.at === undefined || asked.at === at ? '' : ` for ${asked.at}`;
  return `${limitText(asked, unit)}${size} (${asked.issue})`;
}

function limitText({ of, atMost, atLeast }: Asked, unit: string): string {
  if (atMost === 0) return '0';
  const limit = atMost === undefined ? `≥ ${numberOf(atLeast ?? 0)}` : `≤ ${numberOf(atMost)}`;
  return of === 'ratio' ? `ratio ${limit}` : `${limit} ${unit}`.trim();
}

function askedValue(figure: Figure, { asked, unit }: Known): string {
  if (asked === undefined) return '';
  const value = asked.of === 'ratio' ? ratioOf(figure) : figure.ours;
  const found = value === undefined ? 'no ratio' : numberOf(value);
  return `${found}${asked.of === 'ratio' ? '' : ` ${unit}`}, asked ${limitText(asked, unit)}`;
}

function shown(figure: Figure, text: (figure: Figure, known: Known) => string): string {
  return text(figure, knownOf(figure.id));
}

function profileOf({ kind, command, total, rows, failed }: NonNullable<Kept['profile']>): string {
  const where = `\`${command}\``;
  if (failed !== undefined) return `No profile of what falls short: ${failed} (${where}).`;
  const head =
    kind === 'processor'
      ? `Where its processor time goes, ${numberOf(total)} ms, self time`
      : `What its JavaScript heap holds at the end, ${numberOf(total)} MiB, by the file that asked for it`;
  const lines = rows.map(({ percent, what }) => `${percent.toFixed(1).padStart(5)} %  ${what}`);
  return `${head} (${where}):\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\``;
}

function conditionsOf(kept: readonly Kept[]): string {
  const inOrder = STEPS.flatMap(({ name }) => kept.filter(({ step }) => step === name));
  const rows = inOrder.map(({ step, commands, conditions, seed }) => {
    const { date, commit, changed, node, kernel, cores, processor, load, seconds } = conditions;
    const peers = Object.entries(conditions.peers).map(([name, version]) => `${name} ${version}`);
    return row([
      step,
      `${date.slice(0, 10)} ${date.slice(11, 16)}`,
      changed === 0 ? commit : `${commit} and ${changed} changed files`,
      `${node}, Linux ${kernel}, ${cores} × ${processor}`,
      `${load[0]} → ${load[1]}`,
      String(seconds),
      peers.join(', '),
      seed === undefined ? '' : String(seed),
      commands.map((command) => `\`${command}\``).join(', '),
    ]);
  });
  return [
    '## Conditions',
    'Times are UTC; load is the average of a minute at the start and at the end. Where no seed stands, the inputs are the same in each run.',
    [
      '| step | date | commit | machine | load | seconds | peers | seed | run as |',
      '| --- | --- | --- | --- | --- | ---: | --- | ---: | --- |',
      ...rows,
    ].join('\n'),
  ].join('\n\n');
}

/** Three digits that count; whole from a hundred on. */
function numberOf(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100)
    return Math.round(value).toLocaleString('en-GB');
  return String(Number(value.toPrecision(3)));
}
