import { API_VERSION, type ImageItem, type ImageList } from '../../shared/api.ts';
import { VERDICTS } from '../../shared/images.ts';
import { safeText } from '../../shared/safe-text.ts';
import { Client } from '../client.ts';
import type { Invocation } from '../command.ts';
import { coverageExit, coverageText, readPercent } from '../coverage.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { findImages } from '../fleet-images.ts';
import type { Io } from '../io.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { isFormat } from '../output/format.ts';
import { explainImage, IMAGE_COLUMNS } from '../output/image.ts';
import { listText } from '../output/list.ts';
import { namesText } from '../output/names.ts';
import { tableText } from '../output/table.ts';
import { IMAGES } from '../resources/images.ts';

/** Options of `verify` that are about the store of this node. */
const LOCAL_VALUES = [
  ...['host-root', 'sources', 'image-library', 'release-key', 'release-signatures'],
  ...['release-references', 'release-image'],
];

/** One verdict as several nodes reached it. */
interface GroupedVerdict extends ImageItem {
  readonly nodes: readonly string[];
}

const GROUPED: Presentation<GroupedVerdict> = {
  resource: 'image',
  nameOf: ({ reference }) => reference,
  columns: [
    ...IMAGE_COLUMNS.slice(0, 3),
    { header: 'NODES', key: 'nodes', value: ({ nodes }) => nodes.length, align: 'right' },
    { header: 'ON', key: 'on', value: ({ nodes }) => namesText(nodes, 3), shrink: 'end' },
    ...IMAGE_COLUMNS.slice(3),
  ],
};

/** `verify IMAGE… --node N` and `verify IMAGE… --all-nodes`: the verdicts that nodes reported last. */
export async function verifyFleet(
  words: readonly string[],
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const node = invocation.value('node')?.replace(/^nodes?\//, '');
  refuseOthers(words, invocation);
  const required = readPercent(invocation.value('require-coverage'));
  using client = await Client.open(invocation, io);
  const items: ImageItem[] = [];
  const notFound: string[] = [];
  let coverage: ImageList['coverage'];
  for (const word of words) {
    const found = await findImages(client, word, node);
    coverage = found.coverage ?? coverage;
    if (found.items.length === 0) notFound.push(word);
    items.push(...found.items.filter((item) => !items.some((other) => isSame(item, other))));
  }
  const list = {
    apiVersion: API_VERSION,
    kind: 'ImageVerdictList',
    items,
    ...(coverage === undefined ? {} : { coverage }),
  };
  const output = invocation.value('output') ?? 'table';
  const headers = !invocation.flag('no-headers');
  const style = styleOf(io, invocation.value('color'));
  const isTable = output === 'table' || output === 'wide';
  if (isTable && invocation.flag('explain')) {
    for (const { nodes, ...item } of grouped(items)) {
      const [head = '', ...lines] = explainImage({ ...item, pods: [] }, style);
      const where = `  on         ${safeText(namesText(nodes))}`;
      io.stdout.write([head, where, ...lines].map((line) => `${line}\n`).join(''));
    }
  } else if (isTable) {
    const wide = output === 'wide';
    const shown = headers && items.length > 0;
    io.stdout.write(tableText(grouped(items), GROUPED.columns, style, { wide, headers: shown }));
  } else if (isFormat(output)) {
    io.stdout.write(listText(list, IMAGES.presentation(io.nowMs()), output, style, headers));
  }
  return conclude(items, notFound, coverage, required, io);
}

function refuseOthers(words: readonly string[], invocation: Invocation): void {
  if (words.length === 0) {
    throw usageError('no image is named', { next: 'nodeseal get images, for those of all nodes' });
  }
  if (invocation.value('node') !== undefined && invocation.flag('all-nodes')) {
    throw usageError('--node and --all-nodes exclude each other');
  }
  const local = LOCAL_VALUES.find(
    (name) => invocation.value(name) !== undefined || invocation.values(name).length > 0,
  );
  if (local === undefined && !invocation.flag('all')) return;
  throw usageError(`--${local ?? 'all'} is for the store of this node, not for the fleet`);
}

function isSame(one: ImageItem, other: ImageItem): boolean {
  return IMAGES.keyOf(one) === IMAGES.keyOf(other);
}

/** A node with its state where it does not report: what it says is what it said last. */
function nodeText({ node, nodeState }: ImageItem): string {
  return nodeState === undefined ? node : `${node}(${nodeState})`;
}

/** In the order of the items, which is worst first. */
function grouped(items: readonly ImageItem[]): readonly GroupedVerdict[] {
  const groups = Map.groupBy(items, ({ reference, digest, verdict, reason, policy, namespace }) =>
    JSON.stringify([reference, digest, verdict, reason, policy, namespace]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, nodes: group.map(nodeText) }];
  });
}

/**
 * A node that does not report, or one that could not decide, leaves part of the question open; an image that no node
 * has, all of it.
 */
function conclude(
  items: readonly ImageItem[],
  notFound: readonly string[],
  coverage: ImageList['coverage'],
  required: number | undefined,
  io: Io,
): ExitCode {
  const counts = VERDICTS.map((verdict) => {
    return `${items.filter((one) => one.verdict === verdict).length} ${verdict}`;
  });
  io.stderr.write(`${counts.join(', ')} of ${items.length}\n`);
  if (coverage !== undefined) io.stderr.write(`${coverageText(coverage)}\n`);
  for (const word of notFound) {
    io.stderr.write(`error: no node that was asked has an image ${safeText(word)}\n`);
  }
  if (notFound.length > 0) return EXIT.notFound;
  const isOpen =
    (coverage?.missing.length ?? 0) > 0 || items.some(({ verdict }) => verdict === 'unknown');
  const coverageCode = coverageExit(coverage, required, io);
  if (coverageCode !== EXIT.clean) return coverageCode;
  // As of one node: a refusal is told before what is undecided.
  if (items.some(({ verdict }) => verdict === 'rejected')) return EXIT.findings;
  return isOpen ? EXIT.partial : EXIT.clean;
}
