import { API_VERSION } from '../../shared/api.ts';
import { VERSION } from '../../shared/version.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { outputOption } from '../options.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';

export const version: Command = {
  description: 'Prints the version of this program and of the Node.js it runs on.',
  arguments: [],
  options: [outputOption(DOCUMENT_FORMATS)],
  examples: [{ line: 'nodeseal version -o json', meaning: 'for a bug report' }],
  async run(invocation, io) {
    const answer = {
      apiVersion: API_VERSION,
      kind: 'Version',
      version: VERSION,
      node: process.version,
      platform: `${process.platform}/${process.arch}`,
    };
    io.stdout.write(
      documentText(answer, invocation.value('output'), () => {
        return `nodeseal ${answer.version} (Node.js ${answer.node}, ${answer.platform})\n`;
      }),
    );
    return EXIT.clean;
  },
};
