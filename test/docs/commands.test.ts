import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import * as agent from '../../agent/config.ts';
import * as aggregator from '../../aggregator/config.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { optionNamed, optionsOf } from '../../cli/completion/asked.ts';
import { parseArguments } from '../../cli/parser.ts';
import { commandOf, verbIn, without } from '../../cli/verb.ts';
import { DAEMONS } from '../../packaging/docs/daemon-manual.ts';
import { parseConfig } from '../../shared/config.ts';
import { anchorsOf, type Block, type Page, ROOT, readPages } from './markdown.ts';
import { Sandbox } from './sandbox.ts';
import { oursIn, readScript, type SimpleCommand } from './shell.ts';

/** What a fence may say. `sh run` is executed, `sh cluster` and `sh node` need more than a test has. */
const KINDS = /^(sh (run|cluster|node)|yaml (agent|aggregator|profile|exceptions)|ts|json|text)$/;
const IN_REPOSITORY =
  /^(?:agent|aggregator|bench|bin|cli|docs|packaging|shared|systemd|test)\/[\w./@-]+$/;
const SCHEMAS = {
  'agent.yaml': agent.configSchema,
  'aggregator.yaml': aggregator.configSchema,
} as const;

const pages = readPages();
const scripts = new Set(
  Object.keys(
    (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
  ),
);
const examples = exampleKeys();

/** Every key of both programs, from the examples that docs/configuration.md shows whole. */
function exampleKeys(): readonly unknown[] {
  const page = pages.find(({ path }) => path === 'docs/configuration.md');
  return (page?.blocks ?? [])
    .filter(({ info }) => info === 'yaml agent' || info === 'yaml aggregator')
    .map(({ text }) => parse(text) as unknown);
}

function isMember(value: unknown, path: readonly string[]): boolean {
  const [name = '', ...rest] = path;
  if (typeof value !== 'object' || value === null || !(name in value)) return false;
  return rest.length === 0 || isMember((value as Readonly<Record<string, unknown>>)[name], rest);
}

function assertConfig(t: Test, at: string, file: string, text: string): void {
  const name = file.endsWith('aggregator.yaml') ? 'aggregator.yaml' : 'agent.yaml';
  t.doesNotThrow(() => parseConfig<object>(text, file, SCHEMAS[name]), `${at}: ${file}`);
}

/** Our own words in a script are those that our programs take. */
async function assertWords(t: Test, at: string, words: readonly string[]): Promise<void> {
  const [program = '', ...rest] = words;
  const line = words.join(' ');
  if (program !== 'nodeseal') {
    const daemon = DAEMONS.find(({ name }) => program === `nodeseal-${name}`);
    const flags = ['--version', '--help', ...(daemon?.flags ?? []).map(([flag]) => flag)];
    for (const word of rest.filter((one) => one.startsWith('-'))) t.ok(flags.includes(word), line);
    return;
  }
  const verb = verbIn(rest);
  const entry = commandOf(verb);
  t.ok(entry, `${at}: ${line}`);
  if (entry === undefined) return;
  const command = await entry.load();
  t.doesNotThrow(() => parseArguments(entry, command, without(rest, verb)), `${at}: ${line}`);
}

function assertPaths(t: Test, at: string, { words }: SimpleCommand): void {
  for (const word of words) {
    const path = word.replace(/\/$/, '');
    if (IN_REPOSITORY.test(path)) t.ok(existsSync(join(ROOT, path)), `${at}: ${path}`);
  }
  const [program, first, name = ''] = words;
  if (program === 'npm' && first === 'run') t.ok(scripts.has(name), `${at}: npm run ${name}`);
}

t.test('every block says what it is', async (t) => {
  for (const { blocks } of pages) {
    for (const { at, info } of blocks) t.match(info, KINDS, at);
  }
});

t.test('what needs a cluster or a host has words, files and keys that there are', async (t) => {
  const blocks = pages
    .flatMap((page) => page.blocks)
    .filter(({ info }) => /^sh (cluster|node)$/.test(info));
  t.ok(blocks.length > 20, `${blocks.length} blocks`);
  for (const { at, text } of blocks) {
    for (const command of readScript(commandsIn(text).join('\n'))) {
      const ours = oursIn(command.words);
      if (ours !== undefined) await assertWords(t, at, ours);
      assertPaths(t, at, command);
      if (command.input !== undefined && command.output?.startsWith('/etc/nodeseal/')) {
        assertConfig(t, at, command.output, command.input);
      }
    }
  }
});

/** The lines behind prompts, where there are prompts; else all. */
function commandsIn(text: string): readonly string[] {
  const lines = text.split('\n');
  const prompted = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  return prompted.length > 0 ? prompted : lines;
}

t.test('configuration that is shown can be used', async (t) => {
  for (const { at, info, text } of pages.flatMap(({ blocks }) => blocks)) {
    const [, program] = /^yaml (agent|aggregator)$/.exec(info) ?? [];
    if (program !== undefined) assertConfig(t, at, `${program}.yaml`, text);
  }
});

t.test('commands, files and keys in the text are there', async (t) => {
  for (const { path, spans, shown } of pages) {
    for (const span of [...spans, ...shown]) {
      if (IN_REPOSITORY.test(span)) t.ok(existsSync(join(ROOT, span)), `${path}: ${span}`);
      const [line = ''] = span.split(' | ').filter((part) => part.startsWith('nodeseal '));
      if (line !== '') await assertNamed(t, path, line.split(' ').slice(1));
      const keys = /^[a-zA-Z]+(\.[a-zA-Z]+)+$/.test(span) ? span.split('.') : [];
      if (
        /\.(yaml|md|ts|json)$/.test(span) ||
        !examples.some((one) => isMember(one, keys.slice(0, 1)))
      )
        continue;
      t.ok(
        examples.some((one) => isMember(one, keys)),
        `${path}: key ${span}`,
      );
    }
  }
});

/** A command that is spoken of, perhaps without its arguments. */
async function assertNamed(t: Test, path: string, words: readonly string[]): Promise<void> {
  const verb = verbIn(words);
  const entry = commandOf(verb) ?? COMMANDS.find((one) => one.path[0] === verb[0]);
  const isWord = /^[a-z-]+$/.test(verb[0] ?? '');
  if (isWord) t.ok(entry, `${path}: nodeseal ${words.join(' ')}`);
  const options = entry === undefined ? [] : optionsOf(await entry.load());
  for (const word of entry === undefined ? [] : words) {
    const [flag = ''] = /^\[?(--?[a-zA-Z][\w-]*)/.exec(word)?.slice(1) ?? [];
    if (flag !== '') t.ok(optionNamed(flag, options), `${path}: nodeseal ${words.join(' ')}`);
  }
}

t.test('links lead somewhere', async (t) => {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  for (const page of pages) {
    for (const link of page.links) {
      const [file = '', anchor] = link.split('#');
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      t.ok(existsSync(join(ROOT, path)), `${page.path}: ${link}`);
      const target = byPath.get(path);
      if (anchor !== undefined && target !== undefined) {
        t.ok(anchorsOf(target).has(anchor), `${page.path}: ${link}`);
      }
    }
  }
});

t.test('commands that can be run are run', async (t) => {
  await using sandbox = await Sandbox.start(t.testdir());
  const blocks = pages.flatMap((page: Page) => page.blocks).filter(({ info }) => info === 'sh run');
  t.ok(blocks.length > 10, `${blocks.length} blocks`);
  for (const block of blocks)
    await t.test(block.at, async (t) => await runBlock(t, sandbox, block));
});

/** Exit codes 0 and 1: what is asked may well find something. A block with prompts shows what comes of it. */
async function runBlock(t: Test, sandbox: Sandbox, { text }: Block): Promise<void> {
  const isShown = text.startsWith('$ ');
  const steps = isShown ? text.split(/^\$ /m).slice(1) : text.trim().split('\n');
  for (const step of steps) {
    const [line = '', ...shown] = step.trimEnd().split('\n');
    const [command] = readScript(line);
    const ours = oursIn(command?.words ?? []);
    t.equal(ours?.[0], 'nodeseal', `only nodeseal is run here: ${line}`);
    const { exit, stdout, stderr } = await sandbox.run(ours?.slice(1) ?? []);
    const output = sandbox.shorten(stdout + stderr).trimEnd();
    if (isShown) t.equal(output, shown.join('\n'), line);
    else t.ok(exit === 0 || exit === 1, `${line}: ${exit}\n${output}`);
  }
}
