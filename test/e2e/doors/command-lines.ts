import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandEntry, OptionSpec } from '../../../cli/command.ts';
import { COMMANDS } from '../../../cli/commands/index.ts';
import { partsOf } from '../../../cli/completion/asked.ts';
import { optionsOf } from '../../../cli/parser.ts';
import { fixture, REFERENCE } from '../../support/trust-fixtures.ts';

/** An option of a command, with the words that go before it so that nothing else is wrong. */
export interface Place {
  readonly entry: CommandEntry;
  readonly option: OptionSpec;
  readonly long: string;
  readonly metavar: string | undefined;
  readonly words: readonly string[];
}

/** What every file below a folder is called here. */
const GOOD = { policy: 'policy.json', manifest: 'manifest.json', key: 'key.asc' } as const;

/** A folder with good input, for whatever is not at fault. */
export function writeGoodInput(folder: string): void {
  mkdirSync(join(folder, 'root'), { recursive: true });
  writeFileSync(join(folder, GOOD.policy), '{"default":[{"type":"reject"}]}');
  writeFileSync(join(folder, GOOD.manifest), fixture('manifest.json'));
  writeFileSync(join(folder, GOOD.key), fixture('keys/rsa.asc'));
  writeContext(folder, NOWHERE);
}

/** Nothing listens there: RFC 863 is not served on machines of today. */
export const NOWHERE = 'http://127.0.0.1:9';

/** Which aggregator is asked where no flag says so. */
export function writeContext(folder: string, server: string, token = 'abc.def'): void {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${token}\n`);
  const contexts = { currentContext: 'a', contexts: [{ name: 'a', server, tokenFile }] };
  writeFileSync(join(folder, 'contexts.yaml'), JSON.stringify(contexts));
}

/** What makes each command complete; a command that is missing here is one whose path says all. */
function argumentsOf(folder: string): Readonly<Record<string, readonly string[]>> {
  const policy = join(folder, GOOD.policy);
  const image = ['--policy', policy, '--manifest', join(folder, GOOD.manifest)];
  const root = ['--host-root', join(folder, 'root')];
  return {
    check: root,
    verify: root,
    simulate: ['--policy', policy, ...root],
    'verify-signature': [
      ...['--manifest', join(folder, GOOD.manifest), '--key', join(folder, GOOD.key)],
      ...['--signature', join(folder, GOOD.policy)],
    ],
    'policy validate': [policy],
    'policy resolve': ['--policy', policy, `docker://${REFERENCE}`],
    'policy evaluate': [...image, '--reference', REFERENCE],
    'policy diff': [policy, policy],
    'trust show': root,
    'trust explain': [REFERENCE],
    'baseline capture': root,
    'baseline show': root,
    'baseline accept': root,
    get: ['nodes'],
    describe: ['node', 'a'],
    diff: ['a', 'b'],
    watch: ['nodes'],
    export: ['csv'],
    rescan: ['a'],
    diagnose: ['server'],
    'token create': ['user', 'a'],
    'token revoke': ['a'],
    'node approve': ['a'],
    'node revoke': ['a'],
    'node retire': ['a'],
    'config use-context': ['a'],
    'config set-context': ['a'],
    completion: ['bash'],
  };
}

/** Every option of every command. */
export async function places(folder: string): Promise<readonly Place[]> {
  const good = argumentsOf(folder);
  const found: Place[] = [];
  for (const entry of COMMANDS) {
    const words = [...entry.path, ...(good[entry.path.join(' ')] ?? [])];
    for (const option of optionsOf(await entry.load())) {
      const { long, metavar } = partsOf(option);
      const around = withCompany(withoutOption(words, long), long, folder);
      found.push({ entry, option, long, metavar, words: around });
    }
  }
  return found;
}

/** The words without an option and its value. */
function withoutOption(words: readonly string[], long: string): readonly string[] {
  const at = words.indexOf(`--${long}`);
  return at < 0 ? words : words.toSpliced(at, 2);
}

/** Flags that exclude another of a complete line, and those that go in company. */
const INSTEAD: Readonly<Record<string, string>> = {
  'machine-config': 'policy',
  butane: 'policy',
  'built-in': 'policy',
  'from-snapshot': 'host-root',
  digest: 'manifest',
};
const RELEASE = ['release-key', 'release-signatures'];

function withCompany(words: readonly string[], long: string, folder: string): readonly string[] {
  const other = INSTEAD[long];
  const rest = other === undefined ? words : withoutOption(words, other);
  if (!long.startsWith('release-')) return rest;
  const company = RELEASE.filter((name) => name !== long);
  const release = { 'release-key': GOOD.key, 'release-signatures': 'root' } as const;
  return [
    ...rest,
    ...company.flatMap((name) => [
      `--${name}`,
      join(folder, release[name as keyof typeof release]),
    ]),
  ];
}
