import { API_VERSION } from '../../shared/api.ts';
import { counted } from '../../shared/counted.ts';
import { safeText } from '../../shared/safe-text.ts';
import { Client } from '../client.ts';
import { ProblemError, rubbish } from '../client-errors.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { outputOption, serverOptions } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { startProgress } from '../progress.ts';
import { isObject } from '../shape.ts';

/** Codes of problems that mean: the aggregator answered, the node did not. */
const NODE_PROBLEMS: ReadonlySet<string> = new Set([
  'notConnected',
  'nodeTimeout',
  'nodeDisconnected',
  'nodeBusy',
  'nodeRefused',
]);

/** The aggregator itself gives a node a minute. */
const WAIT = '90s';
/** So many nodes are asked at once. */
const AT_ONCE = 16;

interface Rescan {
  readonly node: string;
  readonly answered: boolean;
  readonly reason?: string;
  readonly message?: string;
  readonly data?: unknown;
}

export const rescan: Command = {
  description: `Asks nodes to look at everything now, and waits for it. Exit code 6: a node did not answer.`,
  arguments: [{ name: 'NODE', description: 'names of nodes', required: true, repeatable: true }],
  options: [outputOption(DOCUMENT_FORMATS), ...serverOptions(WAIT)],
  examples: [{ line: 'nodeseal rescan worker-1', meaning: 'do not wait for the next interval' }],
  async run(invocation, io) {
    using client = await Client.open(invocation, io);
    const names = invocation.positional.map((word) => word.replace(/^nodes?\//, ''));
    const items = await rescanAll(client, names, io);
    const list = { apiVersion: API_VERSION, kind: 'RescanList', items };
    const { paint, symbols } = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(list, invocation.value('output'), () => {
        const lines = items.map(({ node, answered, message }) => {
          const mark = answered
            ? paint(`${symbols.good} DONE`, 'good')
            : paint(`${symbols.warn} NO ANSWER`, 'warn');
          return `${mark}  ${safeText(message === undefined ? node : `${node}: ${message}`)}\n`;
        });
        return lines.join('');
      }),
    );
    const exit: ExitCode = items.every(({ answered }) => answered) ? EXIT.clean : EXIT.partial;
    return exit;
  },
};

/** Several at a time, answered in the order in which they were named. */
async function rescanAll(
  client: Client,
  names: readonly string[],
  io: Io,
): Promise<readonly Rescan[]> {
  using progress = startProgress(io);
  const answers = new Map<number, Rescan>();
  const left = names.entries();
  const askInTurn = async (): Promise<void> => {
    for (const [index, name] of left) {
      answers.set(index, await rescanNode(client, name));
      progress.say(() => `${answers.size} of ${counted(names.length, 'node')} answered`);
    }
  };
  progress.say(() => `waiting for ${counted(names.length, 'node')}`);
  await Promise.all(Array.from({ length: AT_ONCE }, askInTurn));
  return names.flatMap((_, index) => answers.get(index) ?? []);
}

async function rescanNode(client: Client, node: string): Promise<Rescan> {
  try {
    const answer = await client.post(`/v1/nodes/${encodeURIComponent(node)}/rescan`);
    if (!isObject(answer)) throw rubbish(client.server, 'expected the result of a command');
    return { node, answered: true, data: answer['data'] };
  } catch (error) {
    if (!(error instanceof ProblemError) || !NODE_PROBLEMS.has(error.problem)) throw error;
    return { node, answered: false, reason: error.problem, message: error.why ?? '' };
  }
}
