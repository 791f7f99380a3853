import { existsSync } from 'node:fs';
import { join } from 'node:path';

const TOOLS = ['podman', 'skopeo', 'runc', 'conmon'] as const;

/** Why no containers can be made here, for the name of a skipped test; false when they can. */
export function whyNoPodman(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, as containers-storage with overlay does';
  const folders = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin');
  const missing = TOOLS.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}
