import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER, VERSION } from '../../shared/version.ts';
import type { ManualPage } from './manual.ts';
import { bold, entry, escaped, flow, italic, literal, page, section } from './roff.ts';

interface Daemon {
  readonly name: string;
  readonly summary: string;
  readonly what: string;
  readonly flags: readonly (readonly [flag: string, value: string, meaning: string])[];
  readonly state: string;
}

const CONFIG_FLAG = [
  '--config',
  'FILE',
  'The configuration, in place of the default file.',
] as const;

/** What the two daemons are; `test/docs/manual.test.ts` holds the flags against their own usage. */
export const DAEMONS: readonly Daemon[] = [
  {
    name: 'agent',
    summary: 'looks at one node and reports to an aggregator',
    what: 'Runs on a node until SIGTERM: asks every rule when something changes and at an interval, verifies the images that are on the node, and keeps events on disk until an aggregator has them. It only reads; what it writes is below its state directory.',
    flags: [
      CONFIG_FLAG,
      [
        '--host-root',
        'DIR',
        'Where the root file system of the node is, in place of hostRoot of the configuration.',
      ],
    ],
    state: '/var/lib/nodeseal/agent',
  },
  {
    name: 'aggregator',
    summary: "keeps every node's state and history, and answers for the fleet",
    what: 'Runs until SIGTERM: takes what agents report, keeps it, and answers over HTTP. Without tls it serves loopback alone. The first start makes the token of an administrator and a join token, in files of mode 0600 below the state directory.',
    flags: [CONFIG_FLAG],
    state: '/var/lib/nodeseal/aggregator',
  },
];

/** Exit codes of the daemons (shared/program.ts). */
const EXITS: readonly (readonly [number, string])[] = [
  [0, 'stopped in good order'],
  [2, 'usage'],
  [7, 'the configuration cannot be used'],
  [8, 'internal'],
];

/** A page of each daemon, and of its file: from the example that docs/configuration.md has of every key. */
export function daemonPages(): readonly ManualPage[] {
  return DAEMONS.flatMap((daemon) => [programPage(daemon), filePage(daemon)]);
}

function pageOf(name: string, number: 5 | 8, sections: readonly string[]): ManualPage {
  const heading = { name, section: number, version: VERSION };
  return { name, section: number, at: (date) => page({ ...heading, date }, sections.join('')) };
}

function programPage({ name, summary, what, flags, state }: Daemon): ManualPage {
  const program = `nodeseal-${name}`;
  const synopsis = flags.map(([flag, value]) => `[${bold(flag)} ${italic(value)}]`).join(' ');
  return pageOf(program, 8, [
    section('NAME', `${escaped(program)} \\- ${escaped(summary)}\n`),
    section(
      'SYNOPSIS',
      `${bold(program)} ${synopsis}\n.br\n${bold(`${program} config check`)} ${synopsis}\n.br\n${bold(program)} ${bold('--version')} | ${bold('--help')}\n`,
    ),
    section('DESCRIPTION', flow(what)),
    section(
      'OPTIONS',
      [
        ...flags.map(([flag, value, text]) => entry(`${bold(flag)} ${italic(value)}`, text)),
        entry(bold('config check'), 'Prints the configuration in effect and changes nothing.'),
      ].join(''),
    ),
    section('EXIT STATUS', EXITS.map(([code, text]) => entry(bold(String(code)), text)).join('')),
    section(
      'FILES',
      [
        entry(italic(`/etc/nodeseal/${name}.yaml`), 'The configuration; every key has a default.'),
        entry(italic(state), 'The state, where the configuration names no other place.'),
      ].join(''),
    ),
    section('SEE ALSO', `${bold(`nodeseal-${name}.yaml`)}(5),\n${bold('nodeseal')}(1)\n`),
  ]);
}

function filePage({ name }: Daemon): ManualPage {
  const title = `nodeseal-${name}.yaml`;
  const guide = readFileSync(join(PACKAGE_FOLDER, 'docs/configuration.md'), 'utf8');
  const example = new RegExp(`\`\`\`yaml ${name}\\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? '';
  return pageOf(title, 5, [
    section('NAME', `${escaped(title)} \\- configuration of nodeseal\\-${name}\n`),
    section('SYNOPSIS', `${italic(`/etc/nodeseal/${name}.yaml`)}\n`),
    section(
      'DESCRIPTION',
      flow(
        'YAML. An unknown key is an error that names the nearest known one. Secrets stand in files of their own (mode 0600), never in this file, the environment or arguments. Every key, with what it means:',
      ),
    ),
    section('KEYS', literal(example)),
    section('SEE ALSO', `${bold(`nodeseal-${name}`)}(8)\n`),
  ]);
}
