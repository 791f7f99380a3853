import { API_VERSION } from '../../shared/api.ts';
import { nearest } from '../../shared/nearest.ts';
import { readNodeDetail, readPoolBaseline } from '../answers.ts';
import { Client } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import {
  type Comparand,
  DIFF_SECTIONS,
  type DiffSection,
  diffComparands,
  type NodeDiff,
  nodeComparand,
  poolComparand,
} from '../node-diff.ts';
import { outputOption, SERVER_OPTIONS } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { nodeDiffText } from '../output/node-diff.ts';

export const diff: Command = {
  description: `Shows what differs between two nodes, between the majority of a pool and a node, or between two times of one node: the trust
in images by what it means (weakened, strengthened), then results of rules, files, images and facts. What two nodes never
share (their names and ids) is not compared; of a pool only what more than half of its nodes say, and images that both
have.

Exit code 0: nothing differs. 1: something does. 6: nothing that is known does, and a part of one side is not known. 5: there is no such node or pool.`,
  arguments: [
    {
      name: 'NODE',
      description: 'the node; with --baseline and --at the only one',
      required: true,
    },
    { name: 'NODE|T2', description: 'the other node; behind --at T1, the later time' },
  ],
  options: [
    { flags: '--baseline <pool>', description: 'compare with what most nodes of this pool say' },
    {
      flags: '--at <time>',
      description: 'compare this time with now, or with the time behind it: --at 24h, --at T1 T2',
      repeatable: true,
    },
    {
      flags: '--as-of <time>',
      description: 'two nodes, or a pool and a node, as they were: 24h ago, 2026-11-21T12:00:00Z',
    },
    {
      flags: '--section <list>',
      description: `only these: ${DIFF_SECTIONS.join(', ')}`,
      repeatable: true,
    },
    outputOption(DOCUMENT_FORMATS),
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'nodeseal diff worker-3 --baseline worker', meaning: 'why worker-3 stands apart' },
    {
      line: 'nodeseal diff worker-1 worker-3 --section trust',
      meaning: 'what they trust otherwise',
    },
    { line: 'nodeseal diff worker-3 --at 24h', meaning: 'what changed on it since yesterday' },
    {
      line: 'nodeseal diff worker-3 --at 2026-11-20T00:00:00Z 2026-11-21T00:00:00Z',
      meaning: 'what changed on it that day',
    },
  ],
  async run(invocation, io) {
    const question = readQuestion(invocation);
    const sections = readSections(invocation.list('section'));
    using client = await Client.open(invocation, io);
    const [from, to] = await fetchSides(client, question);
    const answer: NodeDiff = {
      apiVersion: API_VERSION,
      kind: 'NodeDiff',
      ...diffComparands(from, to, sections),
    };
    const style = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(answer, invocation.value('output'), () => nodeDiffText(answer, style)),
    );
    return exitFor(answer);
  },
};

/** What is compared, from left to right. */
type Question =
  | { readonly kind: 'nodes'; readonly from: string; readonly to: string; readonly asOf?: string }
  | { readonly kind: 'pool'; readonly pool: string; readonly node: string; readonly asOf?: string }
  | { readonly kind: 'times'; readonly node: string; readonly from: string; readonly to?: string };

function readQuestion(invocation: Invocation): Question {
  const [node = '', other, ...more] = invocation.positional.map((word) =>
    word.replace(/^nodes?\//, ''),
  );
  if (more.length > 0) throw usageError(`diff compares two, not ${more.length + 2}`);
  const pool = invocation.value('baseline')?.replace(/^pools?\//, '');
  const times = invocation.values('at');
  const asOf = invocation.value('as-of');
  if (pool !== undefined && times.length > 0) {
    throw usageError('--baseline and --at exclude each other', {
      next: `nodeseal diff ${node} --baseline ${pool} --as-of ${times[0]}`,
    });
  }
  if (times.length > 0) {
    if (asOf !== undefined) throw usageError('--at and --as-of exclude each other');
    const [from = '', to, ...rest] = [...times, ...(other === undefined ? [] : [other])];
    if (rest.length > 0) throw usageError('--at takes two times at most');
    return { kind: 'times', node, from, ...(to === undefined ? {} : { to }) };
  }
  const then = asOf === undefined ? {} : { asOf };
  if (pool !== undefined) {
    if (other !== undefined) throw usageError('--baseline compares one node with its pool');
    return { kind: 'pool', pool, node, ...then };
  }
  if (other === undefined) {
    throw usageError(`${node} is to be compared with nothing`, {
      next: `nodeseal diff ${node} NODE, or --baseline POOL, or --at 24h`,
    });
  }
  return { kind: 'nodes', from: node, to: other, ...then };
}

function readSections(words: readonly string[]): readonly DiffSection[] {
  if (words.length === 0) return DIFF_SECTIONS;
  return words.map((word) => {
    const section = DIFF_SECTIONS.find((one) => one === word);
    if (section !== undefined) return section;
    const close = nearest(word, DIFF_SECTIONS);
    throw usageError(`--section: there is no section '${word}'`, {
      next: close === undefined ? `known: ${DIFF_SECTIONS.join(', ')}` : `did you mean '${close}'?`,
    });
  });
}

async function fetchSides(
  client: Client,
  question: Question,
): Promise<readonly [Comparand, Comparand]> {
  const node = async (name: string, asOf: string | undefined): Promise<Comparand> => {
    const answer = await client.get(`/v1/nodes/${encodeURIComponent(name)}`, { asOf });
    return nodeComparand(readNodeDetail(answer, client.server), asOf);
  };
  switch (question.kind) {
    case 'nodes': {
      const { from, to, asOf } = question;
      return [await node(from, asOf), await node(to, asOf)];
    }
    case 'times':
      return [await node(question.node, question.from), await node(question.node, question.to)];
    case 'pool': {
      const { pool, asOf } = question;
      const answer = await client.get(`/v1/pools/${encodeURIComponent(pool)}`, { asOf });
      const baseline = readPoolBaseline(answer, client.server);
      return [poolComparand(baseline, asOf), await node(question.node, asOf)];
    }
  }
}

function exitFor({ trust, differences, notCompared }: NodeDiff): ExitCode {
  // A difference is told before what is not known.
  if (trust.length > 0 || differences.length > 0) return EXIT.findings;
  return notCompared.length > 0 ? EXIT.partial : EXIT.clean;
}
