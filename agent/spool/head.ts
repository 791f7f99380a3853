import type { FileHandle } from 'node:fs/promises';
import { LIMITS } from '../../shared/protocol.ts';
import { crc32c } from './crc32c.ts';
import { isNewer, PREFIX_BYTES, prefix } from './format.ts';
import { writeAll } from './write-all.ts';

/**
 * How far this life of the spool is, beside the records themselves. It is overwritten in place and takes no new
 * disk space, so it can be kept on a full disk too; it tells after a crash which numbers were given out
 * although their records are gone.
 */
export interface Head {
  /** Next number to give. */
  readonly next: number;
  /** Acknowledged up to and with. */
  readonly acknowledged: number;
  /** Events that became part of a `lost` record. */
  readonly lost: number;
}

export const EMPTY_HEAD: Head = { next: 1, acknowledged: 0, lost: 0 };
const BYTES = PREFIX_BYTES + 28;

export async function writeHead(file: FileHandle, head: Head): Promise<void> {
  const bytes = Buffer.alloc(BYTES);
  prefix('NSH').copy(bytes);
  bytes.writeBigUInt64LE(BigInt(head.next), PREFIX_BYTES);
  bytes.writeBigUInt64LE(BigInt(head.acknowledged), PREFIX_BYTES + 8);
  bytes.writeBigUInt64LE(BigInt(head.lost), PREFIX_BYTES + 16);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, BYTES - 4)), BYTES - 4);
  await writeAll(file, bytes, 0);
}

/** Undefined when it is damaged: then the records alone must tell. `newer`: of a format not known here. */
export function readHead(bytes: Buffer): Head | 'newer' | undefined {
  if (isNewer(bytes, 'NSH')) return 'newer';
  if (bytes.length < BYTES) return undefined;
  if (crc32c(bytes.subarray(0, BYTES - 4)) !== bytes.readUInt32LE(BYTES - 4)) return undefined;
  const at = (place: number): number => Number(bytes.readBigUInt64LE(PREFIX_BYTES + place));
  const [next, acknowledged, lost] = [at(0), at(8), at(16)];
  const isPossible = next <= LIMITS.sequence && lost <= LIMITS.sequence && acknowledged < next;
  return isPossible ? { next, acknowledged, lost } : undefined;
}
