import { randomUUID } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenItem } from '../../shared/api-admission.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { ensureFolder } from '../../shared/folder.ts';
import type { Logger } from '../../shared/log.ts';
import type { Records } from '../store/records.ts';
import type { NodeIdentity } from '../store/stored-node.ts';
import { credentialOf, type JoinRecord, spendOne, usableJoin } from './join-token.ts';
import type { Authority, Principal, Role } from './principal.ts';
import { RecordFolder } from './record-folder.ts';
import { Register, type RegisterWriter } from './register.ts';
import {
  isOver,
  matchesRecord,
  mintToken,
  NAME,
  parseToken,
  readTokenRecord,
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
type Writer = RegisterWriter<TokenRecord>;

/** A node that was just given its credential. */
export interface IssuedAgent {
  readonly node: NodeIdentity;
  readonly token: string;
}

const PRIVATE_FOLDER = 0o700;
const ID_PREFIX = 'token:';

export interface TokenOptions {
  /** Public key by which a new node knows this server now, `sha256:…`: join tokens that are given out end with it. */
  readonly caPin?: () => string | undefined;
  /** Where the records are; in `tokens/records/` of the state directory when left out. */
  readonly records?: Records | undefined;
}

/**
 * Bearer tokens. A record is what the server keeps of one (a digest); removing it revokes the token. The tokens that
 * are made at the first start lie in `tokens/<user>.token`, `tokens/join.token` or `tokens/agents/<node>.token` of the
 * state directory, to be moved to where they are used. All files are 0600, all folders 0700.
 */
export class TokenAuthority implements Authority {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #caPin: () => string | undefined;
  /** By id. Two changes at once must not spend one use or take one name. */
  readonly #records: Register<TokenRecord>;

  private constructor(
    directory: string,
    clock: Clock,
    records: Register<TokenRecord>,
    caPin: () => string | undefined,
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#records = records;
    this.#caPin = caPin;
  }

  static async open(
    stateDir: string,
    clock: Clock,
    log: Logger,
    { caPin = () => undefined, records }: TokenOptions = {},
  ): Promise<TokenAuthority> {
    const directory = join(stateDir, 'tokens');
    const files = await tokenFolder(stateDir);
    const agents = join(directory, 'agents');
    await ensureFolder(agents);
    // Also when somebody made it before us.
    await chmod(agents, PRIVATE_FOLDER);
    const register = new Register<TokenRecord>(records ?? files, readTokenRecord, (path, error) =>
      log.error({ path, reason: messageOf(error) }, 'token record cannot be read: refused'),
    );
    await register.reload();
    return new TokenAuthority(directory, clock, register, caPin);
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    const record = await this.#find(credential);
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
    return this.#records
      .values()
      .filter((record) => record.kind === 'agent')
      .map(({ uid, name, pool }) => ({ uid, name, pool }));
  }

  /** The file of this user's token; the token is made when there is none yet. */
  ensureUser(name: string, role: Role): Promise<string> {
    return this.#ensure({ kind: 'user', name, role });
  }

  /** The file of this node's token; the node is made when there is none yet. */
  ensureAgent(name: string, pool: string): Promise<string> {
    return this.#ensure({ kind: 'agent', uid: randomUUID(), name, pool });
  }

  /** The file of the join token; it is made when there never was one, and not again when that is over. */
  ensureJoin(pool: string, uses: number, lifeMs: number): Promise<string> {
    const expiresAt = rfc3339(this.#clock.nowMs() + lifeMs);
    return this.#ensure({ kind: 'join', name: 'join', usesLeft: uses, pool, expiresAt });
  }

  /** All tokens, by kind and name. */
  list(): readonly TokenItem[] {
    return this.#records.values().map(toItem).sort(compareItems);
  }

  /**
   * A new token, kept nowhere here but as a digest. Throws when the name is taken or no name; several join tokens may
   * have one name.
   */
  create(wanted: NewToken): Promise<{ readonly item: TokenItem; readonly token: string }> {
    return this.#records.change(async (writer) => {
      const { kind, name } = wanted;
      const isTaken = this.#has((record) => record.kind === kind && record.name === name);
      if (kind !== 'join' && isTaken) {
        throw new TokenStoreError('ERR_TOKEN_EXISTS', `${kind} ${name}: has a token already`);
      }
      const issued = await this.#issue(
        writer,
        wanted.kind === 'agent' ? { ...wanted, uid: randomUUID() } : wanted,
      );
      return { item: toItem(issued.record), token: issued.token };
    });
  }

  /** Revokes the tokens that a test chooses; live sessions end within seconds. Returns what was revoked. */
  revoke(test: (item: TokenItem) => boolean): Promise<readonly TokenItem[]> {
    return this.#records.change(async ({ remove }) => {
      const revoked = this.list().filter(test);
      for (const { id } of revoked) await remove(id);
      return revoked;
    });
  }

  /**
   * Enrols a node with a join token, which then has one use less. Throws when the name is taken: a join token
   * cannot take over a node. The node's own token is kept nowhere here.
   */
  enrol(joinToken: string, name: string): Promise<IssuedAgent> {
    return this.#records.change(async (writer) => {
      const record = this.#usable(joinToken, name);
      this.#assertNoAgent(name);
      const node = { uid: randomUUID(), name, pool: record.pool };
      const { token } = await this.#issue(writer, { kind: 'agent', ...node });
      await spendOne(writer, record);
      return { node, token };
    });
  }

  /** Takes one use of a join token for a node that gets its credential elsewhere. */
  spend(joinToken: string, name: string): Promise<{ readonly id: string; readonly pool: string }> {
    return this.#records.change(async (writer) => {
      const record = this.#usable(joinToken, name);
      if (!NAME.test(name)) throw badName(name);
      this.#assertNoAgent(name);
      await spendOne(writer, record);
      return { id: record.id, pool: record.pool };
    });
  }

  /** The id of a join token that was not revoked, whether or not it may still be used. */
  async joinIdOf(joinToken: string): Promise<string | undefined> {
    const credential = credentialOf(joinToken);
    await this.#refresh(credential);
    const record = this.#known(credential);
    return record?.kind === 'join' ? record.id : undefined;
  }

  /** Looks whether records were added or removed by hand or elsewhere; cheap when nothing changed. */
  reload(): Promise<void> {
    return this.#records.reload();
  }

  /** Another aggregator may have made it this moment. */
  async #refresh(credential: string): Promise<void> {
    const parsed = parseToken(credential);
    if (parsed !== undefined && !this.#records.has(parsed.id)) await this.#records.refresh();
  }

  async #find(credential: string): Promise<TokenRecord | undefined> {
    await this.#refresh(credential);
    const record = this.#known(credential);
    return record === undefined || isOver(record, this.#clock.nowMs()) ? undefined : record;
  }

  #known(credential: string): TokenRecord | undefined {
    const parsed = parseToken(credential);
    const record = parsed && this.#records.get(parsed.id);
    return record && matchesRecord(parsed.secret, record) ? record : undefined;
  }

  #usable(joinToken: string, name: string): JoinRecord {
    return usableJoin(this.#known(credentialOf(joinToken)), name, this.#clock.nowMs());
  }

  #assertNoAgent(name: string): void {
    if (this.#has((record) => record.kind === 'agent' && record.name === name)) {
      throw new TokenStoreError('ERR_TOKEN_EXISTS', `node ${name}: has a token already`);
    }
  }

  /** The file of the token of this kind and name, or of any join token; the token is made when there is none. */
  async #ensure(wanted: NewRecord): Promise<string> {
    const { kind, name } = wanted;
    const file = this.#tokenFile(kind, name);
    await this.#records.change(async (writer) => {
      const isThere = (record: TokenRecord): boolean =>
        record.kind === kind && (kind === 'join' || record.name === name);
      if (!this.#has(isThere)) await this.#issue(writer, wanted, file);
    });
    return file;
  }

  async #issue(writer: Writer, what: NewRecord, file?: string): Promise<Issued> {
    const { kind, name } = what;
    // "join.token" is taken, and no user may have its name.
    if (!NAME.test(name) || (kind === 'user' && name === 'join')) throw badName(name);
    const { token, id, sha256 } = mintToken(kind);
    const record: TokenRecord = { ...what, id, sha256, createdAt: rfc3339(this.#clock.nowMs()) };
    const pin = this.#caPin();
    const given = kind === 'join' && pin !== undefined ? `${token}@${pin}` : token;
    // The token first: a record whose token nobody has would stand for ever.
    if (file !== undefined) await writePrivateFile(file, `${given}\n`);
    await writer.keep(id, record);
    return { record, token: given };
  }

  #has(test: (record: TokenRecord) => boolean): boolean {
    return this.#records.values().some(test);
  }

  #tokenFile(kind: TokenRecord['kind'], name: string): string {
    const folder = kind === 'agent' ? join(this.#directory, 'agents') : this.#directory;
    return join(folder, `${name}.token`);
  }
}

/** `tokens/records/` of the state directory. */
export async function tokenFolder(stateDir: string): Promise<RecordFolder> {
  const directory = join(stateDir, 'tokens');
  await ensureFolder(directory);
  await chmod(directory, PRIVATE_FOLDER);
  return await RecordFolder.open(join(directory, 'records'));
}
