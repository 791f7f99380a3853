import { messageOf } from '../../shared/errors.ts';
import { open, readBody } from '../outgoing.ts';

/** Where notices go, as configured. */
export interface Target {
  readonly url: string;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

/** What became of an attempt. `refused`: this very notice will never be taken; `failed`: later perhaps. */
export type Delivered =
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed' | 'refused'; readonly reason: string };

const MAX_ANSWER_BYTES = 64 * 1024;
/** Statuses that speak of the notice, not of the server, the address or our credential. */
const REFUSALS = [400, 413, 415, 422];

/** Posts JSON once. Never rejects. */
export async function post(target: Target, body: string, signal: AbortSignal): Promise<Delivered> {
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await open({ ...target, method: 'POST', headers, body, signal });
    const { statusCode = 0 } = answer;
    await readBody(answer, MAX_ANSWER_BYTES);
    if (statusCode >= 200 && statusCode < 300) return { kind: 'taken' };
    const kind = REFUSALS.includes(statusCode) ? 'refused' : 'failed';
    return { kind, reason: `expected status 2xx, found ${statusCode}` };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 300_000;

/** Milliseconds until the next attempt after so many that failed: twice as long each time, half of it by chance. */
export function retryDelayMs(failures: number, random: () => number): number {
  const base = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
  return base * (0.5 + random() / 2);
}
