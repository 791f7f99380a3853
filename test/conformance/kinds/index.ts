import type { ConformanceKind } from '../kind.ts';
import { identityMatch } from './identity-match.ts';
import { policyParse } from './policy-parse.ts';
import { referenceNormalisation } from './reference-normalisation.ts';
import { scopeLookup } from './scope-lookup.ts';

/** Every kind of question that the product answers; a table of another kind is reported as not run. */
export const KINDS: readonly ConformanceKind[] = [
  identityMatch,
  policyParse,
  referenceNormalisation,
  scopeLookup,
];
