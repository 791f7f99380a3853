import { isFileError } from '../check.ts';
import type { Host } from '../host.ts';
import { currentMode, type Mode } from './mode.ts';
import { type KernelStatus, readKernelStatus } from './status.ts';

/** What the kernel says of itself at one moment. */
export interface KernelMoment {
  /** Undefined where it cannot be told from here. */
  readonly mode: Mode | undefined;
  /** Undefined where it is not there, or says nothing that can be used. */
  readonly status: KernelStatus | undefined;
}

const ATTEMPTS = 5;

/**
 * Mode and count of one moment: a switch between the reading of two files would count as seen by the one and be hidden
 * from the other. Throws `HostError` for the files of the mode.
 */
export async function kernelMoment(host: Host): Promise<KernelMoment> {
  let before = await usableStatus(host);
  for (let attempt = 1; ; attempt++) {
    const mode = await currentMode(host);
    const status = await usableStatus(host);
    if (status?.sequence === before?.sequence || attempt === ATTEMPTS) return { mode, status };
    before = status;
  }
}

async function usableStatus(host: Host): Promise<KernelStatus | undefined> {
  try {
    return await readKernelStatus(host);
  } catch (error) {
    if (isFileError(error)) return undefined;
    throw error;
  }
}
