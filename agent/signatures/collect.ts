import { readSignatureBlob } from '../../shared/trust/signature-blob.ts';

/**
 * All signatures of one place or none: where reading fails, those already read do not count, as in containers/image.
 * One that cannot be recognised ends the reading with `SignatureError`.
 */
export async function collect(
  signatures: AsyncIterable<Uint8Array>,
): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const signature of signatures) {
    readSignatureBlob(signature);
    found.push(signature);
  }
  return found;
}
