import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KEY_PATH, type TestPolicy } from './signed-images.ts';
import { writeFiles } from './store-tree.ts';

/**
 * What skopeo says of a pull. `failed`: before the policy could be asked, or while it read signatures. `undecided`: it
 * found a sigstore signature, which Debian's build does not judge.
 */
export type PullVerdict = 'accepted' | 'rejected' | 'failed' | 'undecided';

const run = promisify(execFile);

/** Pulls a reference as the node below `root` would: its policy, registries.d, registries.conf, certificates, auth file. */
export async function pullBySkopeo(
  root: string,
  reference: string,
  policy: TestPolicy,
): Promise<PullVerdict> {
  const folder = await mkdtemp(join(tmpdir(), 'pull-'));
  try {
    // The policy names keys by the node's paths.
    const text = JSON.stringify(policy).replaceAll(KEY_PATH, join(root, KEY_PATH));
    writeFiles(folder, { '/policy.json': text, '/d/none': '' });
    const secrets = join(root, 'var/lib/kubelet/config.json');
    const [registry = ''] = reference.split('/');
    await run(
      'skopeo',
      [
        ...['--policy', join(folder, 'policy.json')],
        ...['--registries.d', join(root, 'etc/containers/registries.d')],
        ...['--registries-conf', join(root, 'etc/containers/registries.conf')],
        'copy',
        ...['--src-cert-dir', join(root, 'etc/containers/certs.d', registry)],
        `docker://${reference}`,
        `dir:${join(folder, 'image')}`,
      ],
      {
        env: {
          ...process.env,
          // skopeo fails for a file that is named and not there
          ...(existsSync(secrets) ? { REGISTRY_AUTH_FILE: secrets } : {}),
        },
      },
    );
    return 'accepted';
  } catch (error) {
    const { stderr } = error as { stderr: string }; // what execFile throws
    if (/sigstore disabled/.test(stderr)) return 'undecided';
    return /Source image rejected: (?!reading|Error fetching)/.test(stderr) ? 'rejected' : 'failed';
  } finally {
    await rm(folder, { recursive: true });
  }
}
