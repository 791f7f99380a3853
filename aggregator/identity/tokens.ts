import { randomUUID } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenItem } from '../../shared/api.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { CodedError, messageOf } from '../../shared/errors.ts';
import { ensureFolder } from '../../shared/folder.ts';
import type { Logger } from '../../shared/log.ts';
import type { NodeIdentity } from '../store/store.ts';
import type { Authority, Principal, Role } from './principal.ts';
import {
  matchesRecord,
  mintToken,
  NAME,
  parseToken,
  readTokenRecord,
  type TokenRecord,
  writePrivateFile,
} from './token-file.ts';

export class TokenStoreError extends CodedError<
  'ERR_TOKEN_NAME' | 'ERR_TOKEN_EXISTS' | 'ERR_TOKEN_JOIN'
> {}

/** A node that was just given its credential. */
export interface IssuedAgent {
  readonly node: NodeIdentity;
  readonly token: string;
}

const PRIVATE_FOLDER = 0o700;
const ID_PREFIX = 'token:';

/**
 * Bearer tokens as files of the state directory. `tokens/records/<id>.json` is what the server keeps of one (a
 * digest); removing it revokes the token. The token itself lies in `tokens/<user>.token`, `tokens/join.token` or
 * `tokens/agents/<node>.token`, to be moved to where it is used. All files are 0600, all folders 0700.
 */
export class TokenAuthority implements Authority {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #records = new Map<string, TokenRecord>();
  #readAtMs: number | undefined;
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, clock: Clock, log: Logger) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
  }

  static async open(stateDir: string, clock: Clock, log: Logger): Promise<TokenAuthority> {
    const directory = join(stateDir, 'tokens');
    for (const folder of [directory, join(directory, 'records'), join(directory, 'agents')]) {
      await ensureFolder(folder);
      // Also when somebody made it before us.
      await chmod(folder, PRIVATE_FOLDER);
    }
    const authority = new TokenAuthority(directory, clock, log);
    await authority.reload();
    return authority;
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    const record = this.#find(credential);
    if (record === undefined || record.kind === 'join') return undefined;
    if (record.kind === 'user') return { kind: 'user', name: record.name, role: record.role };
    const { uid, name, pool, expiresAt } = record;
    return {
      kind: 'agent',
      node: { uid, name, pool },
      expiresAtMs: expiresAt === undefined ? null : Date.parse(expiresAt),
      credentialId: `${ID_PREFIX}${record.id}`,
    };
  }

  isRevoked(credentialId: string): boolean {
    const isOurs = credentialId.startsWith(ID_PREFIX);
    return isOurs && !this.#records.has(credentialId.slice(ID_PREFIX.length));
  }

  /** Nodes that have a token of their own. */
  agents(): readonly NodeIdentity[] {
    return [...this.#records.values()]
      .filter((record) => record.kind === 'agent')
      .map(({ uid, name, pool }) => ({ uid, name, pool }));
  }

  /** The file of this user's token; the token is made when there is none yet. */
  async ensureUser(name: string, role: Role): Promise<string> {
    if (!this.#has((record) => record.kind === 'user' && record.name === name)) {
      await this.#issue({ kind: 'user', name, role });
    }
    return this.#tokenFile('user', name);
  }

  /** The file of this node's token; the node is made when there is none yet. */
  async ensureAgent(name: string, pool: string): Promise<string> {
    if (!this.#has((record) => record.kind === 'agent' && record.name === name)) {
      await this.#issueAgent(name, pool, true);
    }
    return this.#tokenFile('agent', name);
  }

  /** The file of the join token; it is made when there never was one, and not again when that is over. */
  async ensureJoin(pool: string, uses: number, lifeMs: number): Promise<string> {
    if (!this.#has((record) => record.kind === 'join')) {
      const expiresAt = rfc3339(this.#clock.nowMs() + lifeMs);
      await this.#issue({ kind: 'join', name: 'join', usesLeft: uses, pool, expiresAt });
    }
    return this.#tokenFile('join', 'join');
  }

  /** All tokens, by kind and name. */
  list(): readonly TokenItem[] {
    return [...this.#records.values()].map(toItem).sort(compareItems);
  }

  /**
   * A new token, kept nowhere here but as a digest. Throws when the name is taken or no name; several join tokens may
   * have one name.
   */
  create(wanted: NewToken): Promise<{ readonly item: TokenItem; readonly token: string }> {
    return this.#inTurn(async () => {
      const { kind, name } = wanted;
      const isTaken = this.#has((record) => record.kind === kind && record.name === name);
      if (kind !== 'join' && isTaken) {
        throw new TokenStoreError('ERR_TOKEN_EXISTS', `${kind} ${name}: has a token already`);
      }
      const issued = await this.#issue(
        wanted.kind === 'agent' ? { ...wanted, uid: randomUUID() } : wanted,
        false,
      );
      return { item: toItem(issued.record), token: issued.token };
    });
  }

  /** Revokes the tokens that a test chooses; live sessions end within seconds. Returns what was revoked. */
  revoke(test: (item: TokenItem) => boolean): Promise<readonly TokenItem[]> {
    return this.#inTurn(async () => {
      const revoked = this.list().filter(test);
      for (const { id } of revoked) {
        await rm(this.#recordFile(id));
        this.#records.delete(id);
      }
      return revoked;
    });
  }

  /**
   * Enrols a node with a join token, which then has one use less. Throws when the name is taken: a join token
   * cannot take over a node. The node's own token is kept nowhere here.
   */
  enrol(joinToken: string, name: string): Promise<IssuedAgent> {
    return this.#inTurn(async () => {
      const record = this.#find(joinToken);
      if (record?.kind !== 'join' || record.usesLeft === 0) {
        throw new TokenStoreError('ERR_TOKEN_JOIN', 'not a join token, expired or used up');
      }
      const issued = await this.#issueAgent(name, record.pool, false);
      await this.#keep({ ...record, usesLeft: record.usesLeft - 1 });
      return issued;
    });
  }

  /** Looks whether records were added or removed by hand; cheap when nothing changed. */
  async reload(): Promise<void> {
    const folder = join(this.#directory, 'records');
    const { mtimeMs } = await stat(folder);
    if (mtimeMs === this.#readAtMs) return;
    const records = new Map<string, TokenRecord>();
    for (const file of await readdir(folder)) {
      if (!file.endsWith('.json')) continue;
      const path = join(folder, file);
      try {
        const record = readTokenRecord(await readFile(path, 'utf8'));
        records.set(record.id, record);
      } catch (error) {
        this.#log.error({ path, reason: messageOf(error) }, 'token record cannot be read: refused');
      }
    }
    this.#records = records;
    this.#readAtMs = mtimeMs;
  }

  #find(credential: string): TokenRecord | undefined {
    const parsed = parseToken(credential);
    const record = parsed && this.#records.get(parsed.id);
    if (!record || !matchesRecord(parsed.secret, record)) return undefined;
    const isOver =
      record.expiresAt !== undefined && Date.parse(record.expiresAt) <= this.#clock.nowMs();
    return isOver ? undefined : record;
  }

  async #issueAgent(name: string, pool: string, writesFile: boolean): Promise<IssuedAgent> {
    if (this.#has((record) => record.kind === 'agent' && record.name === name)) {
      throw new TokenStoreError('ERR_TOKEN_EXISTS', `node ${name}: has a token already`);
    }
    const node = { uid: randomUUID(), name, pool };
    const { token } = await this.#issue({ kind: 'agent', ...node }, writesFile);
    return { node, token };
  }

  async #issue(what: NewRecord, writesFile = true): Promise<Issued> {
    const { kind, name } = what;
    // "join.token" is taken, and no user may have its name.
    if (!NAME.test(name) || (kind === 'user' && name === 'join')) throw badName(name);
    const { token, id, sha256 } = mintToken(kind);
    const record: TokenRecord = { ...what, id, sha256, createdAt: rfc3339(this.#clock.nowMs()) };
    // The token first: a record whose token nobody has would stand for ever.
    if (writesFile) await writePrivateFile(this.#tokenFile(kind, name), `${token}\n`);
    await this.#keep(record);
    return { record, token };
  }

  async #keep(record: TokenRecord): Promise<void> {
    await writePrivateFile(this.#recordFile(record.id), `${JSON.stringify(record)}\n`);
    this.#records.set(record.id, record);
  }

  /** One change after the other: two at once must not spend one use or take one name. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#lastChange.then(change);
    this.#lastChange = done.catch(() => undefined);
    return done;
  }

  #recordFile(id: string): string {
    return join(this.#directory, 'records', `${id}.json`);
  }

  #has(test: (record: TokenRecord) => boolean): boolean {
    return [...this.#records.values()].some(test);
  }

  #tokenFile(kind: TokenRecord['kind'], name: string): string {
    const folder = kind === 'agent' ? join(this.#directory, 'agents') : this.#directory;
    return join(folder, `${name}.token`);
  }
}

interface Issued {
  readonly record: TokenRecord;
  readonly token: string;
}

/** What to ask for; the uid of an agent is made here. */
export type NewToken =
  | {
      readonly kind: 'user';
      readonly name: string;
      readonly role: Role;
      readonly expiresAt?: string;
    }
  | {
      readonly kind: 'agent';
      readonly name: string;
      readonly pool: string;
      readonly expiresAt?: string;
    }
  | {
      readonly kind: 'join';
      readonly name: string;
      readonly pool: string;
      readonly usesLeft: number;
      readonly expiresAt: string;
    };

type WithoutSecret<R> = R extends unknown ? Omit<R, 'id' | 'sha256' | 'createdAt'> : never;
type NewRecord = WithoutSecret<TokenRecord>;

function toItem(record: TokenRecord): TokenItem {
  const { id, kind, name, createdAt, expiresAt } = record;
  return {
    id,
    kind,
    name,
    ...(kind === 'user' ? { role: record.role } : { pool: record.pool }),
    ...(kind === 'join' ? { usesLeft: record.usesLeft } : {}),
    createdAt,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function compareItems(a: TokenItem, b: TokenItem): number {
  const [x, y] = [`${a.kind} ${a.name} ${a.id}`, `${b.kind} ${b.name} ${b.id}`];
  return x < y ? -1 : 1;
}

function badName(name: string): TokenStoreError {
  const shown = JSON.stringify(name.slice(0, 64));
  return new TokenStoreError(
    'ERR_TOKEN_NAME',
    `name ${shown}: expected letters, digits, ".", "_" and "-", first a letter or digit`,
  );
}
