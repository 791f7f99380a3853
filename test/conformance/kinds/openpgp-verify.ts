import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importedKeys, type Keyring } from '../../../shared/trust/openpgp/keyring.ts';
import { loadKeys } from '../../../shared/trust/openpgp/keys.ts';
import { verifyMessage } from '../../../shared/trust/openpgp/verify.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly keys: readonly string[];
  readonly signature: string;
}

export const openpgpVerify: ConformanceKind = conformanceKind(
  'openpgp-verify',
  async ({ keys, signature }: Input, root) => {
    const keyring = await loadKeys(await Promise.all(keys.map((key) => readFile(join(root, key)))));
    const nowMs = Date.now();
    return {
      ...verdictOf(keyring, await readFile(join(root, signature)), nowMs),
      importedPrimaryKeys: importedKeys(keyring, nowMs / 1000).map((key) => key.toUpperCase()),
    };
  },
);

function verdictOf(keyring: Keyring, signature: Uint8Array, nowMs: number): object {
  try {
    const { fingerprint, content } = verifyMessage(keyring, signature, nowMs);
    const contentSha256 = createHash('sha256').update(content).digest('hex');
    return { verified: true, fingerprint, contentSha256 };
  } catch (error) {
    if (error instanceof SignatureError) return { verified: false, reason: error.code };
    throw error;
  }
}
