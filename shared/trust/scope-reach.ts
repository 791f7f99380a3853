import { ImageReferenceError } from './reference.ts';
import { scopeCandidates } from './scope-candidates.ts';

const IMAGE_ID = '0'.repeat(64);
/** What may follow a scope in a reference that leads to it. */
const BELOW = ['', ':t', '/x', '/x:t', '/x/y:t', 'a.b/x', `@${IMAGE_ID}`] as const;

/**
 * Does any image lead to this scope? Asks the look-up itself about references at and below it. The parser accepts
 * scopes that nothing leads to; they speak for no image, as do all scopes of unknown transports.
 */
export function isReachable(transport: string, scope: string): boolean {
  if (scope === '') return true;
  const host = scope.startsWith('*.') ? `a${scope.slice(1)}` : scope;
  const [, root, name] = /^\[(\/[^\]@]*)\](.*)$/.exec(scope) ?? [];
  const start = root === undefined ? host : `[overlay@${root}]${name}`;
  return BELOW.some((below) => leadsTo(transport, start + below, scope));
}

function leadsTo(transport: string, reference: string, scope: string): boolean {
  try {
    return scopeCandidates(transport, reference).includes(scope);
  } catch (error) {
    if (error instanceof ImageReferenceError) return false;
    throw error;
  }
}
