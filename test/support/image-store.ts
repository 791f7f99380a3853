import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sharedDir } from './shared.ts';

/** Verdict of the real tool: its exit status, and the last thing it said. */
interface RealVerdict {
  readonly verdict: 'accepted' | 'rejected' | 'none';
  readonly reason: string;
}

/** One image of a store made by make-image-store. */
export interface ExpectedImage {
  readonly case: string;
  /** Name in the store; null when it has lost it. */
  readonly name: string | null;
  readonly id: string;
  /** What skopeo said when it pulled the image under the policy. */
  readonly pull: RealVerdict;
  /** What skopeo says of the stored image with its stored signatures. */
  readonly stored: RealVerdict;
}

/** A store of real images with real signatures, and skopeo's verdict on each. */
export interface MadeStore {
  /** A host root: /etc/containers, /var/lib/containers/storage, … */
  readonly root: string;
  readonly folder: string;
  readonly driver: string;
  readonly images: readonly ExpectedImage[];
}

const TOOLS = ['skopeo', 'docker-registry', 'gpg', 'flock'] as const;

/** Why no store can be made here, for the name of a skipped test; false when it can. */
export function whyNoStore(): string | false {
  const shared = sharedDir();
  if (shared === undefined || !existsSync(toolIn(shared)))
    return 'needs ../shared/tools/make-image-store';
  if (process.getuid?.() !== 0) return 'needs root, as containers-storage with overlay does';
  const folders = (process.env['PATH'] ?? '').split(':');
  const missing = TOOLS.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

/**
 * A store made with these options of make-image-store; one made earlier with the same options is used again. Only
 * to be read: other tests share it.
 */
export async function makeImageStore(options: readonly string[]): Promise<MadeStore> {
  const shared = sharedDir();
  if (shared === undefined) throw new Error('there is no ../shared');
  const key = createHash('sha256').update(options.join(' ')).digest('hex').slice(0, 8);
  // gpg-agent's socket lies in it, whose path must stay short.
  const folder = join(tmpdir(), `nodeseal-store-${key}`);
  // Two test files may ask for the same store at once: the second finds it made.
  const make = [`${folder}.lock`, toolIn(shared), folder, '--no-install', ...options];
  await promisify(execFile)('flock', make);
  const { driver, images } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  return { root: join(folder, 'host'), folder, driver, images };
}

function toolIn(shared: string): string {
  return join(shared, 'tools', 'make-image-store');
}
