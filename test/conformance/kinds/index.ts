import type { ConformanceKind } from '../kind.ts';

/** Every kind of question that the product answers; a table of another kind is reported as not run. */
export const KINDS: readonly ConformanceKind[] = [];
