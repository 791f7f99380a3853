import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Keyring } from '../../shared/trust/openpgp/keyring.ts';
import { loadKeys } from '../../shared/trust/openpgp/keys.ts';

/** What all of test/fixtures/trust is signed as. */
export const REFERENCE = 'registry.example.com/team/app:v1';

/** One file of test/fixtures/trust. */
export function fixture(path: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../fixtures/trust/${path}`, import.meta.url)));
}

/** A keyring of files in test/fixtures/trust/keys. */
export async function keyringOf(...names: readonly string[]): Promise<Keyring> {
  return await loadKeys(names.map((name) => fixture(`keys/${name}`)));
}
