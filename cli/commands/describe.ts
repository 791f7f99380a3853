import type { NodeDetail } from '../../shared/api.ts';
import { countResults } from '../../shared/results.ts';
import { readNodeDetail } from '../answers.ts';
import { Client } from '../client.ts';
import type { Command } from '../command.ts';
import { ago } from '../duration.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { outputOption, SERVER_OPTIONS } from '../options.ts';
import { type Style, styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { eventPresentation } from '../output/event.ts';
import { byUrgency, countsText, findingLines } from '../output/finding.ts';
import { IMAGE_COLUMNS } from '../output/image.ts';
import { nodeStateText } from '../output/node.ts';
import { safeText } from '../output/safe.ts';
import { tableText } from '../output/table.ts';
import { wrap } from '../output/wrap.ts';
import { readTypeAndNames } from '../resources.ts';

/** So many events are shown; `get events` has them all. */
const SHOWN_EVENTS = 10;

export const describe: Command = {
  description: `Shows a node with everything one would ask next: state, connection, what it is, findings that do not pass, images that
are not accepted, and its last events. -o json has all of it.`,
  arguments: [
    { name: 'TYPE', description: 'node, or node/NAME', required: true },
    { name: 'NAME', description: 'name of the node' },
  ],
  options: [outputOption(DOCUMENT_FORMATS), ...SERVER_OPTIONS],
  examples: [{ line: 'nodeseal describe node worker-1', meaning: 'what is known of worker-1' }],
  async run(invocation, io) {
    const { type, names } = readTypeAndNames(invocation.positional);
    const [name] = names;
    if (type !== 'nodes') {
      throw usageError(`describe shows nodes, not ${type}`, { next: `nodeseal get ${type}` });
    }
    if (name === undefined) throw usageError('no node is named', { next: 'describe node NAME' });
    using client = await Client.open(invocation, io);
    const answer = await client.get(`/v1/nodes/${encodeURIComponent(name)}`);
    const detail = readNodeDetail(answer, client.server);
    const style = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(detail, invocation.value('output'), () => {
        return peopleText(detail, style, io.nowMs());
      }),
    );
    return EXIT.clean;
  },
};

function peopleText(detail: NodeDetail, style: Style, nowMs: number): string {
  const { node, session, findings, images, events } = detail;
  const open = findings
    .filter(({ result }) => result !== 'pass' && result !== 'notapplicable')
    .sort(byUrgency);
  const doubtful = images.filter(({ verdict }) => verdict !== 'accepted');
  const seen = node.lastSeen === null ? 'never' : `${ago(node.lastSeen, nowMs)} ago`;
  const facts: (readonly [string, string])[] = [
    ['Name', `${node.name} (uid ${node.uid})`],
    ['State', `${nodeStateText(node.state)}, last seen ${seen}`],
    ['Pool', node.pool],
    ['Agent', node.agentVersion ?? '-'],
    ['Connection', connectionText(session, nowMs)],
    ...hostFacts(detail),
    ['Rules', countsText(countResults(findings.map(({ result }) => result)))],
    ['Drift', node.drift === 0 ? 'none' : `${node.drift} (nodeseal get drift)`],
  ];
  const blocks = [
    facts.map(([name, text]) => factText(name, safeText(text), style)).join(''),
    block('Findings', open.length, findingLines(open, style).join('\n')),
    block('Images not accepted', doubtful.length, tableText(doubtful, IMAGE_COLUMNS, style)),
    block(
      'Last events',
      events.length,
      tableText(events.slice(0, SHOWN_EVENTS), eventPresentation(nowMs).columns.slice(1), style),
    ),
  ];
  return blocks.join('\n');
}

const LABEL_COLUMNS = 14;

function factText(name: string, text: string, style: Style): string {
  const columns = style.isTerminal ? style.columns - LABEL_COLUMNS : Number.POSITIVE_INFINITY;
  const lines = wrap(text, columns).join(`\n${' '.repeat(LABEL_COLUMNS)}`);
  return `${`${name}:`.padEnd(LABEL_COLUMNS)}${lines}\n`;
}

function block(title: string, count: number, text: string): string {
  return count === 0 ? `${title}: none\n` : `${title}:\n${text.trimEnd()}\n`;
}

function connectionText(session: NodeDetail['session'], nowMs: number): string {
  const { connected, since, unsentRecords, lostRecords, clockSkewSeconds } = session;
  const state = connected ? `connected since ${ago(since, nowMs)}` : 'not connected';
  const skew =
    clockSkewSeconds === null ? '' : `, clock skew ${Math.abs(clockSkewSeconds).toFixed(1)}s`;
  return `${state}, ${unsentRecords} events unsent, ${lostRecords} lost${skew}`;
}

/** The flat members of the section `host`: what the machine is. */
function hostFacts({ sections }: NodeDetail): readonly (readonly [string, string])[] {
  const host = sections['host'] ?? {};
  return Object.entries(host).map(([key, item]) => {
    const isFlat = typeof item !== 'object' || item === null;
    const text = isFlat ? String(item) : membersText(item);
    return [safeText(key), text] as const;
  });
}

/** What is not known of the machine is left out. */
function membersText(item: object): string {
  return Object.entries(item)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      return `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
    })
    .join(' ');
}
