import {
  ImageReferenceError,
  parseReference,
  referenceText,
  withDefaultTag,
} from '../../../shared/trust/reference.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly reference: string;
}

export const referenceNormalisation: ConformanceKind = conformanceKind(
  'reference-normalisation',
  (input: Input) => {
    try {
      const reference = parseReference(input.reference);
      const { domain: host, ...parts } = reference;
      return {
        valid: true,
        normal: referenceText(reference),
        host,
        ...parts,
        withDefaultTag: referenceText(withDefaultTag(reference)),
      };
    } catch (error) {
      if (error instanceof ImageReferenceError) return { valid: false };
      throw error;
    }
  },
);
