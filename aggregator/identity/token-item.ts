import type { TokenItem } from '../../shared/api-admission.ts';
import { CodedError } from '../../shared/errors.ts';
import type { Role } from './principal.ts';
import type { TokenRecord } from './token-file.ts';

/** Why a token is not made, or lets no node in. */
export class TokenStoreError extends CodedError<
  | 'ERR_TOKEN_NAME'
  | 'ERR_TOKEN_EXISTS'
  /** Not a join token, or one that was revoked. */
  | 'ERR_TOKEN_JOIN'
  | 'ERR_TOKEN_EXPIRED'
  | 'ERR_TOKEN_USED_UP'
  /** Not for nodes of this name. */
  | 'ERR_TOKEN_NOT_FOR_NAME'
> {}

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
      /** Pattern of the names that may enrol with it; `*` stands for any text. */
      readonly names?: string;
      readonly expiresAt: string;
    };

type WithoutSecret<R> = R extends unknown ? Omit<R, 'id' | 'sha256' | 'createdAt'> : never;
export type NewRecord = WithoutSecret<TokenRecord>;

/** What is told of a token; never the token itself. */
export function toItem(record: TokenRecord): TokenItem {
  const { id, kind, name, createdAt, expiresAt } = record;
  return {
    id,
    kind,
    name,
    ...(kind === 'user' ? { role: record.role } : { pool: record.pool }),
    ...(kind === 'join' ? { usesLeft: record.usesLeft } : {}),
    ...(kind === 'join' && record.names !== undefined ? { names: record.names } : {}),
    createdAt,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** By kind and name. */
export function compareItems(a: TokenItem, b: TokenItem): number {
  const [x, y] = [`${a.kind} ${a.name} ${a.id}`, `${b.kind} ${b.name} ${b.id}`];
  return x < y ? -1 : 1;
}

export function badName(name: string): TokenStoreError {
  const shown = JSON.stringify(name.slice(0, 64));
  return new TokenStoreError(
    'ERR_TOKEN_NAME',
    `name ${shown}: expected letters, digits, ".", "_" and "-", first a letter or digit`,
  );
}
