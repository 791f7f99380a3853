import type { Coverage, NodeItem } from '../../shared/api.ts';
import { API_VERSION } from '../../shared/api.ts';
import { counted } from '../../shared/counted.ts';
import { VERDICTS, type Verdict } from '../../shared/images.ts';
import { RESULTS, type Result, type ResultCounts } from '../../shared/results.ts';
import { safeText } from '../../shared/safe-text.ts';
import { Client } from '../client.ts';
import type { Command } from '../command.ts';
import { causeText, coverageExit, percentOf, readPercent } from '../coverage.ts';
import { ago } from '../duration.ts';
import { EVERYTHING, fetchChosen, readLabels } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import { LABEL_OPTION, outputOption, REQUIRE_COVERAGE_OPTION, SERVER_OPTIONS } from '../options.ts';
import { type Style, styleOf, type Tone } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { displayWidth, truncate } from '../output/width.ts';
import { NODES } from '../resources/nodes.ts';

/** The whole fleet in a few numbers. */
interface FleetStatus {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'FleetStatus';
  readonly coverage: Coverage;
  /** Rule results of all nodes together. */
  readonly results: ResultCounts;
  readonly images: Readonly<Record<Verdict, number>>;
  readonly failingNodes: readonly string[];
  readonly driftingNodes: readonly string[];
  /** When anything was heard last, RFC 3339; null when never. */
  readonly lastHeard: string | null;
}

/** Every node is heard within 20 s; after 5 minutes it is silent. */
const QUIET_MS = 300_000;
/** So many are named in a line. */
const NAMED = 3;

export const status: Command = {
  description: `The fleet at one glance: who reports, which nodes fail rules or differ from what they should be, and how many images
are accepted. Exit code 3 when less reports than --require-coverage asks for; the numbers themselves do not fail.`,
  arguments: [],
  options: [
    REQUIRE_COVERAGE_OPTION,
    LABEL_OPTION,
    outputOption(DOCUMENT_FORMATS),
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'nodeseal status', meaning: 'what to look at first' },
    {
      line: 'nodeseal status --require-coverage 100% -q',
      meaning: 'a gate: exit 3 when a node did not report',
    },
  ],
  async run(invocation, io) {
    const required = readPercent(invocation.value('require-coverage'));
    const labels = readLabels(invocation);
    using client = await Client.open(invocation, io);
    const { items, coverage } = await fetchChosen(
      client,
      NODES,
      { ...EVERYTHING, labels },
      undefined,
    );
    // What a retired node said last speaks for nothing.
    const present = items.filter(({ state }) => state !== 'retired');
    const answer = statusOf(present, coverage ?? { expected: 0, reporting: 0, missing: [] });
    const style = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(answer, invocation.value('output'), () => {
        return peopleText(answer, style, io.nowMs());
      }),
    );
    sayNext(answer, io);
    return coverageExit(answer.coverage, required, io);
  },
};

function statusOf(nodes: readonly NodeItem[], coverage: Coverage): FleetStatus {
  const sum = <Name extends string>(
    names: readonly Name[],
    countsOf: (node: NodeItem) => Readonly<Record<Name, number>>,
  ): Record<Name, number> => {
    const total = (name: Name): number =>
      nodes.reduce((most, node) => most + (countsOf(node)[name] ?? 0), 0);
    // Every name is there: the entries are made of all of them.
    return Object.fromEntries(names.map((name) => [name, total(name)])) as Record<Name, number>;
  };
  const named = (isMeant: (node: NodeItem) => boolean): readonly string[] =>
    nodes.filter(isMeant).map(({ name }) => name);
  return {
    apiVersion: API_VERSION,
    kind: 'FleetStatus',
    coverage,
    results: sum<Result>(RESULTS, ({ results }) => results),
    images: sum<Verdict>(VERDICTS, ({ images }) => images),
    failingNodes: named(({ results }) => results.fail > 0),
    driftingNodes: named(({ drift }) => drift > 0),
    lastHeard: nodes.reduce<string | null>(
      (last, { lastSeen }) => (lastSeen !== null && lastSeen > (last ?? '') ? lastSeen : last),
      null,
    ),
  };
}

type Part = readonly [symbol: 'good' | 'bad' | 'warn' | 'unknown', tone: Tone, text: string];

const LABEL_COLUMNS = 11;
const GAP = '   ';

function peopleText(status: FleetStatus, style: Style, nowMs: number): string {
  const { coverage, results, images, failingNodes, driftingNodes, lastHeard } = status;
  const lines: (readonly [string, readonly Part[]])[] = [
    ['Coverage', coverageParts(coverage, nowMs)],
    ['Rules', ruleParts(results, failingNodes)],
    ['Drift', driftParts(driftingNodes, coverage)],
    ['Images', imageParts(images)],
    ['Pipeline', pipelineParts(lastHeard, nowMs)],
  ];
  return lines
    .map(([name, parts]) => name.padEnd(LABEL_COLUMNS) + partsText(parts, style))
    .join('');
}

/** Side by side; on a terminal below each other where they do not fit. */
function partsText(parts: readonly Part[], style: Style): string {
  const room = style.isTerminal ? style.columns - LABEL_COLUMNS : Number.POSITIVE_INFINITY;
  const rows: string[] = [];
  let width = 0;
  for (const [symbol, tone, text] of parts) {
    const whole = `${style.symbols[symbol]} ${safeText(text)}`;
    const shown = truncate(whole, room, 'end', style.symbols.cut);
    const painted = style.paint(shown, tone);
    const beside = width + GAP.length + displayWidth(shown);
    const row = beside <= room ? rows.pop() : undefined;
    rows.push(row === undefined ? painted : row + GAP + painted);
    width = row === undefined ? displayWidth(shown) : beside;
  }
  return `${rows.join(`\n${' '.repeat(LABEL_COLUMNS)}`)}\n`;
}

/** An aggregator that hears nothing does not know what it shows to be so. */
function pipelineParts(lastHeard: string | null, nowMs: number): readonly Part[] {
  if (lastHeard === null) return [['unknown', 'warn', 'nothing was heard yet']];
  const isQuiet = nowMs - Date.parse(lastHeard) > QUIET_MS;
  const tone = isQuiet ? 'bad' : 'good';
  return [[tone, tone, `last heard from a node ${ago(lastHeard, nowMs)} ago`]];
}

function coverageParts(coverage: Coverage, nowMs: number): readonly Part[] {
  const { expected, reporting, missing } = coverage;
  if (expected === 0) return [['unknown', 'warn', 'no node is known']];
  const text = `${reporting}/${counted(expected, 'node')} reporting`;
  if (missing.length === 0) return [['good', 'good', text]];
  const causes = missing.map(({ node, cause }) => `${node}: ${causeText(cause, nowMs)}`);
  const tone = percentOf(coverage) === 0 ? 'bad' : 'warn';
  return [
    [tone, tone, text],
    ['bad', 'bad', `${missing.length} not (${someOf(causes)})`],
  ];
}

function ruleParts(results: ResultCounts, failing: readonly string[]): readonly Part[] {
  const parts: Part[] = [];
  if (results.fail > 0) {
    const where = `on ${counted(failing.length, 'node')} (${someOf(failing)})`;
    parts.push(['bad', 'bad', `${results.fail} failed ${where}`]);
  }
  if (results.pass > 0) parts.push(['good', 'good', `${results.pass} passed`]);
  const undecided = results.unknown + results.error;
  if (undecided > 0) parts.push(['unknown', 'warn', `${undecided} could not be decided`]);
  return parts.length > 0 ? parts : [['unknown', 'warn', 'no result yet']];
}

function driftParts(drifting: readonly string[], { reporting }: Coverage): readonly Part[] {
  if (drifting.length > 0) {
    const text = `${counted(drifting.length, 'node')} with files that differ (${someOf(drifting)})`;
    return [['bad', 'bad', text]];
  }
  // Of nodes that do not report nothing is known.
  return reporting === 0
    ? [['unknown', 'warn', 'no data']]
    : [['good', 'good', `no file differs on ${counted(reporting, 'node')}`]];
}

function imageParts(images: Readonly<Record<Verdict, number>>): readonly Part[] {
  const parts: Part[] = [];
  if (images.rejected > 0) parts.push(['bad', 'bad', `${images.rejected} rejected`]);
  if (images.accepted > 0) parts.push(['good', 'good', `${images.accepted} accepted`]);
  if (images.unenforced > 0) {
    parts.push(['warn', 'warn', `${images.unenforced} unenforced (no signature asked for)`]);
  }
  if (images.unknown > 0) parts.push(['unknown', 'warn', `${images.unknown} unknown`]);
  return parts.length > 0 ? parts : [['unknown', 'warn', 'no image reported']];
}

function someOf(names: readonly string[]): string {
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + more;
}

function sayNext({ results, images, driftingNodes }: FleetStatus, io: Io): void {
  if (!io.stderr.isTerminal) return;
  const next =
    results.fail > 0
      ? 'nodeseal get findings'
      : images.rejected > 0
        ? 'nodeseal get images --field-selector verdict=rejected'
        : driftingNodes[0] && `nodeseal describe node ${safeText(driftingNodes[0])}`;
  if (next) io.stderr.write(`Next: ${next}\n`);
}
