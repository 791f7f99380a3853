import { open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION } from '../shared/api.ts';
import { messageOf } from '../shared/errors.ts';
import { ensureFolder } from '../shared/folder.ts';
import { nearest } from '../shared/nearest.ts';
import type { Invocation } from './command.ts';
import { CliError, usageError } from './errors.ts';
import { fileError, readGiven } from './files.ts';
import type { Io } from './io.ts';
import { isObject, misfit, type Shape } from './shape.ts';

/** An aggregator, and as whom it is asked. */
export interface Context {
  readonly name: string;
  /** `https://host:port`. */
  readonly server: string;
  /** File that holds the token; relative to the folder of the configuration. */
  readonly tokenFile?: string;
  /** PEM certificates the server is verified by, in place of the system's. */
  readonly caFile?: string;
  /** Send the token over plain HTTP to another machine. */
  readonly plainHttp?: boolean;
}

/** The file `config.yaml`: contexts, and which of them is meant when none is named. */
export interface Contexts {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Config';
  readonly currentContext?: string;
  readonly contexts: readonly Context[];
}

export interface ContextFile {
  readonly path: string;
  readonly contexts: Contexts;
}

/** Of a file that people and `config set-context` write. */
const LIMIT_BYTES = 1_048_576;

const NONE: Contexts = { apiVersion: API_VERSION, kind: 'Config', contexts: [] };

const FILE_SHAPE: Shape = {
  apiVersion: 'text?',
  kind: 'text?',
  currentContext: 'text?',
  contexts: 'list?',
};
const CONTEXT_SHAPE: Shape = {
  name: 'text',
  server: 'text',
  tokenFile: 'text?',
  caFile: 'text?',
  plainHttp: 'boolean?',
};

/** Where the contexts are kept: NODESEAL_CONFIG, else below XDG_CONFIG_HOME or ~/.config. */
export function contextPath({ env }: Io): string {
  if (env['NODESEAL_CONFIG']) return resolve(env['NODESEAL_CONFIG']);
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return join(base, 'nodeseal', 'config.yaml');
}

/** The contexts; none when there is no file. A file that cannot be used is invalid input, told with the member. */
export async function loadContexts(io: Io): Promise<ContextFile> {
  const path = contextPath(io);
  let text: string;
  try {
    text = (await readGiven(path, LIMIT_BYTES)).toString();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { path, contexts: NONE };
    throw fileError(cause, `cannot read the configuration ${path}`);
  }
  const value = (await parse(text, path)) ?? {};
  const fault = faultOf(value);
  if (fault !== undefined) throw invalid(path, fault);
  // Every member was looked at by faultOf().
  return { path, contexts: { ...NONE, ...(value as Partial<Contexts>) } };
}

/** Longest wait for another command that is changing the file. */
const LOCK_MS = 2000;
const LOCK_STEP_MS = 20;

/**
 * Changes the contexts, one command at a time: what another one writes meanwhile is not lost. Gives back what `change`
 * made of them.
 */
export async function changeContexts(
  io: Io,
  change: (file: ContextFile) => Contexts,
): Promise<ContextFile> {
  const path = contextPath(io);
  await ensureFolder(dirname(path)).catch((cause: unknown) => {
    throw fileError(cause, `cannot write the configuration ${path}`);
  });
  const lock = await takeLock(`${path}.lock`, path);
  try {
    const before = await loadContexts(io);
    const after = { path, contexts: change(before) };
    await saveContexts(after);
    return after;
  } finally {
    await rm(lock, { force: true });
  }
}

/** A file that only one process can make, as kubectl does it. */
async function takeLock(lock: string, path: string): Promise<string> {
  const what = `cannot write the configuration ${path}`;
  for (let waitedMs = 0; ; waitedMs += LOCK_STEP_MS) {
    try {
      await (await open(lock, 'wx', 0o600)).close();
      return lock;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(cause, what);
    }
    if (waitedMs > LOCK_MS) {
      const why = 'another nodeseal is changing it, or was ended while it did';
      throw new CliError('ERR_CLI_INPUT', what, { why, next: `if none is: rm ${lock}` });
    }
    await sleep(LOCK_STEP_MS);
  }
}

/** Written as JSON, which is YAML too: reading it then costs no YAML library. */
async function saveContexts({ path, contexts }: ContextFile): Promise<void> {
  const text = `${JSON.stringify(contexts, undefined, 2)}\n`;
  await writePrivate(path, text, `cannot write the configuration ${path}`);
}

/** Puts a file of mode 0600 in place of another, whole or not at all. */
export async function writePrivate(path: string, text: string, what: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  try {
    await ensureFolder(dirname(path));
    await rm(draft, { force: true });
    await using file = await open(draft, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw fileError(cause, what);
  }
}

/** The contexts with one more, or with one in place of that of the same name; the first becomes the current one. */
export function withContext(contexts: Contexts, context: Context): Contexts {
  const isNew = !contexts.contexts.some(({ name }) => name === context.name);
  const list = isNew
    ? [...contexts.contexts, context]
    : contexts.contexts.map((other) => (other.name === context.name ? context : other));
  return { ...contexts, currentContext: contexts.currentContext ?? context.name, contexts: list };
}

async function parse(text: string, path: string): Promise<unknown> {
  try {
    if (text.trimStart().startsWith('{')) return JSON.parse(text);
  } catch {
    // Not JSON after all: YAML's flow style begins so too, and its parser knows the place of a fault.
  }
  const { readYamlFile } = await import('../shared/yaml-file.ts');
  try {
    return readYamlFile(text).value;
  } catch (cause) {
    throw invalid(path, messageOf(cause), cause);
  }
}

function faultOf(value: unknown): string | undefined {
  const fault = misfit(value, FILE_SHAPE, 'config') ?? unknownKey(value, FILE_SHAPE, 'config');
  if (fault !== undefined || !isObject(value)) return fault;
  if (value['apiVersion'] !== undefined && value['apiVersion'] !== API_VERSION) {
    return `config.apiVersion: expected ${API_VERSION}`;
  }
  const contexts: readonly unknown[] = Array.isArray(value['contexts']) ? value['contexts'] : [];
  const names = new Set<unknown>();
  for (const [index, context] of contexts.entries()) {
    const place = `config.contexts[${index}]`;
    const found =
      misfit(context, CONTEXT_SHAPE, place) ?? unknownKey(context, CONTEXT_SHAPE, place);
    if (found !== undefined) return found;
    const name = isObject(context) ? context['name'] : undefined;
    if (names.has(name)) return `${place}.name: stands twice`;
    names.add(name);
  }
  return undefined;
}

function unknownKey(value: unknown, shape: Shape, place: string): string | undefined {
  if (!isObject(value)) return undefined;
  const known = Object.keys(shape);
  const key = Object.keys(value).find((name) => !known.includes(name));
  if (key === undefined) return undefined;
  const close = nearest(key, known);
  return `${place}.${key}: unknown key, ${close === undefined ? `known: ${known.join(', ')}` : `did you mean "${close}"?`}`;
}

function invalid(path: string, why: string, cause?: unknown): CliError {
  return new CliError('ERR_CLI_INPUT', `${path} is no valid configuration`, { why, cause });
}

/** Whom a fleet command asks. */
export interface Target {
  readonly server: URL;
  readonly tokenFile: string | undefined;
  readonly caFile: string | undefined;
}

/** The target that flags, environment and configuration name, in this order. */
export async function resolveTarget(invocation: Invocation, io: Io): Promise<Target> {
  const server = invocation.value('server');
  const name = invocation.value('context');
  if (server !== undefined && name !== undefined) {
    throw usageError('--server and --context exclude each other');
  }
  const context = server === undefined ? await namedContext(name, io) : undefined;
  const tokenFile = invocation.value('token-file') ?? context?.tokenFile;
  const caFile = invocation.value('ca-file') ?? context?.caFile;
  const plain = invocation.flag('plain-http') || context?.plainHttp === true;
  return { server: readServer(server ?? context?.server ?? '', plain), tokenFile, caFile };
}

async function namedContext(name: string | undefined, io: Io): Promise<Context> {
  const { path, contexts } = await loadContexts(io);
  const wanted = name ?? contexts.currentContext;
  if (wanted === undefined) {
    throw usageError('no aggregator is named', {
      why: `${path} has no current context`,
      next: 'nodeseal config set-context NAME --server URL --token-file FILE, or --server URL',
    });
  }
  const found = contexts.contexts.find((context) => context.name === wanted);
  if (found === undefined) throw unknownContext(wanted, { path, contexts });
  const inFolder = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(dirname(path), file);
  const [tokenFile, caFile] = [inFolder(found.tokenFile), inFolder(found.caFile)];
  return {
    ...found,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(caFile === undefined ? {} : { caFile }),
  };
}

export function unknownContext(name: string, { path, contexts }: ContextFile): CliError {
  const known = contexts.contexts.map((context) => context.name);
  const close = nearest(name, known);
  return new CliError('ERR_CLI_NOT_FOUND', `no context is called '${name}'`, {
    why: `${path} has: ${known.join(', ') || 'none'}`,
    next: close === undefined ? 'nodeseal config get-contexts' : `did you mean '${close}'?`,
  });
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Reads the address of an aggregator. A token never goes over plain HTTP to another machine unasked. */
export function readServer(text: string, plainHttp: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'unix:' && url.host === '' && url.pathname.startsWith('/')) return url;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError(`the server address '${text}' is none`, {
      next: 'write it as https://aggregator.example.com:8443, or unix:/run/nodeseal/aggregator.sock',
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw usageError('the server address holds more than host, port and path', {
      next: 'a token stands in a file: --token-file',
    });
  }
  if (url.protocol === 'http:' && !plainHttp && !LOOPBACK.test(url.hostname)) {
    throw usageError(`${url.origin} would get the token over plain HTTP`, {
      next: 'use https://, or --plain-http when the network between is yours',
    });
  }
  return url;
}
