import { API_VERSION, type ServerVersion } from '../../shared/api.ts';
import { safeText } from '../../shared/safe-text.ts';
import { VERSION } from '../../shared/version.ts';
import { Client } from '../client.ts';
import { rubbish } from '../client-errors.ts';
import type { Command, Invocation } from '../command.ts';
import { loadContexts } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { outputOption, serverOptions } from '../options.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { misfit } from '../shape.ts';

const SERVER_SHAPE = { version: 'text', node: 'text', platform: 'text', store: 'object' } as const;

export const version: Command = {
  description: `Prints the version of this program and of the Node.js it runs on, and those of the aggregator when there is one to ask:
a current context, or --server.`,
  arguments: [],
  options: [
    { flags: '--client', description: 'only this program: no server is asked' },
    outputOption(DOCUMENT_FORMATS),
    ...serverOptions('5s'),
  ],
  examples: [
    { line: 'nodeseal version -o json', meaning: 'for a bug report' },
    { line: 'nodeseal version --client', meaning: 'of this program alone' },
  ],
  async run(invocation, io) {
    const client = {
      version: VERSION,
      node: process.version,
      platform: `${process.platform}/${process.arch}`,
    };
    let server: ServerVersion | null = null;
    try {
      if (await isToAsk(invocation, io)) server = await ask(invocation, io);
    } finally {
      // Whatever the server says, what is known here is told.
      const answer = { apiVersion: API_VERSION, kind: 'Version', client, server };
      io.stdout.write(
        documentText(answer, invocation.value('output'), () => {
          const own = `nodeseal ${client.version} (Node.js ${client.node}, ${client.platform})\n`;
          return server === null ? own : own + serverText(server);
        }),
      );
    }
    return EXIT.clean;
  },
};

async function isToAsk(invocation: Invocation, io: Io): Promise<boolean> {
  if (invocation.flag('client')) return false;
  if (invocation.value('server') ?? invocation.value('context')) return true;
  return (await loadContexts(io)).contexts.currentContext !== undefined;
}

async function ask(invocation: Invocation, io: Io): Promise<ServerVersion> {
  using client = await Client.open(invocation, io);
  const answer = await client.get('/v1/version');
  const fault = misfit(answer, SERVER_SHAPE, 'answer');
  if (fault !== undefined) throw rubbish(client.server, fault);
  // Its members have just been looked at.
  return answer as ServerVersion;
}

function serverText({ version, node, platform, store }: ServerVersion): string {
  const where = `Node.js ${node}, ${platform}, ${store.kind} schema ${store.schema}`;
  return `${safeText(`aggregator ${version} (${where})`)}\n`;
}
