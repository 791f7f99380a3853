import { resolve } from 'node:path';
import { safeText } from '../../shared/safe-text.ts';
import type { Command, Invocation } from '../command.ts';
import {
  type Context,
  changeContexts,
  loadContexts,
  readServer,
  unknownContext,
  withContext,
} from '../context.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { NO_HEADERS_OPTION, outputOption } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { isFormat } from '../output/format.ts';
import { jsonText } from '../output/json.ts';
import { listText } from '../output/list.ts';
import { yamlText } from '../output/yaml.ts';

interface Row extends Context {
  readonly isCurrent: boolean;
}

const PRESENTATION: Presentation<Row> = {
  resource: 'context',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', key: 'name', value: ({ name }) => name },
    {
      header: 'CURRENT',
      key: 'current',
      value: ({ isCurrent }) => isCurrent,
      show: ({ isCurrent }) => (isCurrent ? '*' : ''),
    },
    { header: 'SERVER', key: 'server', value: ({ server }) => server },
    {
      header: 'TOKEN-FILE',
      key: 'tokenFile',
      value: ({ tokenFile }) => tokenFile ?? null,
      shrink: 'start',
    },
    { header: 'CA-FILE', key: 'caFile', value: ({ caFile }) => caFile ?? null, wide: true },
  ],
};

export const getContexts: Command = {
  description: 'Lists the aggregators of the configuration file and marks the current one.',
  arguments: [],
  options: [outputOption(), NO_HEADERS_OPTION],
  examples: [{ line: 'nodeseal config get-contexts', meaning: 'whom can I ask' }],
  async run(invocation, io) {
    const { path, contexts } = await loadContexts(io);
    const { contexts: items, ...rest } = contexts;
    const rows = items.map((context) => ({
      ...context,
      isCurrent: context.name === contexts.currentContext,
    }));
    const list = { apiVersion: rest.apiVersion, kind: 'ContextList', items: rows };
    const output = invocation.value('output') ?? 'table';
    if (isFormat(output)) {
      const style = styleOf(io, invocation.value('color'));
      const headers = !invocation.flag('no-headers');
      io.stdout.write(listText(list, PRESENTATION, output, style, headers));
    }
    if (rows.length === 0) io.stderr.write(`no contexts in ${safeText(path)}\n`);
    return EXIT.clean;
  },
};

export const useContext: Command = {
  description: 'Makes a context the one that is asked when none is named.',
  arguments: [{ name: 'CONTEXT', description: 'name of a context', required: true }],
  options: [],
  examples: [
    { line: 'nodeseal config use-context production', meaning: 'ask this one from now on' },
  ],
  async run(invocation, io) {
    const [name = ''] = invocation.positional;
    await changeContexts(io, (file) => {
      if (!file.contexts.contexts.some((context) => context.name === name)) {
        throw unknownContext(name, file);
      }
      return { ...file.contexts, currentContext: name };
    });
    io.stdout.write(`current context: ${safeText(name)}\n`);
    return EXIT.clean;
  },
};

export const setContext: Command = {
  description: `Adds a context, or changes the named members of one. The first context becomes the current one. A token is never
written into the configuration: only where its file is.`,
  arguments: [{ name: 'CONTEXT', description: 'name of the context', required: true }],
  options: [
    { flags: '--server <url>', description: 'address of the aggregator' },
    { flags: '--token-file <file>', description: 'file that holds the token' },
    { flags: '--ca-file <file>', description: 'certificates the server is verified by (PEM)' },
    { flags: '--plain-http', description: 'plain HTTP to another machine is meant' },
  ],
  examples: [
    {
      line: 'nodeseal config set-context production --server https://nodeseal.example.com --token-file ~/.nodeseal-token',
      meaning: 'an aggregator behind a route',
    },
  ],
  async run(invocation, io) {
    const [name = ''] = invocation.positional;
    let isNew = true;
    await changeContexts(io, ({ contexts }) => {
      const before = contexts.contexts.find((context) => context.name === name);
      isNew = before === undefined;
      return withContext(contexts, contextFrom(name, before, invocation));
    });
    io.stdout.write(`context ${safeText(name)} ${isNew ? 'added' : 'changed'}\n`);
    return EXIT.clean;
  },
};

/** The context as it was, with what the flags say. */
function contextFrom(name: string, before: Context | undefined, invocation: Invocation): Context {
  const server = invocation.value('server') ?? before?.server;
  if (server === undefined) {
    throw usageError(`context '${name}' is new and has no server`, { next: '--server URL' });
  }
  const plainHttp = invocation.flag('plain-http') || before?.plainHttp === true;
  readServer(server, plainHttp);
  const tokenFile = absolute(invocation.value('token-file')) ?? before?.tokenFile;
  const caFile = absolute(invocation.value('ca-file')) ?? before?.caFile;
  return {
    name,
    server,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(plainHttp ? { plainHttp } : {}),
  };
}

/** As typed it is meant from here; in the file it would be from there. */
function absolute(file: string | undefined): string | undefined {
  return file === undefined ? undefined : resolve(file);
}

export const view: Command = {
  description: 'Prints the configuration. It holds no secrets: tokens stand in files of their own.',
  arguments: [],
  options: [
    {
      flags: '-o, --output <format>',
      description: 'output: yaml, json',
      choices: ['yaml', 'json'],
      default: 'yaml',
    },
  ],
  examples: [{ line: 'nodeseal config view', meaning: 'whom do I ask, and as whom' }],
  async run(invocation, io) {
    const { path, contexts } = await loadContexts(io);
    io.stderr.write(`${safeText(path)}\n`);
    io.stdout.write(
      invocation.value('output') === 'json' ? jsonText(contexts) : yamlText(contexts),
    );
    return EXIT.clean;
  },
};
