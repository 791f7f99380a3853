import { randomUUID } from 'node:crypto';
import { chmod, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenItem } from '../../shared/api-admission.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { ensureFolder } from '../../shared/folder.ts';
import type { Logger } from '../../shared/log.ts';
import { matches } from '../../shared/pattern.ts';
import type { NodeIdentity } from '../store/store.ts';
import { InTurn } from './in-turn.ts';
import type { Authority, Principal, Role } from './principal.ts';
import {
  matchesRecord,
  mintToken,
  NAME,
  parseToken,
  readTokenRecords,
  type TokenRecord,
  writePrivateFile,
} from './token-file.ts';
import {
  badName,
  compareItems,
  type NewRecord,
  type NewToken,
  TokenStoreError,
  toItem,
} from './token-item.ts';

interface Issued {
  readonly record: TokenRecord;
  readonly token: string;
}
type JoinRecord = TokenRecord & { readonly kind: 'join' };

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
  /** Ends every join token that is given out: `@sha256:…`, see `open`. */
  readonly #pinSuffix: string;
  #records = new Map<string, TokenRecord>();
  #readAtMs: number | undefined;
  /** Two changes at once must not spend one use or take one name. */
  readonly #changes = new InTurn();

  private constructor(directory: string, clock: Clock, log: Logger, caPin: string | undefined) {
    this.#directory = directory;
    this.#pinSuffix = caPin === undefined ? '' : `@${caPin}`;
    this.#clock = clock;
    this.#log = log;
  }

  /** With `caPin` (`sha256:…`) join tokens tell a new node the key by which it knows this server. */
  static async open(
    stateDir: string,
    clock: Clock,
    log: Logger,
    caPin?: string,
  ): Promise<TokenAuthority> {
    const directory = join(stateDir, 'tokens');
    for (const folder of [directory, join(directory, 'records'), join(directory, 'agents')]) {
      await ensureFolder(folder);
      // Also when somebody made it before us.
      await chmod(folder, PRIVATE_FOLDER);
    }
    const authority = new TokenAuthority(directory, clock, log, caPin);
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
    return this.#changes.run(async () => {
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
    return this.#changes.run(async () => {
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
    return this.#changes.run(async () => {
      const record = this.#usable(joinToken, name);
      const issued = await this.#issueAgent(name, record.pool, false);
      await this.#spend(record);
      return issued;
    });
  }

  /** Takes one use of a join token for a node that gets its credential elsewhere. */
  spend(joinToken: string, name: string): Promise<{ readonly id: string; readonly pool: string }> {
    return this.#changes.run(async () => {
      const record = this.#usable(joinToken, name);
      if (!NAME.test(name)) throw badName(name);
      if (this.#has(({ kind, name: taken }) => kind === 'agent' && taken === name)) {
        throw new TokenStoreError('ERR_TOKEN_EXISTS', `node ${name}: has a token already`);
      }
      await this.#spend(record);
      return { id: record.id, pool: record.pool };
    });
  }

  /** The id of a join token that was not revoked, whether or not it may still be used. */
  joinIdOf(joinToken: string): string | undefined {
    const record = this.#known(joinToken.split('@')[0] ?? '');
    return record?.kind === 'join' ? record.id : undefined;
  }

  /** Looks whether records were added or removed by hand; cheap when nothing changed. */
  async reload(): Promise<void> {
    const folder = join(this.#directory, 'records');
    const { mtimeMs } = await stat(folder);
    if (mtimeMs === this.#readAtMs) return;
    this.#records = await readTokenRecords(folder, this.#log);
    this.#readAtMs = mtimeMs;
  }

  #find(credential: string): TokenRecord | undefined {
    const record = this.#known(credential);
    return record === undefined || this.#isOver(record) ? undefined : record;
  }

  #known(credential: string): TokenRecord | undefined {
    const parsed = parseToken(credential);
    const record = parsed && this.#records.get(parsed.id);
    return record && matchesRecord(parsed.secret, record) ? record : undefined;
  }

  #isOver({ expiresAt }: TokenRecord): boolean {
    return expiresAt !== undefined && Date.parse(expiresAt) <= this.#clock.nowMs();
  }

  /** The record of a join token that may let a node of this name in now. Whoever has its secret is told why not. */
  #usable(joinToken: string, name: string): JoinRecord {
    const record = this.#known(joinToken.split('@')[0] ?? '');
    if (record?.kind !== 'join') {
      throw new TokenStoreError('ERR_TOKEN_JOIN', 'not a join token, or one that was revoked');
    }
    if (this.#isOver(record)) {
      throw new TokenStoreError(
        'ERR_TOKEN_EXPIRED',
        `the join token expired at ${record.expiresAt}`,
      );
    }
    if (record.usesLeft === 0) {
      throw new TokenStoreError('ERR_TOKEN_USED_UP', 'the join token is used up');
    }
    if (record.names !== undefined && !matches(record.names, name)) {
      const message = `the join token is for nodes called ${record.names}`;
      throw new TokenStoreError('ERR_TOKEN_NOT_FOR_NAME', message);
    }
    return record;
  }

  async #spend(record: JoinRecord): Promise<void> {
    await this.#keep({ ...record, usesLeft: record.usesLeft - 1 });
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
    const given = kind === 'join' ? `${token}${this.#pinSuffix}` : token;
    if (writesFile) await writePrivateFile(this.#tokenFile(kind, name), `${given}\n`);
    await this.#keep(record);
    return { record, token: given };
  }

  async #keep(record: TokenRecord): Promise<void> {
    await writePrivateFile(this.#recordFile(record.id), `${JSON.stringify(record)}\n`);
    this.#records.set(record.id, record);
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
