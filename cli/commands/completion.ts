import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearest } from '../../shared/nearest.ts';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import type { Command } from '../command.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion: Command = {
  description: `Prints the script that teaches a shell to complete verbs, types, flags and their values, and the names of nodes, rules,
pools and contexts; those of nodes and pools are asked of the aggregator, which has 1.5 s for it.`,
  arguments: [
    { name: 'SHELL', description: SHELLS.join(', '), required: true, suggestions: SHELLS },
  ],
  options: [],
  examples: [
    { line: 'source <(nodeseal completion bash)', meaning: 'in ~/.bashrc; zsh: in ~/.zshrc' },
    {
      line: 'nodeseal completion fish > ~/.config/fish/completions/nodeseal.fish',
      meaning: 'for fish',
    },
    {
      line: 'nodeseal completion bash > /usr/share/bash-completion/completions/nodeseal',
      meaning: 'for everybody on this machine',
    },
  ],
  async run(invocation, io) {
    const [word = ''] = invocation.positional;
    const shell = SHELLS.find((known) => known === word);
    if (shell === undefined) {
      const close = nearest(word, SHELLS);
      throw usageError(`'${word}' is no shell nodeseal knows`, {
        next: close === undefined ? `known: ${SHELLS.join(', ')}` : `did you mean '${close}'?`,
      });
    }
    const file = join(PACKAGE_FOLDER, 'packaging/completion', `nodeseal.${shell}`);
    io.stdout.write(await readFile(file, 'utf8'));
    return EXIT.clean;
  },
};
