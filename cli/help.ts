import type { CommandEntry } from './command.ts';

const HEAD = `Usage: nodeseal VERB [TYPE/NAME] [flags]

Is every node still enforcing SELinux, FIPS, seccomp and its image-trust policy?
`;

const EXITS = `Exit codes:
  0 clean   1 findings, differences or a refused image   2 usage   3 coverage below what was required
  4 cannot reach, or not allowed   5 not found   6 partial   7 input invalid   8 internal   130 interrupted

'nodeseal VERB --help' shows flags and examples.
`;

/** The list of commands, by where they get their answer from. */
export function helpText(entries: readonly CommandEntry[]): string {
  const width = entries.reduce((most, { path }) => Math.max(most, path.join(' ').length), 0);
  const groups = Map.groupBy(entries, ({ group }) => group);
  const sections = [...groups].map(([group, members]) => {
    const lines = members.map(({ path, summary }) => {
      return `  ${path.join(' ').padEnd(width)}  ${summary}\n`;
    });
    return `On ${group}:\n`.replace('On nodeseal', 'About nodeseal') + lines.join('');
  });
  return [HEAD, ...sections, EXITS].join('\n');
}
