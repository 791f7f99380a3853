import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Json } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import {
  AGENT_PARTS,
  type Diagnosis,
  type DiagnosisPart,
  NODE_PARTS,
  SERVER_PARTS,
} from '../../shared/diagnosis.ts';
import { redact } from '../../shared/redact.ts';
import { safeText } from '../../shared/safe-text.ts';
import { type ArchiveFile, tarGzip } from '../archive.ts';
import { Client } from '../client.ts';
import { rubbish } from '../client-errors.ts';
import type { Command } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { fileError } from '../files.ts';
import type { Io } from '../io.ts';
import { serverOptions } from '../options.ts';
import { jsonText } from '../output/json.ts';
import { isObject, misfit } from '../shape.ts';

/** What each file holds, in words. */
const ABOUT: Readonly<Record<string, string>> = { ...SERVER_PARTS, ...NODE_PARTS, ...AGENT_PARTS };

export const diagnose: Command = {
  description: `Writes an archive (.tar.gz) with what somebody needs to find a fault of a node's agent, or of the aggregator itself
(server; needs an administrator's token). What it will hold is listed first. Passwords, tokens, keys and credentials in
addresses are left out where they are known by their name or look; read it all the same before you hand it on.
Exit code 6: some of it could not be had, as of a node that is not connected; the archive says why.`,
  arguments: [
    {
      name: 'NODE|server',
      description: 'name of a node, or server for the aggregator',
      required: true,
      suggestions: ['server'],
    },
  ],
  options: [
    {
      flags: '-o, --output <file>',
      description: 'file to write, which must not be there yet; - for standard output',
    },
    ...serverOptions('60s'),
  ],
  examples: [
    { line: 'nodeseal diagnose worker-1', meaning: 'what is known of worker-1, and its agent' },
    {
      line: 'nodeseal diagnose server --output - | tar -tz',
      meaning: 'the files that a diagnosis of the aggregator has',
    },
  ],
  async run(invocation, io) {
    const [word = ''] = invocation.positional;
    const name = word.replace(/^nodes?\//, '');
    const isServer = word === 'server';
    const output = invocation.value('output') ?? defaultName(isServer ? 'server' : name, io);
    if (output === '-' && io.stdout.isTerminal) {
      throw usageError('an archive is nothing for a terminal', {
        next: '--output FILE, or a pipe',
      });
    }
    sayContents(isServer ? SERVER_PARTS : { ...NODE_PARTS, ...AGENT_PARTS }, io);
    using client = await Client.open(invocation, io);
    const path = isServer ? '/v1/diagnosis' : `/v1/nodes/${encodeURIComponent(name)}/diagnosis`;
    const { parts, of, at } = readDiagnosis(await client.get(path), client.server);
    const missing = parts.filter(({ error }) => error !== undefined);
    const summary = { of, at, missing: missing.map(({ name, error = '' }) => ({ name, error })) };
    const files = [
      fileOf('diagnosis.json', { ...summary, files: aboutParts(parts) }),
      ...parts
        .filter(({ error }) => error === undefined)
        .map((part) => fileOf(part.name, part.content)),
    ];
    await write(tarGzip(files, io.nowMs()), output, io);
    for (const { name, error = '' } of missing) {
      io.stderr.write(`not had: ${name}: ${safeText(error)}\n`);
    }
    return missing.length > 0 ? EXIT.partial : EXIT.clean;
  },
};

function defaultName(of: string, { nowMs }: Io): string {
  const time = rfc3339(nowMs()).replace(/\..*/, '').replaceAll(/[-:]/g, '');
  // The name of a node may be anything that was typed.
  return `nodeseal-${of.replaceAll(/[^\w.-]/g, '_').slice(0, 100)}-${time}Z.tar.gz`;
}

function sayContents(parts: Readonly<Record<string, string>>, io: Io): void {
  const width = Math.max(...Object.keys(parts).map(({ length }) => length));
  io.stderr.write('the archive will hold, without secrets:\n');
  for (const [name, about] of Object.entries(parts)) {
    io.stderr.write(`  ${name.padEnd(width)}  ${about}\n`);
  }
}

function aboutParts(parts: readonly DiagnosisPart[]): Json {
  return Object.fromEntries(parts.map(({ name }) => [name, ABOUT[name] ?? '']));
}

/** Names are those of files in the archive: whoever answers cannot put one elsewhere. */
const PART_NAME = /^[a-z][a-z-]{0,60}\.(?:json|txt)$/;

function readDiagnosis(answer: unknown, server: string): Diagnosis {
  const fault = misfit(answer, { kind: 'text', of: 'text', at: 'text', parts: 'list' }, 'answer');
  if (fault !== undefined || !isObject(answer)) throw rubbish(server, fault ?? 'no object');
  if (answer['kind'] !== 'Diagnosis') throw rubbish(server, 'expected a Diagnosis');
  const parts: readonly unknown[] = Array.isArray(answer['parts']) ? answer['parts'] : [];
  for (const [index, part] of parts.entries()) {
    const wrong = misfit(part, { name: 'text', error: 'text?' }, `parts[${index}]`);
    if (wrong !== undefined) throw rubbish(server, wrong);
    if (!isObject(part) || !PART_NAME.test(String(part['name']))) {
      throw rubbish(server, `parts[${index}].name: expected the name of a .json or .txt file`);
    }
  }
  // Its members have just been looked at.
  return answer as unknown as Diagnosis;
}

/** Redacted once more: an aggregator of another version may know of fewer secrets. */
function fileOf(path: string, content: Json): ArchiveFile {
  const clean = redact(content);
  const text = typeof clean === 'string' ? clean : jsonText(clean);
  return { path: `nodeseal-diagnosis/${path}`, content: Buffer.from(text) };
}

async function write(archive: Buffer, output: string, io: Io): Promise<void> {
  if (output === '-') {
    io.stdout.writeBytes(archive);
    return;
  }
  const what = `cannot write ${output}`;
  let file: FileHandle;
  try {
    file = await open(output, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(cause, what);
    const words = { why: 'it is there already', next: 'name another with --output', cause };
    throw new CliError('ERR_CLI_INPUT', what, words);
  }
  try {
    await file.writeFile(archive);
  } catch (cause) {
    await rm(output, { force: true });
    throw fileError(cause, what);
  } finally {
    await file.close();
  }
  io.stdout.write(`${safeText(output)}\n`);
}
