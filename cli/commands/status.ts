import type { Coverage, NodeItem } from '../../shared/api.ts';
import { API_VERSION } from '../../shared/api.ts';
import { VERDICTS, type Verdict } from '../../shared/images.ts';
import { RESULTS, type Result, type ResultCounts } from '../../shared/results.ts';
import { Client } from '../client.ts';
import type { Command } from '../command.ts';
import { coverageExit, percentOf, readPercent } from '../coverage.ts';
import { EVERYTHING, fetchChosen, readLabels } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import { LABEL_OPTION, outputOption, REQUIRE_COVERAGE_OPTION, SERVER_OPTIONS } from '../options.ts';
import { type Style, styleOf, type Tone } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { safeText } from '../output/safe.ts';
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
}

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
    const answer = statusOf(items, coverage ?? { expected: 0, reporting: 0, missing: [] });
    const style = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(answer, invocation.value('output'), () => peopleText(answer, style)),
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
  };
}

type Part = readonly [symbol: 'good' | 'bad' | 'warn' | 'unknown', tone: Tone, text: string];

function peopleText(status: FleetStatus, style: Style): string {
  const { coverage, results, images, failingNodes, driftingNodes } = status;
  const lines: (readonly [string, readonly Part[]])[] = [
    ['Coverage', coverageParts(coverage)],
    ['Rules', ruleParts(results, failingNodes)],
    ['Drift', driftParts(driftingNodes, coverage)],
    ['Images', imageParts(images)],
  ];
  return lines
    .map(([name, parts]) => {
      const texts = parts.map(([symbol, tone, text]) => {
        return style.paint(`${style.symbols[symbol]} ${safeText(text)}`, tone);
      });
      return `${name.padEnd(10)} ${texts.join('   ')}\n`;
    })
    .join('');
}

function coverageParts(coverage: Coverage): readonly Part[] {
  const { expected, reporting, missing } = coverage;
  if (expected === 0) return [['unknown', 'warn', 'no node is known']];
  const text = `${reporting}/${expected} nodes reporting`;
  if (missing.length === 0) return [['good', 'good', text]];
  const causes = missing.map(({ node, cause }) => `${node}: ${cause}`);
  const tone = percentOf(coverage) === 0 ? 'bad' : 'warn';
  return [
    [tone, tone, text],
    ['bad', 'bad', `${missing.length} not (${someOf(causes)})`],
  ];
}

function ruleParts(results: ResultCounts, failing: readonly string[]): readonly Part[] {
  const parts: Part[] = [];
  if (results.fail > 0) {
    const where = `on ${count(failing.length, 'node')} (${someOf(failing)})`;
    parts.push(['bad', 'bad', `${results.fail} failed ${where}`]);
  }
  if (results.pass > 0) parts.push(['good', 'good', `${results.pass} passed`]);
  const undecided = results.unknown + results.error;
  if (undecided > 0) parts.push(['unknown', 'warn', `${undecided} could not be decided`]);
  return parts.length > 0 ? parts : [['unknown', 'warn', 'no result yet']];
}

function driftParts(drifting: readonly string[], { reporting }: Coverage): readonly Part[] {
  if (drifting.length > 0) {
    const text = `${count(drifting.length, 'node')} with files that differ (${someOf(drifting)})`;
    return [['bad', 'bad', text]];
  }
  // Of nodes that do not report nothing is known.
  return reporting === 0
    ? [['unknown', 'warn', 'no data']]
    : [['good', 'good', `no file differs on ${count(reporting, 'node')}`]];
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

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
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
