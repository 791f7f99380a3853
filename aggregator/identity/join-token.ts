import { matches } from '../../shared/pattern.ts';
import type { RegisterWriter } from './register.ts';
import { isOver, type TokenRecord } from './token-file.ts';
import { TokenStoreError } from './token-item.ts';

/** A token that lets new nodes in: how often, until when and under which names. */
export type JoinRecord = TokenRecord & { readonly kind: 'join' };

/** The secret part of a join token, without the pin of the server it is for. */
export function credentialOf(joinToken: string): string {
  return joinToken.split('@')[0] ?? '';
}

/** The record of a join token that may let a node of this name in now. Throws otherwise: who has its secret is told why. */
export function usableJoin(
  record: TokenRecord | undefined,
  name: string,
  nowMs: number,
): JoinRecord {
  if (record?.kind !== 'join') {
    throw new TokenStoreError('ERR_TOKEN_JOIN', 'not a join token, or one that was revoked');
  }
  if (isOver(record, nowMs)) {
    throw new TokenStoreError('ERR_TOKEN_EXPIRED', `the join token expired at ${record.expiresAt}`);
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

/** Takes one use of it. */
export async function spendOne(
  { keep }: RegisterWriter<TokenRecord>,
  record: JoinRecord,
): Promise<void> {
  await keep(record.id, { ...record, usesLeft: record.usesLeft - 1 });
}
