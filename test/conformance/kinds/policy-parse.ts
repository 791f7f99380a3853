import { PolicyError, parsePolicy } from '../../../shared/trust/policy.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly policyText: string;
}

export const policyParse: ConformanceKind = conformanceKind('policy-parse', (input: Input) => {
  try {
    parsePolicy(Buffer.from(input.policyText));
    return { valid: true };
  } catch (error) {
    if (error instanceof PolicyError) return { valid: false, reason: error.reason };
    throw error;
  }
});
