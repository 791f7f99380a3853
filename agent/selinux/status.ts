import { ContentError } from '../content-error.ts';
import type { Host } from '../host.ts';
import { SELINUXFS } from './mode.ts';

export const STATUS: string = `${SELINUXFS}/status`;

/** What the kernel tells of its own changes: `struct selinux_kernel_status`, security/selinux/status.c of Linux. */
export interface KernelStatus {
  /** Grows by two with each switch of the mode and each load of a policy or of booleans. */
  readonly sequence: number;
  readonly enforcing: boolean;
  /** Number of the last load; 0 until the first one after somebody opened the file. */
  readonly policyload: number;
  /** What the policy does not know is denied. */
  readonly denyUnknown: boolean;
}

/** The file is there and does not say what the kernel writes. */
export class StatusError extends ContentError<'ERR_SELINUX_STATUS'> {}

const VERSION = 1;
const WORDS = 5;
const LENGTH = WORDS * 4;
const ATTEMPTS = 5;

/**
 * The kernel's status; undefined where the file is not there. Throws `StatusError`, also when the kernel was caught
 * writing at every attempt.
 */
export async function readKernelStatus(host: Host): Promise<KernelStatus | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = await host.readBytes(STATUS);
    if (bytes === undefined) return undefined;
    const status = parseKernelStatus(bytes);
    if (status !== undefined) return status;
  }
  throw new StatusError('ERR_SELINUX_STATUS', STATUS, 'the kernel is writing it all the time');
}

/** Reads the five words, little-endian on every architecture served; undefined while the kernel writes them. */
export function parseKernelStatus(bytes: Buffer): KernelStatus | undefined {
  const fail = (message: string): never => {
    throw new StatusError('ERR_SELINUX_STATUS', STATUS, message);
  };
  if (bytes.length !== LENGTH) fail(`expected ${LENGTH} bytes, found ${bytes.length}`);
  const word = (index: number): number => bytes.readUInt32LE(index * 4);
  const flag = (index: number, name: string): boolean => {
    const value = word(index);
    return value <= 1 ? value === 1 : fail(`expected ${name} to be 0 or 1, found ${value}`);
  };
  if (word(0) !== VERSION) fail(`expected version ${VERSION}, found ${word(0)}`);
  // seqlock: odd while it is written, so the rest may be half old and half new.
  if (word(1) % 2 === 1) return undefined;
  return {
    sequence: word(1),
    enforcing: flag(2, 'enforcing'),
    policyload: word(3),
    denyUnknown: flag(4, 'deny_unknown'),
  };
}

/**
 * How often the mode was certainly switched between two looks, beyond what their modes show: 2 for off and on again.
 * Loads of policies and booleans count themselves, but the first one after the file came to be hides how many came
 * before it: then no switch is certain. A sequence that went back is of another boot.
 */
export function hiddenSwitches(before: KernelStatus, now: KernelStatus): number {
  const changes = (now.sequence - before.sequence) / 2;
  const loads = now.policyload - before.policyload;
  if (changes <= 0 || loads < 0 || (before.policyload === 0 && loads > 0)) return 0;
  const shown = before.enforcing === now.enforcing ? 0 : 1;
  return Math.max(0, changes - loads - shown);
}
