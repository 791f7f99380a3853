import { Client } from '../client.ts';
import type { Command } from '../command.ts';
import { usageError } from '../errors.ts';
import { readChoice } from '../fleet-list.ts';
import { followFleet } from '../follow.ts';
import { CHOICE_OPTIONS, NO_GROUP_OPTION, outputOption, SERVER_OPTIONS } from '../options.ts';
import { readTypeAndNames, withResource } from '../resources.ts';

export const watch: Command = {
  description: `Follows findings, events or nodes as they change: on a terminal one table that is redrawn, in a pipe JSON lines of
"change" (set, removed) and "item", first for everything there is. Ends with Ctrl-C (exit 130); a lost connection is
made again, and what changed meanwhile is told then.`,
  arguments: [
    {
      name: 'TYPE',
      description: 'findings (default), events, nodes or images',
      suggestions: ['findings', 'events', 'nodes', 'images'],
    },
    { name: 'NAME', description: 'only these', repeatable: true },
  ],
  options: [
    outputOption(['table', 'wide', 'jsonl', 'json']),
    ...CHOICE_OPTIONS,
    NO_GROUP_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'nodeseal watch', meaning: 'findings that do not pass, redrawn as they change' },
    {
      line: "nodeseal watch events | jq -r '.item | [.node, .kind] | @tsv'",
      meaning: 'events as they come',
    },
  ],
  async run(invocation, io) {
    const words = invocation.positional.length === 0 ? ['findings'] : invocation.positional;
    const { type, names } = readTypeAndNames(words);
    return await withResource(type, async (resource) => {
      const choice = readChoice(resource, names, invocation);
      if (choice.since !== undefined) {
        throw usageError('--since says nothing of what is yet to come', {
          next: 'nodeseal get events --since 24h',
        });
      }
      using client = await Client.open(invocation, io);
      return await followFleet(client, resource, choice, invocation, io);
    });
  },
};
