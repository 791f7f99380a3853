import type { CommandEntry } from './command.ts';
import { EXIT_MEANINGS } from './exit.ts';

const HEAD = `Usage: nodeseal VERB [TYPE/NAME] [flags]

Is every node still enforcing SELinux, FIPS, seccomp and its image-trust policy?
`;

const TAIL = `'nodeseal VERB --help' shows flags and examples.
`;

const EXITS = EXIT_MEANINGS.map(([code, meaning]) => `${code} ${meaning}`);

/** The exit codes, the same for every command. */
export const EXITS_TEXT: string = `Exit codes:
  ${EXITS.slice(0, 4).join('   ')}
  ${EXITS.slice(4, 7).join('   ')}
  ${EXITS.slice(7).join('   ')}
`;

/** What a command does, a paragraph each: lines are broken where they are shown, exit codes have one of their own. */
export function paragraphsOf(description: string): readonly string[] {
  return description
    .split(/\n\n|\n(?=Exit code)/)
    .map((paragraph) => paragraph.trim().replaceAll(/\s+/g, ' '));
}

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
  return [HEAD, ...sections, EXITS_TEXT, TAIL].join('\n');
}
