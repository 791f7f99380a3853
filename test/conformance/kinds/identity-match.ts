import { matchesIdentity } from '../../../shared/trust/identity.ts';
import type { SignedIdentity } from '../../../shared/trust/policy-types.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly matcher: SignedIdentity;
  readonly intended: string | null;
  readonly signed: string;
}

export const identityMatch: ConformanceKind = conformanceKind(
  'identity-match',
  ({ matcher, intended, signed }: Input) => ({
    accept: matchesIdentity(matcher, intended ?? undefined, signed),
  }),
);
