import type { Command, CommandEntry, OptionSpec } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { optionsOf, partsOf } from '../../cli/completion/asked.ts';
import { EXIT_MEANINGS } from '../../cli/exit.ts';
import { paragraphsOf } from '../../cli/help.ts';
import { VERSION } from '../../shared/version.ts';
import { bold, entry, escaped, flow, italic, literal, page, paragraphs, section } from './roff.ts';

/** Where the pages lie in the repository. */
export const MANUAL_FOLDER = 'docs/man';

/** One page of the manual, without the date that its heading takes. */
export interface ManualPage {
  /** As `man` is asked for it: `nodeseal-get`. */
  readonly name: string;
  readonly section: 1 | 5 | 8;
  /** The whole page, for the day of its last change. */
  at(date: string): string;
}

/** `nodeseal(1)` and a page for each command, as git and kubectl have it: from what the help is made of. */
export async function commandPages(): Promise<readonly ManualPage[]> {
  const pages = COMMANDS.map(async (entry) => commandPage(entry, await entry.load()));
  return [overviewPage(), ...(await Promise.all(pages))];
}

function pageOf(name: string, number: ManualPage['section'], body: string): ManualPage {
  const heading = { name, section: number, version: VERSION };
  return { name, section: number, at: (date) => page({ ...heading, date }, body) };
}

/** The section NAME, which apropos(1) reads. */
function nameSection(name: string, summary: string): string {
  return section('NAME', `${escaped(name)} \\- ${escaped(summary)}\n`);
}

function overviewPage(): ManualPage {
  const groups = Map.groupBy(COMMANDS, ({ group }) => group);
  const commands = [...groups].map(([group, members]) => {
    const lines = members.map(({ path, summary }) => entry(bold(path.join(' ')), summary));
    return `.SS ${group === 'nodeseal itself' ? 'About nodeseal' : `On ${group}`}\n${lines.join('')}`;
  });
  return pageOf(
    'nodeseal',
    1,
    [
      nameSection(
        'nodeseal',
        'what nodes enforce, and whether their images are what they should be',
      ),
      section(
        'SYNOPSIS',
        `${bold('nodeseal')} ${italic('VERB')} [${italic('TYPE/NAME')}] [flags]\n`,
      ),
      section(
        'DESCRIPTION',
        paragraphs([
          'Is every node still enforcing SELinux, FIPS, seccomp and its image-trust policy, and were the images that are already on it signed as that policy asks? Commands on this node ask no server; those on the fleet ask an aggregator.',
          'Results alone go to standard output; errors say what, why and what to do next on standard error. As kubectl-nodeseal it is a plugin of kubectl and oc.',
        ]),
      ),
      section('COMMANDS', commands.join('')),
      exitSection(),
      section(
        'ENVIRONMENT',
        [
          entry(
            bold('NODESEAL_CONFIG'),
            'File of contexts, in place of ~/.config/nodeseal/config.yaml.',
          ),
          entry(bold('XDG_CONFIG_HOME'), 'Folder in place of ~/.config.'),
          entry(bold('NO_COLOR'), 'Set to anything: no colour.'),
        ].join(''),
      ),
      section(
        'FILES',
        entry(
          italic('~/.config/nodeseal/config.yaml'),
          'Contexts: which aggregators can be asked. Tokens stand in files of their own.',
        ),
      ),
      seeAlso([
        ...COMMANDS.map(({ path }) => [pageName(path), 1] as const),
        ['nodeseal-agent', 8],
        ['nodeseal-aggregator', 8],
      ]),
    ].join(''),
  );
}

function pageName(path: readonly string[]): string {
  return ['nodeseal', ...path].join('-');
}

function commandPage({ path, summary }: CommandEntry, command: Command): ManualPage {
  const name = pageName(path);
  const words = command.arguments.map(({ name, required, repeatable }) => {
    const word = `${italic(name)}${repeatable ? '...' : ''}`;
    return required ? word : `[${word}]`;
  });
  const synopsis = [bold(`nodeseal ${path.join(' ')}`), '[flags]', ...words].join(' ');
  const given = command.arguments.map(({ name, description }) => entry(italic(name), description));
  const examples = command.examples.map(
    ({ line, meaning }) => `.PP\n${flow(`${meaning}:`)}.RS 4\n${literal(line)}.RE\n`,
  );
  return pageOf(
    name,
    1,
    [
      nameSection(name, summary),
      section('SYNOPSIS', `${synopsis}\n`),
      section('DESCRIPTION', paragraphs(paragraphsOf(command.description))),
      ...(given.length === 0 ? [] : [section('ARGUMENTS', given.join(''))]),
      section('OPTIONS', optionsOf(command).map(optionEntry).join('')),
      section('EXAMPLES', examples.join('').replace(/^\.PP\n/, '')),
      exitSection(),
      seeAlso([['nodeseal', 1]]),
    ].join(''),
  );
}

function optionEntry(spec: OptionSpec): string {
  const { names, metavar } = partsOf(spec);
  const value = metavar === undefined ? '' : ` ${italic(metavar)}`;
  const notes = [
    ...(spec.choices === undefined ? [] : [`one of ${spec.choices.join(', ')}`]),
    ...(spec.default === undefined ? [] : [`default ${spec.default}`]),
    ...(spec.repeatable ? ['may be given several times'] : []),
    ...(spec.required ? ['must be given'] : []),
  ];
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  return entry(names.map(bold).join(', ') + value, `${spec.description}${note}`);
}

function exitSection(): string {
  const entries = EXIT_MEANINGS.map(([code, meaning]) => entry(bold(String(code)), meaning));
  return section('EXIT STATUS', entries.join(''));
}

function seeAlso(pages: readonly (readonly [name: string, section: number])[]): string {
  const names = pages.map(([name, number]) => `${bold(name)}(${number})`);
  return section('SEE ALSO', `${names.join(',\n')}\n`);
}
