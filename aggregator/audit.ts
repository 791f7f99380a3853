import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditItem } from '../shared/api-admission.ts';
import { CodedError, messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';

/** A line could not be written; what it would have recorded must not be done. */
export class AuditError extends CodedError<'ERR_AUDIT_WRITE'> {}

interface Batch {
  readonly lines: string[];
  readonly written: Promise<void>;
}

const MAX_FILE_BYTES = 8 * 1024 * 1024;
/** With the one that is written to: 80 MiB, some 400,000 lines. */
const MAX_FILES = 10;

/**
 * Who read evidence or gave commands: `audit.jsonl` in the state directory, one JSON object a line, only ever appended
 * to. At 8 MiB it becomes `audit.1.jsonl`, and the tenth before it is removed.
 */
export class AuditLog implements AsyncDisposable {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #maxBytes: number;
  #file: FileHandle | undefined;
  #bytes = 0;
  /** Lines that come while others are written are written together. */
  #next: Batch | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #failure: string | undefined;

  constructor(folder: string, log: Logger, maxBytes: number = MAX_FILE_BYTES) {
    this.#folder = folder;
    this.#log = log;
    this.#maxBytes = maxBytes;
  }

  /** Why the last line could not be written; undefined when all is well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Resolves when the line is in the file; throws `AuditError` when it cannot be written. */
  async append(item: AuditItem): Promise<void> {
    this.#next ??= this.#begin();
    this.#next.lines.push(`${JSON.stringify(item)}\n`);
    await this.#next.written;
  }

  /** Newest first; only lines from `sinceMs` on, when it is given. */
  async read(
    limit: number,
    sinceMs: number = Number.NEGATIVE_INFINITY,
  ): Promise<readonly AuditItem[]> {
    await this.#writing;
    const items: AuditItem[] = [];
    for (let number = 0; number < MAX_FILES && items.length < limit; number++) {
      const lines = (await readOrEmpty(this.#path(number))).trimEnd().split('\n').reverse();
      for (const line of lines) {
        const item = parse(line);
        if (item === undefined) continue;
        if (Date.parse(item.at) < sinceMs || items.length >= limit) return items;
        items.push(item);
      }
    }
    return items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  #begin(): Batch {
    const lines: string[] = [];
    const written = this.#writing.then(async () => {
      this.#next = undefined;
      await this.#write(lines.join(''));
    });
    this.#writing = written.catch(() => undefined);
    return { lines, written };
  }

  async #write(text: string): Promise<void> {
    try {
      if (this.#bytes >= this.#maxBytes) await this.#rotate();
      this.#file ??= await this.#open();
      await this.#file.appendFile(text);
      this.#bytes += Buffer.byteLength(text);
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = messageOf(cause);
      this.#log.error({ reason: this.#failure }, 'audit log cannot be written');
      throw new AuditError('ERR_AUDIT_WRITE', `audit log: ${this.#failure}`, { cause });
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path(0), 'a', 0o600);
    await file.chmod(0o600);
    this.#bytes = (await file.stat()).size;
    // A line cut by a crash stays one line.
    if (this.#bytes > 0) await file.appendFile('\n');
    return file;
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    this.#bytes = 0;
    await rm(this.#path(MAX_FILES - 1), { force: true });
    for (let number = MAX_FILES - 2; number >= 0; number--) {
      await rename(this.#path(number), this.#path(number + 1)).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      });
    }
  }

  #path(number: number): string {
    return join(this.#folder, number === 0 ? 'audit.jsonl' : `audit.${number}.jsonl`);
  }
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** What we wrote ourselves; a line cut by a crash is none. */
function parse(line: string): AuditItem | undefined {
  try {
    return JSON.parse(line) as AuditItem;
  } catch {
    return undefined;
  }
}
