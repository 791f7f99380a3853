import * as v from 'valibot';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Records } from '../store/records.ts';
import { Register } from './register.ts';
import { NAME } from './token-file.ts';

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

/** Changes the nodes, in a turn: none beside another, here or at another aggregator. */
export interface NodeWriter {
  keep(node: EnrolledNode): Promise<void>;
}

/** A record a node, by its uid. Removing it makes the node unknown: it may enrol again. */
export class EnrolledNodes {
  readonly #nodes: Register<EnrolledNode>;

  private constructor(nodes: Register<EnrolledNode>) {
    this.#nodes = nodes;
  }

  static async open(records: Records, log: Logger): Promise<EnrolledNodes> {
    const read = (text: string, uid: string): EnrolledNode => {
      const node = v.parse(schema, JSON.parse(text));
      if (node.uid === uid) return node;
      throw new Error(`expected the record of node ${uid}, found that of ${node.uid}`);
    };
    // Not known, then: better no node than one with another's name.
    const register = new Register(records, read, (path, error) =>
      log.error({ path, reason: messageOf(error) }, 'enrolled node cannot be read: refused'),
    );
    await register.reload();
    return new EnrolledNodes(register);
  }

  get(uid: string): EnrolledNode | undefined {
    return this.#nodes.get(uid);
  }

  /** As `get`, but also when another aggregator has let it in or approved it this moment. */
  async find(uid: string): Promise<EnrolledNode | undefined> {
    if (this.#nodes.get(uid)?.isApproved !== true) await this.#nodes.refresh();
    return this.#nodes.get(uid);
  }

  ofName(wanted: string): EnrolledNode | undefined {
    return this.#nodes.values().find((node) => node.name === wanted);
  }

  /** By name. */
  list(): readonly EnrolledNode[] {
    return this.#nodes.values().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is asked of this object meanwhile is as others left it; what is kept is seen when it resolves. */
  change<T>(change: (writer: NodeWriter) => Promise<T>): Promise<T> {
    return this.#nodes.change((writer) => change({ keep: (node) => writer.keep(node.uid, node) }));
  }

  /** A certificate of the node was used: the key in it is the one the node goes on with. */
  async used(uid: string, keySha256: string, at: string): Promise<void> {
    const isKnown = (node = this.#nodes.get(uid)): boolean =>
      node === undefined || (node.usedAt !== undefined && node.keySha256 === keySha256);
    // As at nearly every connection.
    if (isKnown()) return;
    await this.#nodes.change(async ({ keep }) => {
      const node = this.#nodes.get(uid);
      if (node === undefined || isKnown(node)) return;
      await keep(uid, { ...node, keySha256, usedAt: node.usedAt ?? at });
    });
  }

  async remove(uid: string): Promise<void> {
    await this.#nodes.change(({ remove }) => remove(uid));
  }

  /** Looks whether nodes were added or removed by hand or elsewhere; cheap when nothing changed. */
  reload(): Promise<void> {
    return this.#nodes.reload();
  }
}
