import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the documents, vectors and laboratories that lie beside the repository are; undefined when they are not there. */
export function sharedDir(): string | undefined {
  const fromEnvironment = process.env['NODESEAL_SHARED'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  const beside = fileURLToPath(new URL('../../../shared', import.meta.url));
  return existsSync(beside) ? beside : undefined;
}
