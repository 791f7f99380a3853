import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import * as v from 'valibot';
import { ROLES, type Role } from './principal.ts';

/**
 * A bearer token is `<kind>_<id>.<secret>`. The server keeps the SHA-256 of the secret only, found by the id, so
 * that looking up tells nothing and comparing takes constant time.
 */
const TOKEN = /^ns[uaj]_([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/;
const KIND_LETTERS = { user: 'u', agent: 'a', join: 'j' } as const;

interface Kept {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly sha256: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339; without it the token does not expire. */
  readonly expiresAt?: string | undefined;
}
/** What the server keeps of a token, beside the file that holds the token itself. */
export type TokenRecord =
  | (Kept & { readonly kind: 'user'; readonly name: string; readonly role: Role })
  | (Kept & {
      readonly kind: 'agent';
      readonly name: string;
      readonly uid: string;
      readonly pool: string;
    })
  | (Kept & {
      readonly kind: 'join';
      readonly name: string;
      /** How many nodes may still enrol with it. */
      readonly usesLeft: number;
      /** Pattern of the names that may enrol with it. */
      readonly names?: string | undefined;
      readonly pool: string;
    });

/** Whether it has expired. */
export function isOver({ expiresAt }: TokenRecord, nowMs: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
}

/** Names of nodes and people that may become file names: a letter or digit, then letters, digits, `.`, `_`, `-`. */
export const NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/** Such names, with `*` for any text. */
export const NAME_PATTERN: RegExp = /^[A-Za-z0-9*][A-Za-z0-9._*-]{0,252}$/;

const time = v.pipe(v.string(), v.isoTimestamp());
const name = v.pipe(v.string(), v.regex(NAME));
const kept = {
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  createdAt: time,
  expiresAt: v.optional(time),
};
const recordSchema: v.GenericSchema<unknown, TokenRecord> = v.variant('kind', [
  v.strictObject({ kind: v.literal('user'), ...kept, name, role: v.picklist(ROLES) }),
  v.strictObject({ kind: v.literal('agent'), ...kept, name, uid: name, pool: name }),
  v.strictObject({
    kind: v.literal('join'),
    ...kept,
    name,
    usesLeft: v.pipe(v.number(), v.integer(), v.minValue(0)),
    names: v.optional(v.pipe(v.string(), v.regex(NAME_PATTERN))),
    pool: name,
  }),
]);

/** A record under the id it is kept by. Throws for a text that is none. */
export function readTokenRecord(text: string, id: string): TokenRecord {
  const record = v.parse(recordSchema, JSON.parse(text));
  if (record.id === id) return record;
  throw new Error(`expected the record of token ${id}, found that of ${record.id}`);
}

export interface MintedToken {
  readonly token: string;
  readonly id: string;
  readonly sha256: string;
}

/** A new token: 256 bits from the system's generator. */
export function mintToken(kind: TokenRecord['kind']): MintedToken {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { token: `ns${KIND_LETTERS[kind]}_${id}.${secret}`, id, sha256: digest(secret) };
}

/** The id and secret of a presented token; undefined when it is not one of ours. */
export function parseToken(
  token: string,
): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Whether a presented secret is the one of the record, in constant time. */
export function matchesRecord(secret: string, record: TokenRecord): boolean {
  return timingSafeEqual(Buffer.from(digest(secret), 'hex'), Buffer.from(record.sha256, 'hex'));
}

/** Writes a file only its owner can read, whole or not at all. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  // Made anew: what somebody left there keeps neither its mode nor its readers.
  await rm(`${path}.new`, { force: true });
  const file = await open(`${path}.new`, 'wx', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
