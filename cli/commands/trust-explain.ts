import { verifyImages } from '../../agent/images/verify.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { describeTrust } from '../../agent/trust-items.ts';
import { API_VERSION, type Coverage } from '../../shared/api.ts';
import { canonicalJson, type Json } from '../../shared/canonical.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { readReportedTrust } from '../../shared/reported-trust.ts';
import { safeText } from '../../shared/safe-text.ts';
import {
  parseReference,
  type Reference,
  referenceText,
  withDefaultTag,
} from '../../shared/trust/reference.ts';
import { Client } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { coverageExit, coverageText, readPercent } from '../coverage.ts';
import { usageError } from '../errors.ts';
import { combineExits, EXIT, type ExitCode } from '../exit.ts';
import { refuseFleetFlags } from '../fleet-flags.ts';
import { findImages } from '../fleet-images.ts';
import { openHostRoot } from '../host-root.ts';
import type { Io } from '../io.ts';
import { clockOf } from '../node-state.ts';
import {
  LOCAL_ROOT_OPTION,
  NODE_OPTION,
  outputOption,
  POOL_OPTION,
  REQUIRE_COVERAGE_OPTION,
  SERVER_OPTIONS,
} from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { explanationText } from '../output/explanation.ts';
import { orBadReference, readImageName } from '../policy-files.ts';
import { answerFor, type ExplanationItem, type TrustExplanation } from '../trust-answer.ts';
import { answeredExit, fetchGroups, fetchTrust, type Target } from '../trust-groups.ts';

export const trustExplain: Command = {
  description: `Says of an image which scope of which policy speaks for it, what that asks for and by which keys, where its signatures would
be looked for (mirrors counted), and what the verdict is on each node that holds it, and why. Nodes with the same answer
stand together: of the whole fleet, of --node or --pool, or with --host-root of this node, without a server. Nothing is
fetched.

Exit code 5: there is no such node or pool. 7: with --host-root, the policy cannot be used.`,
  arguments: [
    { name: 'IMAGE', description: 'name of an image: quay.io/team/app:v1', required: true },
  ],
  options: [
    NODE_OPTION,
    POOL_OPTION,
    LOCAL_ROOT_OPTION,
    outputOption(DOCUMENT_FORMATS),
    REQUIRE_COVERAGE_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    {
      line: 'nodeseal trust explain quay.io/team/app:v1',
      meaning: 'who accepts it, who does not, and why',
    },
    {
      line: 'sudo nodeseal trust explain quay.io/team/app:v1 --host-root /',
      meaning: 'of this node, without a server',
    },
  ],
  async run(invocation, io) {
    const [word = ''] = invocation.positional;
    const reference = readReference(word.replace(/^image\//, ''));
    const root = invocation.value('host-root');
    const [node, pool] = [invocation.value('node'), invocation.value('pool')];
    const given = [root, node, pool].filter((one) => one !== undefined);
    if (given.length > 1) throw usageError('--host-root, --node and --pool exclude each other');
    if (root !== undefined) refuseFleetFlags(invocation, 'leave out --host-root');
    if (root !== undefined) return await explainHere(root, reference, invocation, io);
    const target: Target =
      node !== undefined
        ? { kind: 'node', name: node.replace(/^nodes?\//, '') }
        : pool !== undefined
          ? { kind: 'pool', name: pool.replace(/^pools?\//, '') }
          : { kind: 'fleet' };
    return await explainFleet(target, reference, invocation, io);
  },
};

function readReference(word: string): Reference {
  try {
    const { transport, reference } = readImageName(word);
    if (transport !== 'docker') {
      throw usageError(`trust explain is about images of registries, not of ${transport}:`, {
        next: `nodeseal policy resolve --policy FILE ${word}`,
      });
    }
    const parsed = withDefaultTag(parseReference(reference));
    if (parsed.tag !== undefined && parsed.digest !== undefined) {
      const { name, digest } = parsed;
      throw usageError(`${word}: expected a tag or a digest, not both`, {
        next: `nodeseal trust explain ${name}@${digest}`,
      });
    }
    return parsed;
  } catch (error) {
    return orBadReference(error);
  }
}

async function explainHere(
  root: string,
  reference: Reference,
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const host = await openHostRoot(root, io);
  const found = await readNodeTrust(host);
  const trust = readReportedTrust(await describeTrust(found, io.nowMs()));
  const { verdicts, faults } = await verifyImages(host, found, {
    references: [referenceText(reference)],
    clock: clockOf(io),
    signal: io.signal,
  });
  const item = {
    nodes: [],
    ...(await answerFor(trust, reference, io.nowMs())),
    verdicts: verdicts.map(({ pods: _, ...verdict }) => verdict),
  };
  write([item], reference, undefined, invocation, io);
  for (const { path, message } of faults) {
    io.stderr.write(`note: ${safeText(path)}: ${safeText(message)}\n`);
  }
  return trust.policies[0]?.policy === undefined ? EXIT.inputInvalid : EXIT.clean;
}

async function explainFleet(
  target: Target,
  reference: Reference,
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const required = readPercent(invocation.value('require-coverage'));
  using client = await Client.open(invocation, io);
  const { groups, coverage } = await fetchGroups(client, target);
  const asked = target.kind === 'node' ? target.name : undefined;
  const images = await findImages(client, referenceText(reference), asked);
  const byNode = Map.groupBy(images.items, ({ node }) => node);
  const answers = new Map<string, ExplanationItem & { readonly nodes: string[] }>();
  for (const { digest, nodes } of groups) {
    const answer = await answerFor(await fetchTrust(client, digest), reference, io.nowMs());
    for (const node of nodes) {
      const verdicts = (byNode.get(node) ?? []).map(
        ({ node: _, nodeState: __, pods: ___, ...verdict }) => verdict,
      );
      const key = canonicalJson([plain(answer), ...verdicts.map(plain)]);
      const same = answers.get(key) ?? { nodes: [], ...answer, verdicts };
      answers.set(key, same);
      same.nodes.push(node);
    }
  }
  const items = [...answers.values()].sort(
    (a, b) => urgencyOf(a) - urgencyOf(b) || b.nodes.length - a.nodes.length,
  );
  write(items, reference, coverage, invocation, io);
  io.stderr.write(`${coverageText(coverage)}\n`);
  return combineExits([coverageExit(coverage, required, io), answeredExit(items, io)]);
}

const WORST_FIRST: readonly ImageVerdict['verdict'][] = [
  'rejected',
  'unknown',
  'unenforced',
  'accepted',
];

/** By the worst of its verdicts; what no node holds is the least urgent. */
function urgencyOf({ verdicts }: ExplanationItem): number {
  const ranks = verdicts.map(({ verdict }) => WORST_FIRST.indexOf(verdict));
  return Math.min(WORST_FIRST.length, ...ranks);
}

function write(
  items: readonly ExplanationItem[],
  reference: Reference,
  coverage: Coverage | undefined,
  invocation: Invocation,
  io: Io,
): void {
  const explanation: TrustExplanation = {
    apiVersion: API_VERSION,
    kind: 'TrustExplanation',
    reference: referenceText(reference),
    items,
    ...(coverage === undefined ? {} : { coverage }),
  };
  const style = styleOf(io, invocation.value('color'));
  io.stdout.write(
    documentText(explanation, invocation.value('output'), () =>
      explanationText(explanation, style),
    ),
  );
}

function plain(value: object): Json {
  return value as Json; // what an aggregator sent as JSON, and plain data of our own types
}
