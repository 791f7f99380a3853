import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  guessManifestType,
  ManifestError,
  manifestDigest,
} from '../../../shared/trust/manifest.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly manifest?: string;
  readonly text?: string;
}

export const manifestDigests: ConformanceKind = conformanceKind(
  'manifest-digest',
  async ({ manifest, text }: Input, root) => {
    const bytes =
      manifest === undefined ? Buffer.from(text ?? '') : await readFile(join(root, manifest));
    return { mimeType: guessManifestType(bytes), digest: digestOrNull(bytes) };
  },
);

function digestOrNull(bytes: Uint8Array): string | null {
  try {
    return manifestDigest(bytes);
  } catch (error) {
    if (error instanceof ManifestError) return null;
    throw error;
  }
}
