import { sha256 } from '../shared/canonical.ts';
import { type ContentMemory, memoryPerHost } from './content-memory.ts';
import type { Host } from './host.ts';

/** Far more than the files that are compared on one node; an entry takes some 300 bytes. */
const MAX_FILES = 4096;

/** `sha256:…` of the files of a node, each hashed anew only when it changed. */
export const digestsOf: (host: Host) => ContentMemory<string> = memoryPerHost({
  make: sha256,
  maxFiles: MAX_FILES,
});
