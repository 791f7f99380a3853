import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { safeText } from '../../shared/safe-text.ts';
import { Client } from '../client.ts';
import { rubbish } from '../client-errors.ts';
import type { Command, Invocation } from '../command.ts';
import {
  type Context,
  changeContexts,
  contextPath,
  loadContexts,
  readServer,
  withContext,
  writePrivate,
} from '../context.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { readInput } from '../files.ts';
import type { Io } from '../io.ts';
import { isObject } from '../shape.ts';

/** It becomes the name of a file. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$/;
/** Tokens of an aggregator, of OpenShift, and JSON Web Tokens, by how they begin. */
const TOKEN = /^(?:ns[a-z]_[0-9a-f]|sha256~|eyJ)/;
/** RFC 6750, section 2.1. */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/;

export const login: Command = {
  description: `Keeps a token for an aggregator, when the aggregator takes it, and makes its context the current one. The token is read from
standard input, or from a file, and kept beside the configuration in a file of mode 0600; on the command line everybody on
this machine could read it.`,
  arguments: [
    { name: 'CONTEXT', description: 'name of the context; default: the current one, or default' },
  ],
  options: [
    {
      flags: '--server <url>',
      description: 'address of the aggregator; default: that of the context',
    },
    {
      flags: '--token-file <file>',
      description: 'file to read the token from; default: standard input',
    },
    { flags: '--token <token>', description: 'refused, with what to do instead' },
    { flags: '--ca-file <file>', description: 'certificates the server is verified by (PEM)' },
    { flags: '--plain-http', description: 'plain HTTP to another machine is meant' },
    {
      flags: '--timeout <duration>',
      description: 'give up after: 500ms, 30s, 2m',
      default: '30s',
    },
  ],
  examples: [
    {
      line: 'nodeseal login production --server https://nodeseal.example.com < token',
      meaning: 'with the token that an administrator made',
    },
    {
      line: 'oc whoami -t | nodeseal login cluster --server https://nodeseal.example.com',
      meaning: 'as the person who is logged in to the cluster',
    },
  ],
  async run(invocation, io) {
    refuseArguments(invocation);
    const { contexts } = await loadContexts(io);
    const name = invocation.positional[0] ?? contexts.currentContext ?? 'default';
    if (!NAME.test(name)) {
      throw usageError(`'${name}' is no name of a context`, {
        next: 'letters, digits, ".", "_" and "-"',
      });
    }
    const before = contexts.contexts.find((context) => context.name === name);
    const context = contextFrom(name, before, invocation, io);
    const token = await readToken(invocation, io);
    const { tokenFile = '' } = context;
    const draft = `${tokenFile}.${process.pid}.unverified`;
    await writePrivate(draft, `${token}\n`, `cannot write the token file ${tokenFile}`);
    try {
      await verify(context, draft, invocation, io);
    } finally {
      await rm(draft, { force: true });
    }
    await writePrivate(tokenFile, `${token}\n`, `cannot write the token file ${tokenFile}`);
    await changeContexts(io, (file) => ({
      ...withContext(file.contexts, context),
      currentContext: name,
    }));
    io.stdout.write(`logged in to ${safeText(context.server)} as context ${safeText(name)}\n`);
    return EXIT.clean;
  },
};

function refuseArguments(invocation: Invocation): void {
  const [word = ''] = invocation.positional;
  if (invocation.value('token') === undefined && !TOKEN.test(word)) return;
  throw usageError('a token is not taken from the command line', {
    why: 'everybody on this machine can read it there, and the shell keeps it: make another one',
    next: 'nodeseal login CONTEXT --server URL < FILE, or --token-file FILE',
  });
}

function contextFrom(
  name: string,
  before: Context | undefined,
  invocation: Invocation,
  io: Io,
): Context {
  const server = invocation.value('server') ?? before?.server;
  if (server === undefined) {
    throw usageError(`context '${name}' is new and has no server`, { next: '--server URL' });
  }
  const plainHttp = invocation.flag('plain-http') || before?.plainHttp === true;
  readServer(server, plainHttp);
  const given = invocation.value('ca-file');
  const caFile = given === undefined ? before?.caFile : resolve(given);
  return {
    name,
    server,
    tokenFile: join(dirname(contextPath(io)), 'tokens', name),
    ...(caFile === undefined ? {} : { caFile }),
    ...(plainHttp ? { plainHttp } : {}),
  };
}

async function readToken(invocation: Invocation, io: Io): Promise<string> {
  const file = invocation.value('token-file') ?? '-';
  if (file === '-' && io.stderr.isTerminal) io.stderr.write('token, then Ctrl-D: ');
  const token = (await readInput(file, 'token', io)).toString('latin1').trim();
  if (BEARER.test(token) && token.length <= 16_384) return token;
  throw new CliError(
    'ERR_CLI_INPUT',
    file === '-' ? 'standard input holds no token' : `${file} holds no token`,
    {
      why: 'expected one line of letters, digits and -._~+/',
      next: 'nodeseal login NAME --server URL --token-file FILE',
    },
  );
}

/** Whether the server takes the token; the answer is one that needs a credential. */
async function verify(
  context: Context,
  tokenFile: string,
  invocation: Invocation,
  io: Io,
): Promise<void> {
  const { server, caFile, plainHttp } = context;
  const values: Readonly<Record<string, string | undefined>> = {
    server,
    'token-file': tokenFile,
    'ca-file': caFile,
    timeout: invocation.value('timeout'),
  };
  const asked: Invocation = {
    ...invocation,
    flag: (name) => (name === 'plain-http' ? plainHttp === true : invocation.flag(name)),
    value: (name) => values[name],
  };
  using client = await Client.open(asked, io);
  const answer = await client.get('/v1/version');
  if (!isObject(answer) || answer['kind'] !== 'ServerVersion') {
    throw rubbish(client.server, 'expected a ServerVersion');
  }
}
