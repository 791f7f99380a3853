import { SignatureError } from '../../../shared/trust/signature-error.ts';
import {
  parseSignedPayload,
  parseSigstorePayload,
} from '../../../shared/trust/signature-payload.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly format: 'simple-signing' | 'sigstore';
  readonly payloadText: string;
}

export const signaturePayload: ConformanceKind = conformanceKind(
  'signature-payload',
  ({ format, payloadText }: Input) => {
    const parse = format === 'sigstore' ? parseSigstorePayload : parseSignedPayload;
    try {
      const { digest, reference, creator, timestamp } = parse(Buffer.from(payloadText));
      return {
        valid: true,
        digest,
        reference,
        creator: creator ?? null,
        timestamp: timestamp ?? null,
      };
    } catch (error) {
      if (error instanceof SignatureError && error.code === 'payload-invalid')
        return { valid: false };
      throw error;
    }
  },
);
