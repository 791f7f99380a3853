import { runningArguments } from '../boot.ts';
import { whereReadable } from '../check.ts';
import type { Host } from '../host.ts';

/**
 * The deployment of ostree that is booted: what its kernel argument `ostree=` names, which is another one after
 * every change of the operating system. Undefined where there is none, or it cannot be read.
 */
export async function bootedDeployment(host: Host): Promise<string | undefined> {
  const running = await whereReadable(runningArguments(host));
  return running?.findLast(({ name }) => name === 'ostree')?.value;
}
