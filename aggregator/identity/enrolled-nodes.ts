import { chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageOf } from '../../shared/errors.ts';
import { ensureFolder } from '../../shared/folder.ts';
import type { Logger } from '../../shared/log.ts';
import { InTurn } from './in-turn.ts';
import { NAME, writePrivateFile } from './token-file.ts';

/** A node that enrolled with a key of its own. Its certificates name it by `uid`; everything else stands here. */
export interface EnrolledNode {
  readonly uid: string;
  readonly name: string;
  readonly pool: string;
  /** False while it waits for an administrator. */
  readonly isApproved: boolean;
  /** SHA-256 of the public key it enrolled with, or showed last, hex. */
  readonly keySha256: string;
  /** Of the join token that let it in. */
  readonly joinId: string;
  /** Address it enrolled from. */
  readonly source: string;
  /** RFC 3339. */
  readonly enrolledAt: string;
  /** RFC 3339; absent until one of its certificates was used. */
  readonly usedAt?: string | undefined;
  /** Of its newest certificate. */
  readonly serial?: string | undefined;
  readonly notAfter?: string | undefined;
}

const time = v.pipe(v.string(), v.isoTimestamp());
const name = v.pipe(v.string(), v.regex(NAME));
const schema: v.GenericSchema<unknown, EnrolledNode> = v.strictObject({
  uid: v.pipe(v.string(), v.uuid()),
  name,
  pool: name,
  isApproved: v.boolean(),
  keySha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  joinId: v.string(),
  source: v.string(),
  enrolledAt: time,
  usedAt: v.optional(time),
  serial: v.optional(v.pipe(v.string(), v.regex(/^[0-9A-F]{2,40}$/))),
  notAfter: v.optional(time),
});

const PRIVATE_FOLDER = 0o700;

/** One file a node, `nodes/<uid>.json` in the state directory. Removing it makes the node unknown: it may enrol again. */
export class EnrolledNodes {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #changes = new InTurn();
  #nodes = new Map<string, EnrolledNode>();
  #readAtMs: number | undefined;

  private constructor(folder: string, log: Logger) {
    this.#folder = folder;
    this.#log = log;
  }

  static async open(stateDir: string, log: Logger): Promise<EnrolledNodes> {
    const folder = join(stateDir, 'nodes');
    await ensureFolder(folder);
    await chmod(folder, PRIVATE_FOLDER);
    const nodes = new EnrolledNodes(folder, log);
    await nodes.reload();
    return nodes;
  }

  get(uid: string): EnrolledNode | undefined {
    return this.#nodes.get(uid);
  }

  ofName(wanted: string): EnrolledNode | undefined {
    return [...this.#nodes.values()].find((node) => node.name === wanted);
  }

  /** By name. */
  list(): readonly EnrolledNode[] {
    return [...this.#nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  keep(node: EnrolledNode): Promise<void> {
    return this.#changes.run(() => this.#write(node));
  }

  /** A certificate of the node was used: the key in it is the one the node goes on with. */
  used(uid: string, keySha256: string, at: string): Promise<void> {
    return this.#changes.run(async () => {
      const node = this.#nodes.get(uid);
      if (node === undefined || (node.usedAt !== undefined && node.keySha256 === keySha256)) return;
      await this.#write({ ...node, keySha256, usedAt: node.usedAt ?? at });
    });
  }

  remove(uid: string): Promise<void> {
    return this.#changes.run(async () => {
      await rm(this.#fileOf(uid), { force: true });
      this.#nodes.delete(uid);
    });
  }

  /** Looks whether files were added or removed by hand; cheap when nothing changed. */
  async reload(): Promise<void> {
    const { mtimeMs } = await stat(this.#folder);
    if (mtimeMs === this.#readAtMs) return;
    const nodes = new Map<string, EnrolledNode>();
    for (const file of await readdir(this.#folder)) {
      if (!file.endsWith('.json')) continue;
      const path = join(this.#folder, file);
      try {
        const node = v.parse(schema, JSON.parse(await readFile(path, 'utf8')));
        nodes.set(node.uid, node);
      } catch (error) {
        // Not known, then: better no node than one with another's name.
        this.#log.error(
          { path, reason: messageOf(error) },
          'enrolled node cannot be read: refused',
        );
      }
    }
    this.#nodes = nodes;
    this.#readAtMs = mtimeMs;
  }

  async #write(node: EnrolledNode): Promise<void> {
    await writePrivateFile(this.#fileOf(node.uid), `${JSON.stringify(node)}\n`);
    this.#nodes.set(node.uid, node);
  }

  #fileOf(uid: string): string {
    return join(this.#folder, `${uid}.json`);
  }
}
