import { stat } from 'node:fs/promises';
import type { Clock } from '../../shared/clock.ts';
import { ConfigError } from '../../shared/config.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { readRegular } from '../../shared/read-file.ts';
import type { ExpectedSink, ExpectedSource, SourceStatus } from './expected.ts';
import { parseInventory } from './inventory.ts';
import { keepList, readKeptList } from './kept-list.ts';

export const INVENTORY_SOURCE = 'inventoryFile';
const LIMIT_BYTES = 16 * 1024 * 1024;

export interface InventoryFileOptions {
  readonly file: string;
  /** Where the last good list is kept. */
  readonly keptFile: string;
  readonly sink: ExpectedSink;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The nodes that a file of the configuration lists, read again when it changes. A file that cannot be read or
 * understood changes nothing: the last good list holds and its status says why and how old it is.
 */
export class InventoryFile implements ExpectedSource {
  readonly #options: InventoryFileOptions;
  #status: SourceStatus = { source: INVENTORY_SOURCE, asOfMs: null, nodes: 0, reason: undefined };
  #read: string | undefined;

  private constructor(options: InventoryFileOptions) {
    this.#options = options;
  }

  /** Throws `ConfigError` when the file is of no use and no list is kept from before. */
  static async open(options: InventoryFileOptions): Promise<InventoryFile> {
    const inventory = new InventoryFile(options);
    const kept = await readKeptList(options.keptFile);
    if (kept !== undefined) {
      inventory.#status = { ...inventory.#status, asOfMs: kept.asOfMs, nodes: kept.nodes.length };
      options.sink.listed(INVENTORY_SOURCE, kept.nodes);
    }
    await inventory.reload();
    const { reason } = inventory.#status;
    if (kept === undefined && reason !== undefined) {
      throw new ConfigError('ERR_CONFIG_READ', `inventoryFile: ${options.file}: ${reason}`);
    }
    return inventory;
  }

  status(): SourceStatus {
    return this.#status;
  }

  /** Reads the file again when it is another one than last time; to be called every few seconds. Never rejects. */
  async reload(): Promise<void> {
    const { file, keptFile, sink, clock, log } = this.#options;
    try {
      const version = await versionOf(file);
      if (version !== this.#read) {
        const nodes = parseInventory(await readText(file), file);
        const asOfMs = clock.nowMs();
        sink.listed(INVENTORY_SOURCE, nodes);
        this.#status = { source: INVENTORY_SOURCE, asOfMs, nodes: nodes.length, reason: undefined };
        log.info({ file, nodes: nodes.length }, 'inventory read');
        await keepList(keptFile, { asOfMs, nodes });
        this.#read = version;
      }
      this.#status = { ...this.#status, asOfMs: clock.nowMs(), reason: undefined };
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.#status.reason) {
        log.warn({ file, reason }, 'inventory cannot be read, the list before holds');
      }
      this.#status = { ...this.#status, reason };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Changes whenever somebody wrote the file or put another one in its place. */
async function versionOf(file: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(file);
  return [ino, size, mtimeMs, ctimeMs].join(' ');
}

async function readText(file: string): Promise<string> {
  const bytes = await readRegular(file, LIMIT_BYTES);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
