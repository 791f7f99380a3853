import { readSignatureBlob } from '../../../shared/trust/signature-blob.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly blobHex: string;
}

export const signatureBlobFormat: ConformanceKind = conformanceKind(
  'signature-blob-format',
  ({ blobHex }: Input) => {
    try {
      return { format: readSignatureBlob(Buffer.from(blobHex, 'hex')).format };
    } catch (error) {
      if (error instanceof SignatureError && error.code === 'blob-format') return { format: null };
      throw error;
    }
  },
);
