import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERDICTS } from '../../shared/images.ts';
import type { SimulationResult } from '../../shared/simulation.ts';
import { runCli } from '../cli/fake-io.ts';
import type { ExpectedImage, MadeStore } from './image-store.ts';
import type { PolicyText } from './simulated-policies.ts';

export interface Prediction {
  readonly compared: number;
  /** Images that skopeo, given the policy, does not treat as was predicted. */
  readonly differing: readonly object[];
  /** Refused by skopeo under the policy. */
  readonly refused: number;
  readonly result: SimulationResult;
}

/** What `nodeseal simulate` predicts of every image of a store, beside what skopeo then does under the policy. */
export async function predictedBesideSkopeo(
  made: MadeStore,
  policy: PolicyText,
): Promise<Prediction> {
  const folder = mkdtempSync(join(tmpdir(), 'simulated-'));
  try {
    const file = join(folder, 'policy.json');
    writeFileSync(file, JSON.stringify(policy, null, 2));
    const line = ['simulate', '--policy', file, '--host-root', made.root, '--sources', 'store'];
    // skopeo 1.9.3 is older than the change that lets signing subkeys count
    const said = await runCli([...line, '--image-library', '5.22', '-o', 'json']);
    const result: SimulationResult = JSON.parse(said.stdout);
    const skopeo = await skopeoUnder(made, policy, folder);
    const differing = made.images.flatMap((image, index) => {
      const predicted = predictionOf(image, result);
      const then = skopeo[index];
      return predicted === then ? [] : [{ case: image.case, predicted, skopeo: then }];
    });
    const refused = skopeo.filter((verdict) => verdict === 'rejected').length;
    return { compared: skopeo.length, differing, refused, result };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is not named as a change stays as skopeo had it; what is, is told by the simulation alone. */
function predictionOf(image: ExpectedImage, { items }: SimulationResult): string {
  const reference = image.name ?? '<none>';
  const item = items.find((one) => one.reference === reference);
  if (item === undefined) return image.stored.verdict;
  return item.after === 'unenforced' ? 'accepted' : item.after;
}

async function skopeoUnder(
  made: MadeStore,
  policy: PolicyText,
  folder: string,
): Promise<readonly string[]> {
  const file = join(folder, 'policy-stored.json');
  writeFileSync(file, JSON.stringify(asStored(made, policy)));
  const verdicts: string[] = [];
  const next = made.images.entries();
  const work = async (): Promise<void> => {
    for (const [index, image] of next) {
      const to = join(folder, `copy-${index}`);
      verdicts[index] = (await isCopied(made, file, image, to)) ? 'accepted' : 'rejected';
      rmSync(to, { recursive: true, force: true });
    }
  };
  await Promise.all([work(), work()]);
  return verdicts;
}

/** The same rules for the store of this machine: skopeo judges a stored image by the transport it is read through. */
function asStored({ root, folder, driver }: MadeStore, policy: PolicyText): PolicyText {
  const store = `[${driver}@${realpathSync(join(folder, 'storage'))}]`;
  const local = (list: readonly object[]) =>
    list.map((one) =>
      'keyPath' in one ? { ...one, keyPath: join(root, String(one.keyPath)) } : { ...one },
    );
  const scopes = Object.entries(policy.transports['docker'] ?? {});
  return {
    default: local(policy.default),
    transports: {
      'containers-storage': Object.fromEntries(
        scopes.map(([scope, list]) => [store + scope, local(list)]),
      ),
    },
  };
}

async function isCopied(
  { folder, driver }: MadeStore,
  policy: string,
  { name, id }: ExpectedImage,
  to: string,
): Promise<boolean> {
  const options = driver === 'overlay' ? ':overlay.skip_mount_home=true' : '';
  const places = `${realpathSync(join(folder, 'storage'))}+${join(folder, 'runroot')}`;
  const reference = `[${driver}@${places}${options}]${name ?? `@${id}`}`;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  execFile(
    'skopeo',
    [
      ...['--policy', policy, '--registries-conf', join(folder, 'local/registries.conf')],
      ...['--registries.d', join(folder, 'local/registries.d'), '--tmpdir', join(folder, 'tmp')],
      ...['copy', '--quiet', '--remove-signatures'],
      ...[`containers-storage:${reference}`, `dir:${to}`],
    ],
    {
      env: {
        PATH: process.env['PATH'],
        CONTAINERS_STORAGE_CONF: join(folder, 'local/storage.conf'),
      },
    },
    (error) => resolve(error === null),
  );
  return await promise;
}

/** True when the counts of a result add up to the images there are. */
export function isComplete({ summary }: SimulationResult): boolean {
  const total = (counts: SimulationResult['summary']['now']): number =>
    VERDICTS.reduce((sum, verdict) => sum + counts[verdict], 0);
  return total(summary.now) === summary.uses && total(summary.after) === summary.uses;
}
