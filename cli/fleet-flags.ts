import type { Invocation } from './command.ts';
import { usageError } from './errors.ts';

const FLAGS = [
  'require-coverage',
  'context',
  'server',
  'token-file',
  'ca-file',
  'plain-http',
  'timeout',
] as const;

/**
 * Throws a usage error for a flag that only the fleet understands, where this node alone is asked: who names a server
 * must not take the answer for the server's. `more`: what else a command has for the fleet.
 */
export function refuseFleetFlags(
  invocation: Invocation,
  next: string,
  more: readonly string[] = [],
): void {
  const wrong = [...more, ...FLAGS].find((flag) => invocation.values(flag).length > 0);
  if (wrong === undefined) return;
  throw usageError(`--${wrong} says nothing of this node alone`, { next });
}
