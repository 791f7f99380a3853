import { EXPORT_FORMATS } from '../../shared/exports/index.ts';
import type { ExportFormat } from '../../shared/exports/source.ts';
import { nearest } from '../../shared/nearest.ts';
import { isAtLeast, SEVERITIES, type Severity } from '../../shared/results.ts';
import { Client, type Query } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { coverageExit, coverageText, readPercent } from '../coverage.ts';
import { usageError } from '../errors.ts';
import { combineExits, EXIT, type ExitCode } from '../exit.ts';
import { EVERYTHING, fetchChosen, isFailure, readLabels } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import { LABEL_OPTION, REQUIRE_COVERAGE_OPTION, SERVER_OPTIONS } from '../options.ts';
import { writeWhole } from '../output-file.ts';
import { withResource } from '../resources.ts';
import type { Condition } from '../selector.ts';

const NAMES = EXPORT_FORMATS.map(({ id }) => id);
/** What the aggregator selects nodes of an export by: name of `-l` to its query parameter. */
const SELECTABLE: Readonly<Record<string, string>> = { name: 'node', pool: 'pool', state: 'state' };

export const exportCommand: Command = {
  description: `Writes what the aggregator knows of the fleet in the format of another tool:
${EXPORT_FORMATS.map(({ id, title }) => `  ${id.padEnd(12)} ${title}`).join('\n')}
Each says for how many nodes it speaks and how old its data is; what is not known is a pass in none. Annotations are
printed with the commands that would set them; nothing is applied.

Exit code 1 only with --fail-on; 3 only with --require-coverage. With a file, nothing is left of an export that broke off.`,
  arguments: [{ name: 'FORMAT', description: NAMES.join(', '), required: true }],
  options: [
    {
      flags: '-f, --file <file>',
      description: 'where to write; - is standard output',
      default: '-',
    },
    LABEL_OPTION,
    { flags: '--as-of <time>', description: 'as it was 24h ago, or at 2026-11-21T12:00:00Z' },
    {
      flags: '--fail-on <severity>',
      description: 'exit 1 when a finding fails at this severity, or an image is rejected',
      choices: SEVERITIES,
    },
    REQUIRE_COVERAGE_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'nodeseal export sarif -f nodes.sarif', meaning: 'for a viewer of findings' },
    {
      line: 'nodeseal export junit -f nodes.xml --fail-on high --require-coverage 100%',
      meaning: 'a step of a pipeline that fails for a failure and for a node that does not report',
    },
    {
      line: 'nodeseal export openreports -l pool=worker | oc apply -f -',
      meaning: 'reports in the cluster, one a node',
    },
    {
      line: 'nodeseal export oscal --as-of 2026-11-01T00:00:00Z -f results.json',
      meaning: 'what was known at a former time, for an audit',
    },
  ],
  async run(invocation, io) {
    const format = readFormat(invocation.positional);
    const labels = readLabels(invocation);
    const required = readPercent(invocation.value('require-coverage'));
    const query = { ...nodeQuery(labels), asOf: invocation.value('as-of') };
    using client = await Client.open(invocation, io);
    await write(format, query, client, invocation.value('file') ?? '-', io);
    return await judge(format, labels, required, invocation, client, io);
  },
};

function readFormat([word = '', ...more]: readonly string[]): ExportFormat {
  const found = EXPORT_FORMATS.find(({ id }) => id === word);
  if (found === undefined) {
    const close = nearest(word, NAMES);
    throw usageError(`there is no format '${word}'`, {
      next: close === undefined ? `known: ${NAMES.join(', ')}` : `did you mean '${close}'?`,
    });
  }
  if (more.length > 0) throw usageError('one format at a time', { next: 'nodeseal export --help' });
  return found;
}

/** The conditions of `-l` as the aggregator is asked. */
function nodeQuery(labels: readonly Condition[]): Query {
  const query: Record<string, string> = {};
  for (const { field, values, negated } of labels) {
    const name = SELECTABLE[field];
    if (name === undefined || negated || values === undefined || name in query) {
      throw usageError(`--selector: an export takes one condition on each of ${known()}`, {
        next: "write it as pool=worker, or 'pool in (worker,infra)'",
      });
    }
    // No node has an empty name or pool, and without one the aggregator would choose all.
    if (values.includes('')) throw usageError(`--selector: ${field} is compared with nothing`);
    query[name] = values.join(',');
  }
  return query;
}

function known(): string {
  return Object.keys(SELECTABLE).join(', ');
}

async function write(
  { id, mediaType }: ExportFormat,
  query: Query,
  client: Client,
  file: string,
  io: Io,
): Promise<void> {
  const signal = AbortSignal.any([io.signal, io.unread]);
  const link = client.server.startsWith('unix:') ? undefined : client.server;
  const asked = { ...query, link };
  const chunks = client.stream(`/v1/exports/${id}`, asked, signal, mediaType);
  if (file !== '-') return await writeWhole(file, whole(chunks, io.signal));
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    io.stdout.write(decoder.decode(chunk, { stream: true }));
    await io.stdout.drained();
  }
  io.stdout.write(decoder.decode());
  io.signal.throwIfAborted();
}

/** A stream ends in good order when it is interrupted; a file that is half there must not. */
async function* whole(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield* chunks;
  signal.throwIfAborted();
}

/** The exit code, by the lists of `get`: who reports, and whether something fails. */
async function judge(
  { about }: ExportFormat,
  labels: readonly Condition[],
  required: number | undefined,
  invocation: Invocation,
  client: Client,
  io: Io,
): Promise<ExitCode> {
  const failOn = SEVERITIES.find((severity) => severity === invocation.value('fail-on'));
  const choice = {
    ...EVERYTHING,
    labels,
    fields: failures(about, failOn ?? 'info'),
    asOf: invocation.value('as-of'),
  };
  return await withResource(about, async (resource) => {
    const { items, coverage } = await fetchChosen(client, resource, choice, 1);
    if (coverage !== undefined) io.stderr.write(`${coverageText(coverage)}\n`);
    const isFailed = failOn && items.some((item) => isFailure(about, item, failOn));
    return combineExits([
      isFailed ? EXIT.findings : EXIT.clean,
      coverageExit(coverage, required, io),
    ]);
  });
}

function failures(about: ExportFormat['about'], failOn: Severity): readonly Condition[] {
  if (about === 'images') return [{ field: 'verdict', values: ['rejected'], negated: false }];
  const severities = SEVERITIES.filter((severity) => isAtLeast(severity, failOn));
  return [
    { field: 'result', values: ['fail'], negated: false },
    { field: 'severity', values: severities, negated: false },
  ];
}
