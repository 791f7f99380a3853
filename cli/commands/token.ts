import type { TokenItem } from '../../shared/api-admission.ts';
import { safeText } from '../../shared/safe-text.ts';
import { Client } from '../client.ts';
import { rubbish } from '../client-errors.ts';
import type { Command, Invocation } from '../command.ts';
import { ago, readDuration } from '../duration.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { NO_HEADERS_OPTION, outputOption, SERVER_OPTIONS } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { isObject, misfit } from '../shape.ts';

const KINDS = ['user', 'agent', 'join'] as const;

export const createToken: Command = {
  description: `Makes a token and prints it: it is kept nowhere and cannot be shown again. KIND is user (a person or script), agent (one
node) or join (nodes enrol with it). A join token of a server with TLS ends with @sha256:…, by which a new node knows the server.`,
  arguments: [
    { name: 'KIND', description: KINDS.join(', '), suggestions: KINDS, required: true },
    {
      name: 'NAME',
      description: 'of the user, of the node, or to know a join token by',
      required: true,
    },
  ],
  options: [
    {
      flags: '--role <role>',
      description: 'user: what it may do',
      choices: ['viewer', 'operator', 'admin'],
    },
    { flags: '--pool <pool>', description: 'agent, join: pool of the nodes' },
    { flags: '--uses <count>', description: 'join: how many nodes may enrol; default 1' },
    { flags: '--names <pattern>', description: "join: names that may enrol, as 'edge-*'" },
    {
      flags: '--ttl <duration>',
      description: 'how long it holds; default: join 2h, others for ever',
    },
    outputOption(DOCUMENT_FORMATS),
    ...SERVER_OPTIONS,
  ],
  examples: [
    {
      line: "nodeseal token create join edge --uses 20 --ttl 2h --names 'edge-*' > join.token",
      meaning: 'lets twenty nodes in',
    },
    { line: 'nodeseal token create user alice --role operator', meaning: 'a token for alice' },
  ],
  async run(invocation, io) {
    const body = requestOf(invocation);
    using client = await Client.open(invocation, io);
    const answer = await client.post('/v1/tokens', body);
    const token = isObject(answer) ? answer['token'] : undefined;
    if (typeof token !== 'string') throw rubbish(client.server, 'expected a token');
    io.stdout.write(documentText(answer, invocation.value('output'), () => `${safeText(token)}\n`));
    if (io.stderr.isTerminal)
      io.stderr.write('It is shown this once: keep it in a file of mode 0600\n');
    return EXIT.clean;
  },
};

function requestOf(invocation: Invocation): object {
  const [kind = '', name = ''] = invocation.positional;
  if (!KINDS.some((known) => known === kind)) {
    throw usageError(`'${kind}' is no kind of token`, { next: `write one of ${KINDS.join(', ')}` });
  }
  const [ttl, uses] = [invocation.value('ttl'), invocation.value('uses')];
  if (uses !== undefined && !/^[1-9]\d{0,4}$/.test(uses)) {
    throw usageError(`--uses ${uses} is no number of nodes`);
  }
  const [role, pool, names] = ['role', 'pool', 'names'].map((option) => invocation.value(option));
  return {
    kind,
    name,
    ...(role === undefined ? {} : { role }),
    ...(pool === undefined ? {} : { pool }),
    ...(names === undefined ? {} : { names }),
    ...(uses === undefined ? {} : { uses: Number(uses) }),
    ...(ttl === undefined ? {} : { ttlSeconds: secondsOf(ttl) }),
  };
}

/** How long a token may hold is the aggregator's to say. */
function secondsOf(ttl: string): number {
  return Math.ceil(readDuration(ttl, '--ttl', Number.MAX_SAFE_INTEGER) / 1000);
}

const presentation = (io: Io): Presentation<TokenItem> => ({
  resource: 'token',
  nameOf: ({ id }) => id,
  columns: [
    { header: 'ID', key: 'id', value: ({ id }) => id },
    { header: 'KIND', key: 'kind', value: ({ kind }) => kind },
    { header: 'NAME', key: 'name', value: ({ name }) => name, shrink: 'end' },
    { header: 'ROLE', key: 'role', value: ({ role }) => role ?? null },
    { header: 'POOL', key: 'pool', value: ({ pool }) => pool ?? null },
    { header: 'USES', key: 'usesLeft', value: ({ usesLeft }) => usesLeft ?? null, align: 'right' },
    { header: 'NAMES', key: 'names', value: ({ names }) => names ?? null, wide: true },
    { header: 'EXPIRES', key: 'expiresAt', value: ({ expiresAt }) => expiresAt ?? null },
    {
      header: 'AGE',
      key: 'createdAt',
      value: ({ createdAt }) => createdAt,
      show: ({ createdAt }) => ago(createdAt, io.nowMs()),
    },
  ],
});

export const listTokens: Command = {
  description:
    'Lists the tokens of people, of nodes and for enrolling. The tokens themselves are kept nowhere.',
  arguments: [],
  options: [outputOption(), NO_HEADERS_OPTION, ...SERVER_OPTIONS],
  examples: [{ line: 'nodeseal token list', meaning: 'who may come in' }],
  async run(invocation, io) {
    using client = await Client.open(invocation, io);
    const items = itemsOf(await client.get('/v1/tokens'), client.server);
    const list = { apiVersion: 'nodeseal.dev/v1', kind: 'TokenList', items } as const;
    const output = invocation.value('output') ?? 'table';
    if (isFormat(output)) {
      const style = styleOf(io, invocation.value('color'));
      io.stdout.write(
        listText(list, presentation(io), output, style, !invocation.flag('no-headers')),
      );
    }
    return EXIT.clean;
  },
};

export const revokeTokens: Command = {
  description:
    'Ends tokens by id, or by KIND/NAME. What is connected with them is cut off within seconds.',
  arguments: [
    {
      name: 'TOKEN',
      description: 'id, or user/alice, agent/rhel-17, join/edge',
      required: true,
      repeatable: true,
    },
  ],
  options: [outputOption(DOCUMENT_FORMATS), ...SERVER_OPTIONS],
  examples: [{ line: 'nodeseal token revoke user/alice', meaning: 'alice may ask no more' }],
  async run(invocation, io) {
    using client = await Client.open(invocation, io);
    const known = itemsOf(await client.get('/v1/tokens'), client.server);
    const chosen = invocation.positional.flatMap((word) => {
      const found = known.filter(({ id, kind, name }) => id === word || `${kind}/${name}` === word);
      if (found.length > 0) return found;
      throw new CliError('ERR_CLI_NOT_FOUND', `no token is '${word}'`, {
        next: 'nodeseal token list',
      });
    });
    for (const { id } of chosen) await client.delete(`/v1/tokens/${id}`);
    const list = { apiVersion: 'nodeseal.dev/v1', kind: 'TokenList', items: chosen };
    io.stdout.write(
      documentText(list, invocation.value('output'), () =>
        chosen
          .map(({ id, kind, name }) => `revoked ${safeText(`${kind}/${name} (${id})`)}\n`)
          .join(''),
      ),
    );
    return EXIT.clean;
  },
};

const TOKEN_SHAPE = { id: 'text', kind: 'text', name: 'text', createdAt: 'text' } as const;

function itemsOf(answer: unknown, server: string): readonly TokenItem[] {
  const items: readonly unknown[] =
    isObject(answer) && Array.isArray(answer['items']) ? answer['items'] : [undefined];
  return items.map((item, index) => {
    const fault = misfit(item, TOKEN_SHAPE, `items[${index}]`);
    if (fault !== undefined) throw rubbish(server, fault);
    // Its mandatory members were looked at by misfit().
    return item as TokenItem;
  });
}
