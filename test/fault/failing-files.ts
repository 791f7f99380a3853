import type { FileHandle } from 'node:fs/promises';
import * as files from 'node:fs/promises';
import { registerHooks } from 'node:module';

/**
 * What becomes of the call that fails: nothing was done, it was done and yet reported as failed, or half of what was to
 * be written was written and said so, as a disk that is filling up does.
 */
export type Way = 'not done' | 'done' | 'short';

/** Which call fails, and how many were made; a test sets it before each run. */
export const plan: { failAt: number; made: number; way: Way; failed: string } = {
  ...{ failAt: 0, made: 0, way: 'not done' },
  failed: '',
};

/** From now on, modules that `importer` matches and that are not yet loaded get these calls for those of Node. */
export function failCallsOf(importer: RegExp): void {
  registerHooks({
    resolve(specifier, context, next) {
      const isTheirs = importer.test(context.parentURL ?? '');
      if (specifier !== 'node:fs/promises' || !isTheirs) return next(specifier, context);
      return { url: import.meta.url, shortCircuit: true };
    },
  });
}

async function call<R>(
  name: string,
  work: () => Promise<R>,
  way: Way = plan.way,
  undo: (done: R) => Promise<void> = async () => {},
): Promise<R> {
  if (++plan.made !== plan.failAt) return await work();
  plan.failed = name;
  if (way === 'short') return await work();
  if (way === 'done') await undo(await work());
  throw Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO' });
}

type Work = (...words: readonly unknown[]) => Promise<unknown>;

function failing(file: FileHandle): FileHandle {
  return new Proxy(file, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const work = member.bind(target) as Work; // each method of a FileHandle that is used here
      if (name === 'write') return (...words: Parameters<typeof writeShort>) => write(work, words);
      // The system closes a file whatever it reports: close(2).
      const isEnd = name === 'close' || name === Symbol.asyncDispose;
      return (...words: readonly unknown[]) =>
        call(String(name), () => work(...words), isEnd ? 'done' : plan.way);
    },
  });
}

async function write(work: Work, words: Parameters<typeof writeShort>): Promise<unknown> {
  const isShort = plan.way === 'short' && plan.made + 1 === plan.failAt;
  return await call('write', () => work(...(isShort ? writeShort(...words) : words)));
}

function writeShort(bytes: Buffer, from: number, length: number, place: number) {
  return [bytes, from, Math.ceil(length / 2), place] as const;
}

export const open: typeof files.open = (...words) =>
  call(
    'open',
    async () => failing(await files.open(...words)),
    plan.way,
    // Nobody has what was opened: the file is made all the same.
    (file) => file.close(),
  );
export const mkdir = ((path: string, options: object) =>
  call('mkdir', () => files.mkdir(path, options))) as typeof files.mkdir;
export const readdir = ((path: string) =>
  call('readdir', () => files.readdir(path))) as typeof files.readdir;
export const readFile = ((path: string) =>
  call('readFile', () => files.readFile(path))) as typeof files.readFile;
export const stat = ((path: string) => call('stat', () => files.stat(path))) as typeof files.stat;
export const rename: typeof files.rename = (...words) =>
  call('rename', () => files.rename(...words));
export const rm: typeof files.rm = (...words) => call('rm', () => files.rm(...words));
