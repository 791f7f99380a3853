import { API_VERSION } from '../../shared/api.ts';
import type { EnrolmentItem } from '../../shared/api-admission.ts';
import { safeText } from '../../shared/safe-text.ts';
import { Client } from '../client.ts';
import { rubbish } from '../client-errors.ts';
import type { Command } from '../command.ts';
import { ago } from '../duration.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { NO_HEADERS_OPTION, outputOption, SERVER_OPTIONS } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { isObject, misfit } from '../shape.ts';

const presentation = (io: Io): Presentation<EnrolmentItem> => ({
  resource: 'node',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', key: 'name', value: ({ name }) => name, shrink: 'end' },
    {
      header: 'STATE',
      key: 'state',
      value: ({ state }) => state,
      tone: ({ state }) => (state === 'approved' ? 'good' : state === 'revoked' ? 'bad' : 'warn'),
    },
    { header: 'POOL', key: 'pool', value: ({ pool }) => pool },
    { header: 'FROM', key: 'source', value: ({ source }) => source },
    // Whole: it is there to be compared with what the agent logs.
    { header: 'KEY', key: 'keySha256', value: ({ keySha256 }) => keySha256 },
    { header: 'SERIAL', key: 'serial', value: ({ serial }) => serial ?? null, wide: true },
    { header: 'EXPIRES', key: 'notAfter', value: ({ notAfter }) => notAfter ?? null, wide: true },
    { header: 'UID', key: 'uid', value: ({ uid }) => uid, wide: true },
    {
      header: 'AGE',
      key: 'enrolledAt',
      value: ({ enrolledAt }) => enrolledAt,
      show: ({ enrolledAt }) => ago(enrolledAt, io.nowMs()),
    },
  ],
});

const ITEM_SHAPE = {
  name: 'text',
  uid: 'text',
  pool: 'text',
  state: 'text',
  keySha256: 'text',
  source: 'text',
  enrolledAt: 'text',
  serial: 'text?',
  notAfter: 'text?',
} as const;

export const listEnrolments: Command = {
  description: `Lists the nodes that enrolled with a key of their own, and those that wait for approval: compare KEY with what the
agent of the node logs before you approve it.`,
  arguments: [],
  options: [outputOption(), NO_HEADERS_OPTION, ...SERVER_OPTIONS],
  examples: [{ line: 'nodeseal node list', meaning: 'who waits' }],
  async run(invocation, io) {
    using client = await Client.open(invocation, io);
    const answer = await client.get('/v1/enrolments');
    const found: unknown = isObject(answer) ? answer['items'] : undefined;
    if (!Array.isArray(found)) throw rubbish(client.server, 'expected a list');
    const items = found.map((item: unknown, index) => {
      const fault = misfit(item, ITEM_SHAPE, `items[${index}]`);
      if (fault !== undefined) throw rubbish(client.server, fault);
      // Looked at by misfit().
      return item as EnrolmentItem;
    });
    const list = { apiVersion: API_VERSION, kind: 'EnrolmentList', items };
    const output = invocation.value('output') ?? 'table';
    if (isFormat(output)) {
      const style = styleOf(io, invocation.value('color'));
      io.stdout.write(
        listText(list, presentation(io), output, style, !invocation.flag('no-headers')),
      );
    }
    if (items.length === 0) io.stderr.write('no node enrolled\n');
    return EXIT.clean;
  },
};

/** `POST /v1/nodes/NAME/<verb>` for each name. */
function admission(
  verb: 'approve' | 'revoke' | 'retire',
  done: string,
  words: Pick<Command, 'description' | 'examples'>,
): Command {
  return {
    ...words,
    arguments: [{ name: 'NODE', description: 'names of nodes', required: true, repeatable: true }],
    options: [
      ...(verb === 'revoke'
        ? [{ flags: '--serial <hex>', description: 'only the certificate with this serial number' }]
        : []),
      outputOption(DOCUMENT_FORMATS),
      ...SERVER_OPTIONS,
    ],
    async run(invocation, io) {
      const serial = verb === 'revoke' ? invocation.value('serial') : undefined;
      using client = await Client.open(invocation, io);
      const items: unknown[] = [];
      const names = invocation.positional.map((word) => word.replace(/^nodes?\//, ''));
      for (const name of names) {
        const path = `/v1/nodes/${encodeURIComponent(name)}/${verb}`;
        const answer = await client.post(path, serial === undefined ? undefined : { serial });
        assertKind(answer, verb === 'retire' ? 'Revoked' : 'NodeAdmission', client.server);
        items.push(answer);
      }
      const list = { apiVersion: API_VERSION, kind: 'NodeAdmissionList', items };
      io.stdout.write(
        documentText(list, invocation.value('output'), () =>
          names.map((name) => `${done} ${safeText(name)}\n`).join(''),
        ),
      );
      return EXIT.clean;
    },
  };
}

/** That something answered is not yet that the node was let in, or shut out. */
function assertKind(answer: unknown, kind: string, server: string): void {
  if (isObject(answer) && answer['kind'] === kind) return;
  throw rubbish(server, `expected ${kind}`);
}

export const approveNodes: Command = admission('approve', 'approved', {
  description: 'Lets nodes in that wait for approval, and takes the revocation of nodes back.',
  examples: [
    { line: 'nodeseal node approve rhel-17', meaning: 'it connects within half a minute' },
  ],
});

export const revokeNodes: Command = admission('revoke', 'revoked', {
  description: `Ends the authority of nodes at once, whatever their credential is: they are cut off and not let in again, until
'node approve' takes it back.`,
  examples: [{ line: 'nodeseal node revoke rhel-17', meaning: 'its disk was stolen' }],
});

export const retireNodes: Command = admission('retire', 'retired', {
  description: `Nodes that are gone for good: their credentials hold no longer and they are no longer expected. Their history stays.
A machine that comes back enrols as a new node, when it has a join token.`,
  examples: [{ line: 'nodeseal node retire rhel-17', meaning: 'the machine was scrapped' }],
});
